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

let relay, lesson, line, people, tv, phone

before(async () => {
  relay = await Relay.start()
  lesson = await relay.lesson({ places: ['THCS Pải Lủng · lớp 9B', 'THCS Mèo Vạc · lớp 9A'] })
  line = await Emulator.start(relay.base, 6)
  await line.tell({ profile: 'P6' })
  people = await openDevicesOf()
  tv = await people.device(lesson.places[0], TV)
})

after(async () => {
  await people?.close()
  await line?.stop()
  await relay?.stop()
})

/** Asks A to D as the organiser, and writes down every tally that comes. */
function ASK({ address, token }) {
  window.__tallies = []
  const socket = new WebSocket(address)
  const say = (message) => socket.send(JSON.stringify(message))
  socket.onopen = () => say({ type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'browser', codecs: [] } })
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'welcome') say({ type: 'question.open', kind: 'choice', mode: 'room', options: 4, prompt: 'Phương trình có mấy nghiệm?' })
    if (message.type === 'error') window.__tallies.push(message)
    if (message.type === 'tally' && message.rooms > 0) window.__tallies.push({ at: Date.now(), answers: message.answers })
  }
}

test('a phone on the weakest line opens by the code on the TV, and its class answers a question', async () => {
  const link = line.link(await scan(tv))
  const opened = Date.now()
  phone = await people.device('about:blank', { ...PHONE, mobile: true })
  await phone.goto(link, { waitUntil: 'commit' })
  await until('the phone is in', () => phone.innerText('body'), (text) => text.includes('lớp 9B'), 30_000)
  const inAfter = Date.now() - opened
  relay.sampleLesson(lesson, [])
  await until('the lesson is live', () => relay.api('GET', `/api/lessons/${lesson.id}`), (l) => l.state === 'live')
  const organiser = await people.device(relay.base)
  const asked = Date.now()
  await organiser.evaluate(ASK, { address: `${relay.base.replace(/^http/, 'ws')}/api/ws?lesson=${lesson.id}`, token: relay.token })
  await until('the question', () => phone.innerText('body'), (text) => text.includes('Phương trình có mấy nghiệm?'), 5_000)
  const seen = Date.now() - asked
  const pressed = Date.now()
  await phone.getByRole('button', { name: 'B', exact: true }).click()
  await until('it says that the answer is there', () => phone.innerText('body'), (text) => text.includes('Đã gửi'), 5_000)
  const [tally] = await until('the tally', () => organiser.evaluate(() => window.__tallies), (tallies) => tallies.length > 0, 5_000)
  console.log(`a phone on P6: in after ${inAfter} ms, question after ${seen} ms, counted ${tally.at - pressed} ms after the tap`)
  assert.deepEqual(tally.answers?.map(({ value }) => value), [{ option: 1 }], 'B, once')
  assert.ok(tally.at - pressed <= 3_000, `${tally.at - pressed} ms`)
  assert.deepEqual(phone.problems, [])
})

/** Shows the first work on all TVs as the host, and says when. */
function SHOW({ address, token }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address)
    const say = (message) => socket.send(JSON.stringify(message))
    socket.onopen = () => say({ type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'browser', codecs: [] } })
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data)
      if (message.type === 'error') reject(new Error(data))
      if (message.type !== 'welcome') return
      say({ type: 'work.show', works: [1], named: false })
      resolve(Date.now())
    }
  })
}

test('a pupil’s work is on a TV behind a mountain line within five seconds while the lesson goes on there', async () => {
  const mountain = await Emulator.start(relay.base, 2)
  const school = await openBrowser()
  try {
    await mountain.tell({ profile: 'P2' })
    await school.addInitScript(WATCH, { ...mountain.ports, firstSlide: FIRST_SLIDE })
    const screen = await openPage(school, mountain.link(lesson.places[1]), { width: 1920, height: 1080 })
    await until('pictures over the mountain', () => received(screen), ({ framesDecoded }) => framesDecoded > 60, 40_000)
    await phone.getByRole('button', { name: 'Bài làm' }).click()
    const file = { name: 'IMG_2031.jpg', mimeType: 'image/jpeg', buffer: await notebookPhoto(phone) }
    await phone.locator('input[type=file]').first().setInputFiles(file)
    const sending = Date.now()
    await until('the work is there', () => phone.innerText('body'), (text) => text.includes('Đã gửi'), 60_000)
    console.log(`a notebook's photo from a phone on P6: ${Date.now() - sending} ms`)
    const board = await openPage(school, relay.base)
    const shown = await board.evaluate(SHOW, { address: `${relay.base.replace(/^http/, 'ws')}/api/ws?lesson=${lesson.id}`, token: lesson.host.split('#t=')[1] })
    await until('the work is on the screen', () => screen.evaluate(() => [...document.querySelectorAll('.works img')].some((image) => image.naturalWidth > 400 && image.offsetWidth > 0)), Boolean, 15_000)
    const span = Date.now() - shown
    console.log(`on a TV behind P2, beside the lesson: ${span} ms`)
    assert.ok(span <= 5_000, `${span} ms`)
  } finally {
    await school.close()
    await mountain.stop()
  }
})
