// The same promises in Firefox, whose process is killed as a dead battery does it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import puppeteer from 'puppeteer-core'
import { frameNumber, openBrowser, openPage, until } from './lib/browser.mjs'
import { lessonFiles } from './lib/camera.mjs'
import { openDevices } from './lib/host.mjs'
import { errors, OUTAGE_MS, passHalfAMinute, sentence, sheetToken, summary, watchCamera, watchRows } from './lib/notes.mjs'
import { Relay } from './lib/relay.mjs'

const launch = (userDataDir) => puppeteer.launch({
  browser: 'firefox',
  executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
  headless: true,
  userDataDir,
  defaultViewport: { width: 1366, height: 768 },
  extraPrefsFirefox: {
    'media.autoplay.default': 0,
    'media.peerconnection.ice.loopback': true,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
  },
})

const saved = (page) => page.$eval('.save-state', (state) => state.innerText)
const texts = (page) => page.$$eval('.row', (rows) => rows.map((row) => row.querySelector('.cell').value))

/** A row; the first ones key by key, the others word by word, which is quicker and the same to the page. */
async function write(page, text) {
  const before = await page.$$eval('.row', (rows) => rows.length)
  await page.keyboard.press('F2')
  await page.waitForFunction((count) => document.querySelectorAll('.row').length > count, {}, before)
  if (before < 5) await page.keyboard.type(text)
  else await page.evaluate((words) => { for (const word of words) document.execCommand('insertText', false, word) }, text.match(/\S+\s*/g))
}

// Firefox gathers only the address of the default route: the relay must be reachable there, not on 127.0.0.1 alone.
test('Firefox: forty rows survive ten minutes without a network, a killed relay and a killed browser, and know their moment', { timeout: 150_000 + OUTAGE_MS }, async () => {
  const relay = await Relay.start({ listen: '0.0.0.0:0' })
  const profile = mkdtempSync(path.join(tmpdir(), 'nhipcau-firefox-'))
  const teacher = await openBrowser({ camera: lessonFiles() })
  let firefox = await launch(profile)
  try {
    const lesson = await relay.lesson({ places: [] })
    const host = await openPage(teacher, lesson.host)
    await openDevices(host)
    await host.getByRole('button', { name: 'Bắt đầu tiết dạy' }).click()
    await until('the camera is seen', () => frameNumber(host), (number) => number !== null)
    await watchCamera(host)
    let page = await firefox.newPage()
    await page.goto(lesson.observer)
    await until('a picture in Firefox', () => frameNumber(page), (number) => number !== null, 40_000)
    // The sheet comes after the picture.
    await page.waitForSelector('.start input[autocomplete=name]')
    await page.type('.start input[autocomplete=name]', 'Nguyễn Thị Lan')
    await page.click('.start .button-primary')
    await page.waitForSelector('.sheet')
    await watchRows(page)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    for (let row = 0; row < 12; row++) await write(page, sentence(row))
    await until('everything is sent', () => saved(page), (text) => text.includes('Đã gửi'))
    const token = await sheetToken(page)
    const moments = (await relay.api('GET', '/api/sheet/export', undefined, token)).view.rows.map((row) => row.at)
    assert.ok(moments.every(({ q }) => q === 'picture'), `moments of pictures: ${moments.map(({ q }) => q)}`)
    relay.freeze()
    for (let row = 12; row < 32; row++) {
      await passHalfAMinute(page, row)
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS / 20))
      await write(page, sentence(row))
    }
    await until('the page says where the words are', () => saved(page), (text) => text.includes('chờ gửi'), 40_000)
    const restarted = relay.restart({ signal: 'SIGKILL', downMs: 8000 })
    for (let row = 32; row < 40; row++) await write(page, sentence(row))
    const frames = await page.evaluate(() => window.__opened)
    // Half a second later the battery is dead.
    await new Promise((resolve) => setTimeout(resolve, 500))
    firefox.process().kill('SIGKILL')
    await firefox.close().catch(() => undefined)
    await restarted
    firefox = await launch(profile)
    page = await firefox.newPage()
    await page.goto(lesson.observer)
    await page.waitForFunction(() => document.querySelectorAll('.row').length >= 40, { timeout: 30_000 })
    const expected = Array.from({ length: 40 }, (_, row) => sentence(row))
    assert.deepEqual(await texts(page), expected)
    await until('everything is sent', () => saved(page), (text) => text.includes('Đã gửi'), 40_000)
    const { view } = await relay.api('GET', '/api/sheet/export', undefined, token)
    assert.deepEqual(view.rows.map((row) => row.teacher), expected)
    const all = errors(await host.evaluate(() => window.__taken), frames, view.rows.map((row) => row.at.ms))
    assert.ok(summary('Firefox', all) <= 200)
  } finally {
    await firefox.close().catch(() => undefined)
    await teacher.close()
    await relay.stop()
    rmSync(profile, { recursive: true, force: true })
  }
})
