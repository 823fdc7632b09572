// What an observer does with her sheet, and how a row's moment is held against the picture she saw.
import assert from 'node:assert/strict'
import { until } from './browser.mjs'

/** Reads the frame number of a video in the page, without leaving the task it is called in. */
const READER = `(video) => {
  if (!video || video.videoWidth === 0 || video.readyState < 2) return null
  const block = video.videoWidth / 40
  const canvas = document.createElement('canvas')
  canvas.width = video.videoWidth
  canvas.height = Math.max(2, Math.floor(block))
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  drawing.drawImage(video, 0, 0, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height)
  const bright = (index) => {
    const [r, g, b] = drawing.getImageData(Math.floor((index + 0.5) * block), Math.floor(canvas.height / 2), 1, 1).data
    return r + g + b > 384
  }
  if (!bright(0) || !bright(25)) return null
  let number = 0
  for (let bit = 1; bit <= 24; bit++) number = number * 2 + (bright(bit) ? 1 : 0)
  return number
}`

/**
 * Begins to write down which frame the teacher's camera takes when. The camera's own picture is the only witness that has not passed
 * the relay; `captureTime` says when a frame was taken, however late a busy machine shows it.
 */
export async function watchCamera(host) {
  // As text: a page's own rules forbid it to make code of text, the debugger may.
  await host.evaluate(`{
    const read = ${READER}
    window.__taken = []
    const video = [...document.querySelectorAll('video')].find((v) => read(v) !== null)
    const next = (now, frame) => {
      const number = read(video)
      const last = window.__taken.at(-1)
      if (number !== null && number !== last?.[0]) window.__taken.push([number, performance.timeOrigin + (frame.captureTime ?? now)])
      video.requestVideoFrameCallback(next)
    }
    video.requestVideoFrameCallback(next)
  }`)
}

/** From now on every F2 writes down the frame on the observer's screen in the task that opens the row. */
export async function watchRows(page) {
  await page.evaluate(`{
    const read = ${READER}
    window.__opened = []
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'F2') return
      const videos = [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && v.offsetWidth > 0)
      // What cannot be read is described instead: a picture that stalls, or none.
      const seen = videos.map((v) => [v.videoWidth, v.readyState, v.currentTime, v.buffered.length > 0 ? v.buffered.end(v.buffered.length - 1) : null])
      window.__opened.push(videos.map(read).find((n) => n !== null) ?? JSON.stringify(seen))
    }, true)
  }`)
}

/** Frames a second of the lesson's file (`camera.mjs`); after its last frame it begins again. */
const FPS = 15
const FRAMES = 150

/**
 * How far each row's moment is from the moment the camera took the frame its writer saw, milliseconds. A frame that the host's page
 * skipped was taken its share of a second after the one before.
 * @param taken pairs of frame number and time, from `watchCamera`
 * @param frames the frame on screen when each row was opened
 * @param moments the rows' moments
 */
export function errors(taken, frames, moments) {
  return moments.map((ms, row) => {
    assert.equal(typeof frames[row], 'number', `row ${row}: no frame was in sight, but [width, ready, at, buffered to] ${frames[row]}`)
    const times = taken.flatMap(([number, at]) => {
      const ahead = (frames[row] - number + FRAMES) % FRAMES
      return ahead <= 6 ? [at + (ahead * 1000) / FPS] : []
    })
    assert.ok(times.length > 0, `row ${row}: the camera never took frame ${frames[row]}`)
    return Math.round(times.map((at) => ms - at).reduce((best, error) => (Math.abs(error) < Math.abs(best) ? error : best)))
  })
}

export function summary(what, list) {
  const sorted = list.map(Math.abs).sort((a, b) => a - b)
  const text = `${what}: ${list.length} rows, error median ${sorted[sorted.length >> 1]} ms, largest ${sorted.at(-1)} ms (${Math.min(...list)} to ${Math.max(...list)}): ${list.join(' ')}`
  console.log(text)
  return sorted.at(-1)
}

/** Fills in who writes and begins. */
export async function beginSheet(page, { name = 'Nguyễn Thị Lan', unit = 'THCS Mèo Vạc', share = false } = {}) {
  await page.getByLabel('Họ và tên người dự').fill(name)
  await page.getByLabel('Đơn vị').fill(unit)
  if (share) await page.getByLabel('Đồng nghiệp cùng dự').check()
  await page.getByRole('button', { name: 'Bắt đầu ghi' }).click()
  await page.locator('.sheet').waitFor()
}

/** A row at this moment with text in its cells, written word by word into whatever has the focus. */
export async function writeRow(page, ...cells) {
  const before = await page.locator('.row').count()
  await page.keyboard.press('F2')
  await page.locator('.row').nth(before).waitFor()
  for (const [index, text] of cells.entries()) {
    if (index > 0) await page.keyboard.press('Tab')
    for (const word of text.match(/\S+\s*/g) ?? []) await page.keyboard.insertText(word)
  }
}

/**
 * How long the network is really away in the tests of an outage. The page's clock is set on by ten minutes in any case;
 * `NHIPCAU_TEST_OUTAGE_S=600` waits for them.
 */
export const OUTAGE_MS = Number(process.env.NHIPCAU_TEST_OUTAGE_S ?? 4) * 1000

/** Half a minute passes on the page's wall clock before this row; before every fourth one the clock is set back a minute instead. */
export async function passHalfAMinute(page, row) {
  await page.evaluate((jump) => {
    const now = Date.now
    Date.now = () => now() + jump
  }, row % 4 === 0 ? -60_000 : 30_000)
}

/** What the sheet on screen says of where its words are. */
export const saved = (page) => page.locator('.save-state').innerText()

export const untilSent = (page, ms = 20_000) => until('everything is sent', () => saved(page), (text) => text.includes('Đã gửi'), ms)

/** The token of the sheet this page has begun, from the browser's own store. */
export function sheetToken(page) {
  return page.evaluate(() => new Promise((resolve, reject) => {
    const opening = indexedDB.open('nhipcau-notes')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const all = opening.result.transaction('sheets').objectStore('sheets').getAll()
      all.onsuccess = () => resolve(all.result.at(-1).token)
    }
  }))
}

/** Vietnamese with every kind of mark, and what spoils careless code. */
export function sentence(row) {
  const parts = ['Học sinh thảo luận nhóm', 'GV đặt câu hỏi gợi mở: “Vì sao?”', 'Nguyễn Ễ ễ Ữ ữ Ặ ặ Ợ ợ ỹ', 'Đúng – 3/4 lớp <b>giơ tay</b> & trả lời', 'Kỹ thuật “khăn trải bàn”; ½ số nhóm xong']
  return `${row + 1}. ${parts[row % parts.length]}`
}
