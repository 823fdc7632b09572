// Headless Firefox as a classroom's computer has it.
import puppeteer from 'puppeteer-core'

/** @param {Record<string, unknown>} prefs besides those that let a lesson play without a click on this machine alone */
export function openFirefox(prefs = {}) {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: {
      'media.autoplay.default': 0,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      ...prefs,
    },
  })
}
