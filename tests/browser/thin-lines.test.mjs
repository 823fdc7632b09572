// What a class does besides watching, over the lines it has: a helper's phone on P6 (100/40 kbit/s, 150 ms, 1 % lost), a TV on P2
// (700/200 kbit/s, 120 ± 60 ms, 3 % lost) that the lesson already fills.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBrowser, openDevicesOf, openPage, received, until } from './lib/browser.mjs'
import { Emulator } from './lib/emulator.mjs'
import { PHONE, TV } from './lib/look.mjs'
import { Relay } from './lib/relay.mjs'
import { notebookPhoto, scan } from './lib/rooms.mjs'
import { FIRST_SLIDE } from './lib/slides.mjs'
import { WATCH } from './lib/watcher.mjs'

let relay, lesson, line, mountain, people, school, tv, phone, screen

before(async () => {
  relay = await Relay.start()
  lesson = await relay.lesson({ places: ['THCS Pải Lủng · lớp 9B', 'THCS Mèo Vạc · lớp 9A'] })
  line = await Emulator.start(relay.base, 6)
  await line.tell({ profile: 'P6' })
  mountain = await Emulator.start(relay.base, 2)
  await mountain.tell({ profile: 'P2' })
  people = await openDevicesOf()
  school = await openBrowser()
  await school.addInitScript(WATCH, { ...mountain.ports, firstSlide: FIRST_SLIDE })
  tv = await people.device(lesson.places[0], TV)
})

after(async () => {
  await school?.close()
  await people?.close()
  await mountain?.stop()
  await line?.stop()
  await relay?.stop()
})

test('a phone on the weakest line opens by the code on the TV, and its class answers a question', async () => {
  const link = line.link(await scan(tv))
  const opened = Date.now()
  phone = await people.device('about:blank', { ...PHONE, mobile: true })
  await phone.goto(link, { waitUntil: 'commit' })
  await until('the phone is in', () => phone.innerText('body'), (text) => text.includes('lớp 9B'), 30_000)
  const inAfter = Date.now() - opened
  relay.sampleLesson(lesson, [])
  await until('the lesson is live', () => relay.api('GET', `/api/lessons/${lesson.id}`), (l) => l.state === 'live')
  const organiser = await relay.line(await people.device(relay.base), lesson)
  const asked = await organiser.say({ type: 'question.open', kind: 'choice', mode: 'room', options: 4, prompt: 'Phương trình có mấy nghiệm?' })
  await until('the question', () => phone.innerText('body'), (text) => text.includes('Phương trình có mấy nghiệm?'), 5_000)
  const seen = Date.now() - asked
  const pressed = Date.now()
  await phone.getByRole('button', { name: 'B', exact: true }).click()
  await until('it says that the answer is there', () => phone.innerText('body'), (text) => text.includes('Đã gửi'), 5_000)
  const tallies = await until('the tally', () => organiser.heard('tally'), (all) => all.some(({ rooms }) => rooms > 0), 5_000)
  const tally = tallies.find(({ rooms }) => rooms > 0)
  console.log(`a phone on P6: in after ${inAfter} ms, question after ${seen} ms, counted ${tally.at - pressed} ms after the tap`)
  assert.deepEqual(tally.answers.map(({ value }) => value), [{ option: 1 }], 'B, once')
  assert.ok(tally.at - pressed <= 3_000, `${tally.at - pressed} ms`)
  assert.deepEqual(phone.problems, [])
})

test('a pupil’s work is on a TV behind a mountain line within five seconds while the lesson goes on there', async () => {
  screen = await openPage(school, mountain.link(lesson.places[1]), TV)
  await until('pictures over the mountain', () => received(screen), ({ framesDecoded }) => framesDecoded > 60, 40_000)
  await phone.getByRole('button', { name: 'Bài làm' }).click()
  const file = { name: 'IMG_2031.jpg', mimeType: 'image/jpeg', buffer: await notebookPhoto(phone) }
  await phone.locator('input[type=file]').first().setInputFiles(file)
  const sending = Date.now()
  await until('the work is there', () => phone.innerText('body'), (text) => text.includes('Đã gửi'), 60_000)
  console.log(`a notebook's photo from a phone on P6: ${Date.now() - sending} ms`)
  const host = await relay.line(await people.device(relay.base), lesson, lesson.host.split('#t=')[1])
  const shown = await host.say({ type: 'work.show', works: [1], named: false })
  await until('the work is on the screen', () => screen.evaluate(() => [...document.querySelectorAll('.works img')].some((image) => image.naturalWidth > 400 && image.offsetWidth > 0)), Boolean, 15_000)
  const span = Date.now() - shown
  console.log(`on a TV behind P2, beside the lesson: ${span} ms`)
  assert.ok(span <= 5_000, `${span} ms`)
})

test('a class whose line is down when the lesson ends reads that it is over when the line is back', async () => {
  await mountain.tell({ cut: true })
  await until('the TV says that the connection is lost', () => screen.innerText('body'), (text) => /nối lại/i.test(text))
  const host = await relay.line(await people.device(relay.base), lesson, lesson.host.split('#t=')[1])
  await host.say({ type: 'lesson.end' })
  await until('the other class reads it', () => tv.innerText('body'), (text) => /kết thúc/i.test(text))
  await mountain.tell({ profile: 'P2' })
  await until('the TV says that the lesson is over', () => screen.innerText('body'), (text) => /kết thúc/i.test(text), 30_000)
  assert.deepEqual(screen.problems, [])
})
