// Codecs, plain players and Firefox: whatever a school has must show the lesson.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { frameNumber, openBrowser, openPage, received, until } from './lib/browser.mjs'
import { openFirefox } from './lib/firefox.mjs'
import { Relay } from './lib/relay.mjs'

let school

before(async () => {
  school = await openBrowser()
})

after(() => school?.close())

/** A relay of its own for `story`: a place can be in one live lesson only. */
async function withRelay(options, story) {
  const relay = await Relay.start(options)
  try {
    await story(relay)
  } finally {
    await relay.stop()
  }
}

for (const codec of ['vp8', 'h264']) {
  test(`a lesson in ${codec.toUpperCase()} is decoded by a TV, sound included`, () => withRelay({}, async (relay) => {
    const lesson = await relay.lesson({ title: `Bài ${codec}` })
    relay.sampleLesson(lesson, ['--codec', codec])
    const tv = await openPage(school, lesson.places[0], { width: 1920, height: 1080 })
    const numbers = new Set()
    await until('frame numbers rise', async () => {
      const number = await frameNumber(tv)
      if (number !== null) numbers.add(number)
      return numbers.size
    }, (size) => size > 8, 30_000)
    const sum = await until('sound', () => received(tv), (now) => now.audioEnergy > 1e-4, 10_000)
    assert.ok(sum.codecs.some((mime) => mime.toLowerCase() === `video/${codec}`), `decoded ${sum.codecs}`)
    assert.deepEqual(tv.problems, [])
    await tv.close()
  }))
}

test('a plain WHEP player with one picture and one sound plays the program', () => withRelay({}, async (relay) => {
  const lesson = await relay.lesson()
  relay.sampleLesson(lesson)
  const token = lesson.observer.split('#t=')[1]
  await until('the lesson is live', () => relay.api('GET', `/api/lessons/${lesson.id}`), (l) => l.state === 'live')
  const page = await openPage(school, `${relay.base}/`)
  await page.evaluate(async ({ url, token }) => {
    const connection = new RTCPeerConnection()
    connection.addTransceiver('video', { direction: 'recvonly' })
    connection.addTransceiver('audio', { direction: 'recvonly' })
    const video = document.createElement('video')
    connection.ontrack = ({ track, streams }) => {
      video.srcObject = streams[0] ?? new MediaStream([track])
      void video.play()
    }
    document.body.append(video)
    await connection.setLocalDescription()
    const response = await fetch(url, { method: 'POST', body: connection.localDescription.sdp, headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` } })
    if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${await response.text()}`)
    for (const header of ['location', 'etag']) if (!response.headers.get(header)) throw new Error(`no ${header}`)
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  }, { url: `${relay.base}/whep/${lesson.id}`, token })
  await until('frames', () => received(page), (sum) => sum.framesDecoded > 10 && sum.audioEnergy > 1e-4, 20_000)
  await page.close()
}))

// Firefox gathers only the address of the default route: the relay must be reachable there, not on 127.0.0.1 alone.
test('Firefox shows the lesson', () => withRelay({ listen: '0.0.0.0:0' }, async (relay) => {
  const lesson = await relay.lesson()
  relay.sampleLesson(lesson)
  const firefox = await openFirefox()
  try {
    const page = await firefox.newPage()
    await page.goto(lesson.places[0])
    // Headless Firefox counts no presented frames, so the pixels are asked.
    const numbers = new Set()
    await until('frame numbers rise in Firefox', async () => {
      const number = await frameNumber(page)
      if (number !== null) numbers.add(number)
      return numbers.size
    }, (size) => size > 8, 40_000)
  } finally {
    await firefox.close()
  }
}))
