// Headless Chromium as a classroom, an observer or a host has it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Pages in the background keep decoding: a classroom's TV shows one page only.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

// Remembers every RTCPeerConnection so that a test can read its statistics; changes nothing else.
export const REMEMBER_CONNECTIONS = () => {
  const Original = window.RTCPeerConnection
  window.__connections = []
  window.RTCPeerConnection = class extends Original {
    constructor(...args) {
      super(...args)
      window.__connections.push(this)
    }
  }
}

/**
 * A browser with its own profile folder.
 * @param {{camera?: {video: string, audio: string}, autoplay?: boolean, flags?: string[]}} options
 */
export async function openBrowser({ camera, autoplay = true, flags = [] } = {}) {
  const profile = mkdtempSync(path.join(tmpdir(), 'nhipcau-chromium-'))
  const args = FLAGS.filter((flag) => autoplay || !flag.startsWith('--autoplay-policy')).concat(cameraFlags(camera), flags)
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args,
    ignoreDefaultArgs: ['--mute-audio'],
    viewport: { width: 1366, height: 768 },
    permissions: camera ? ['camera', 'microphone'] : [],
  })
  await context.addInitScript(REMEMBER_CONNECTIONS)
  const close = context.close.bind(context)
  context.close = async () => {
    await close()
    rmSync(profile, { recursive: true, force: true })
  }
  return context
}

function cameraFlags(camera) {
  if (!camera) return []
  return [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${camera.video}`,
    `--use-file-for-fake-audio-capture=${camera.audio}`,
  ]
}

/**
 * One browser for many devices, each with a memory of its own: `device(url, screen)` is a page in a fresh context; `screen` may be
 * a phone's (`mobile`), and what it loads may come over a bad `line`. Cheaper than a browser for each of them.
 */
export async function openDevicesOf({ camera } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS.concat(cameraFlags(camera)),
    ignoreDefaultArgs: ['--mute-audio'],
  })
  const device = async (url, { width = 1366, height = 768, mobile = false, zoom = 1, line } = {}) => {
    const context = await browser.newContext({
      // What the browser's zoom does to a page: fewer CSS pixels, each of them larger.
      viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
      deviceScaleFactor: zoom,
      isMobile: mobile,
      hasTouch: mobile,
      permissions: camera ? ['camera', 'microphone'] : [],
    })
    await context.addInitScript(REMEMBER_CONNECTIONS)
    const page = await context.newPage()
    page.problems = []
    page.on('pageerror', (error) => page.problems.push(String(error)))
    if (line) {
      const cdp = await context.newCDPSession(page)
      const bytes = (kbps) => (kbps * 1000) / 8
      await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: line.rttMs, downloadThroughput: bytes(line.downKbps), uploadThroughput: bytes(line.upKbps) })
    }
    await page.goto(url)
    return page
  }
  return { device, close: () => browser.close() }
}

/** A page of `context` at `url` with the given screen; its errors end up in `page.problems`. */
export async function openPage(context, url, { width = 1366, height = 768 } = {}) {
  const page = await context.newPage()
  page.problems = []
  page.on('pageerror', (error) => page.problems.push(String(error)))
  await page.setViewportSize({ width, height })
  await page.goto(url)
  return page
}

/** Sums of what all live connections of the page have received. */
export function received(page) {
  return page.evaluate(async () => {
    const sum = { framesDecoded: 0, audioSamples: 0, audioConcealed: 0, audioEnergy: 0, packetsLost: 0, freezeCount: 0, frameHeight: 0, codecs: [], nackCount: 0, pliCount: 0 }
    for (const connection of window.__connections ?? []) {
      if (connection.connectionState === 'closed') continue
      const stats = await connection.getStats()
      for (const report of stats.values()) {
        if (report.type !== 'inbound-rtp') continue
        sum.packetsLost += report.packetsLost ?? 0
        if (report.kind === 'audio') {
          sum.audioSamples += report.totalSamplesReceived ?? 0
          sum.audioConcealed += report.concealedSamples ?? 0
          sum.audioEnergy += report.totalAudioEnergy ?? 0
        } else {
          sum.framesDecoded += report.framesDecoded ?? 0
          sum.freezeCount += report.freezeCount ?? 0
          sum.nackCount += report.nackCount ?? 0
          sum.pliCount += report.pliCount ?? 0
          sum.frameHeight = Math.max(sum.frameHeight, report.frameHeight ?? 0)
          const codec = stats.get(report.codecId)
          if (codec && report.framesDecoded > 0) sum.codecs.push(codec.mimeType)
        }
      }
    }
    return sum
  })
}

/**
 * The machine-readable frame number on the top edge of the biggest playing video (or of `selector`), or null
 * when no strip can be read: 26 blocks of 1/40 of the width, white markers first and last, 24 bits between.
 */
export function frameNumber(page, selector = 'video') {
  return page.evaluate((selector) => {
    const videos = [...document.querySelectorAll(selector)].filter((v) => v.videoWidth > 0 && v.readyState >= 2)
    const numbers = videos.map((video) => {
      const width = video.videoWidth
      const block = width / 40
      const canvas = document.createElement('canvas')
      canvas.width = width
      canvas.height = Math.max(2, Math.floor(block))
      const drawing = canvas.getContext('2d', { willReadFrequently: true })
      drawing.drawImage(video, 0, 0, width, canvas.height, 0, 0, width, canvas.height)
      const bright = (index) => {
        const [r, g, b] = drawing.getImageData(Math.floor((index + 0.5) * block), Math.floor(canvas.height / 2), 1, 1).data
        return r + g + b > 384
      }
      if (!bright(0) || !bright(25)) return null
      let number = 0
      for (let bit = 1; bit <= 24; bit++) number = number * 2 + (bright(bit) ? 1 : 0)
      return number
    })
    return numbers.find((number) => number !== null) ?? null
  }, selector)
}

/** Polls `probe` until `accept(value)`; fails with the last value after `ms`. */
export async function until(what, probe, accept = Boolean, ms = 20_000) {
  const deadline = Date.now() + ms
  let value
  do {
    value = await probe()
    if (accept(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 100))
  } while (Date.now() < deadline)
  throw new Error(`${what}: still ${JSON.stringify(value)} after ${ms} ms`)
}
