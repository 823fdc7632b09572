// A whole lesson: a teacher in Chromium, three classrooms and an observer, real camera file, real relay.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { frameNumber, openBrowser, openPage, received, until } from './lib/browser.mjs'
import { lessonFiles } from './lib/camera.mjs'
import { openDevices } from './lib/host.mjs'
import { Relay } from './lib/relay.mjs'

const camera = lessonFiles()
let relay, lesson, teacher, host, school, tvs, observer

before(async () => {
  relay = await Relay.start()
  lesson = await relay.lesson({ places: ['THCS Mèo Vạc · lớp 9A', 'THPT Chu Văn An · lớp 11A1', 'THCS Thụy An · lớp 9B'] })
  teacher = await openBrowser({ camera })
  host = await openPage(teacher, lesson.host)
  school = await openBrowser()
  tvs = await Promise.all(lesson.places.map((link) => openPage(school, link, { width: 1920, height: 1080 })))
  observer = await openPage(school, lesson.observer)
})

after(async () => {
  await school?.close()
  await teacher?.close()
  await relay?.stop()
})


const everybody = () => [...tvs, observer]

/** Waits until the frame number read from the page's pixels has changed `changes` times. */
async function picturesMove(page, changes = 5, ms = 20_000) {
  const seen = new Set()
  await until('a picture that moves', async () => {
    const number = await frameNumber(page)
    if (number !== null) {
      assert.ok(number < camera.frames, `frame number ${number} was never filmed: the strip is misread`)
      seen.add(number)
    }
    return seen.size
  }, (size) => size > changes, ms)
}

/** Waits until sound with energy arrives at the page. */
async function soundArrives(page, ms = 20_000) {
  const before = await received(page)
  await until('sound', () => received(page), (now) => now.audioEnergy > before.audioEnergy + 1e-4 && now.audioSamples > before.audioSamples + 24_000, ms)
}

test('before the lesson every screen says that it is ready', async () => {
  for (const tv of tvs) await until('the TV is ready', () => tv.innerText('body'), (text) => /sẵn sàng/i.test(text))
  await until('the host sees three places', () => host.innerText('body'), (text) => text.includes('3/3'))
})

test('the teacher opens camera and microphone and sees them', async () => {
  await openDevices(host)
  await until('the preview moves', () => frameNumber(host), (number) => number !== null)
})

test('the teacher presses one button and three classrooms and an observer see and hear the lesson', async () => {
  await host.getByRole('button', { name: 'Bắt đầu tiết dạy' }).click()
  for (const page of everybody()) await picturesMove(page)
  for (const page of everybody()) await soundArrives(page)
})

test('slides appear beside the teacher when they are shared, and go away when they stop', async () => {
  const wide = (page) => page.evaluate(() => [...document.querySelectorAll('video')].filter((v) => v.offsetWidth > 0 && v.videoWidth > 0 && getComputedStyle(v).visibility !== 'hidden').length)
  await host.getByRole('button', { name: 'Trình chiếu' }).click()
  for (const tv of tvs) await until('slides and teacher', () => wide(tv), (count) => count === 2)
  await host.getByRole('button', { name: 'Dừng trình chiếu' }).click()
  for (const tv of tvs) await until('the teacher alone', () => wide(tv), (count) => count === 1)
  for (const page of everybody()) await picturesMove(page)
})

test('the teacher reloads the page in the middle of the lesson and nobody has to click', async () => {
  host.once('dialog', (dialog) => dialog.accept())
  await host.reload()
  await until('the relay has the new connection', () => host.innerText('body'), (text) => /đang phát/i.test(text))
  for (const page of everybody()) await picturesMove(page, 8, 30_000)
  for (const page of everybody()) await soundArrives(page)
})

test('the relay is killed and started again: words at once, picture and sound back with no click', async () => {
  const restarted = relay.restart({ signal: 'SIGKILL', downMs: 6_000 })
  await until('the TV says that the connection is lost', () => tvs[0].innerText('body'), (text) => /nối lại/i.test(text), 5_000)
  await restarted
  for (const page of everybody()) await picturesMove(page, 8, 45_000)
  for (const page of everybody()) await soundArrives(page)
})

test('the lesson ends and the screens say so', async () => {
  await host.getByRole('button', { name: 'Kết thúc tiết dạy' }).first().click()
  await host.getByRole('dialog').getByRole('button', { name: 'Kết thúc tiết dạy' }).click()
  for (const tv of tvs) await until('the TV says that the lesson is over', () => tv.innerText('body'), (text) => /kết thúc/i.test(text))
  for (const page of [host, ...everybody()]) assert.deepEqual(page.problems, [])
})
