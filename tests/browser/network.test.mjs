// Schools whose networks block UDP, or everything but web pages, and TVs whose browsers have no WebRTC: every one of them gets in.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { frameNumber, openBrowser, openPage, received, until } from './lib/browser.mjs'
import { makeOld } from './lib/old-chromium.mjs'
import { answersYes, behindFirewall, sounding, untilWatching } from './lib/school.mjs'

let school, organiser

before(async () => {
  school = await openBrowser()
  await school.addInitScript(NOTE_SEGMENTS)
  organiser = await openBrowser()
})

after(async () => {
  await organiser?.close()
  await school?.close()
})

/** Notes when each piece of the teacher's picture came over the WebSocket, and what the host's clock showed; changes nothing. */
function NOTE_SEGMENTS() {
  const Original = window.WebSocket
  window.__pieces = []
  window.WebSocket = class extends Original {
    constructor(...args) {
      super(...args)
      this.addEventListener('message', ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return
        const view = new DataView(data)
        if (view.getUint8(0) !== 1 || view.getUint8(1) !== 2) return
        window.__pieces.push({ begin: Number(view.getBigUint64(4)) / 1e6, wall: Number(view.getBigUint64(12)), came: Date.now() })
      })
    }
  }
}

/** What the page says it is reached by, and the board of the organiser. */
const pathOnBoard = async (relay, lesson) => (await boardOf(relay, lesson)).places[0]?.path ?? null

async function boardOf(relay, lesson) {
  const [page] = organiser.pages()
  if (!page.url().startsWith(relay.base)) await page.goto(relay.base)
  return relay.board(page, lesson)
}

test('UDP is blocked: picture and sound come over TCP within five seconds', () => behindFirewall({}, async ({ relay, lesson, firewall }) => {
  const began = Date.now()
  const tv = await openPage(school, firewall.link(lesson.places[0]), { width: 1920, height: 1080 })
  const took = await untilWatching(tv, began, 15_000)
  const sum = await until('sound', () => received(tv), (now) => now.audioEnergy > 1e-4, 5_000)
  console.log(`UDP blocked: picture after ${took} ms; ${sum.framesDecoded} frames, ${sum.freezeCount} freezes`)
  assert.ok(took <= 5_000, `${took} ms`)
  assert.ok(firewall.iceTcpConnections > 0, 'it came over TCP')
  await until('the board says TCP', () => pathOnBoard(relay, lesson), (path) => path === 'webrtc_tcp', 12_000)
  assert.deepEqual(tv.problems, [])
  await tv.close()
}))

for (const codec of ['vp8', 'h264']) {
  test(`only web pages pass: the lesson in ${codec.toUpperCase()} comes as segments within eight seconds, and its delay stays under three`, () => behindFirewall({ codec, blockIceTcp: true }, async ({ relay, lesson, firewall }) => {
    const began = Date.now()
    const tv = await openPage(school, firewall.link(lesson.places[0]), { width: 1920, height: 1080 })
    const took = await untilWatching(tv, began, 20_000)
    await until('sound', () => sounding(tv), Boolean, 5_000)
    assert.ok(took <= 8_000, `${took} ms`)
    await until('the board says segments', () => pathOnBoard(relay, lesson), (path) => path === 'segments', 12_000)
    const behind = await delayOf(tv)
    console.log(`segments (${codec}): picture after ${took} ms, ${behind.toFixed(2)} s behind`)
    assert.ok(behind > 0 && behind <= 3, `${behind} s behind`)
    assert.deepEqual(tv.problems, [])
    await tv.close()
  }))
}

test('a TV of 2018 watches without WebRTC, says how it is, answers a question, and comes back by itself after the relay was killed', () => behindFirewall({ codec: 'h264' }, async ({ relay, lesson }) => {
  const old = await openBrowser()
  await makeOld(old, 53)
  try {
    const began = Date.now()
    const tv = await openPage(old, lesson.places[0], { width: 1920, height: 1080 })
    const took = await untilWatching(tv, began, 20_000)
    assert.deepEqual(await tv.evaluate(() => [typeof RTCPeerConnection, typeof ResizeObserver, typeof document.body.append]), ['undefined', 'undefined', 'undefined'], 'it is old indeed')
    console.log(`without WebRTC: picture after ${took} ms`)
    await until('sound', () => sounding(tv), Boolean, 5_000)
    const place = (roster) => roster.places[0]
    await until('the board sees it watching', () => boardOf(relay, lesson), (roster) => place(roster)?.state === 'watching' && place(roster)?.path === 'segments', 12_000)
    assert.equal(place(await boardOf(relay, lesson)).frozen, false)
    const answers = await answersYes({ organiser: organiser.pages()[0], relay, lesson, tv })
    assert.deepEqual(answers.map(({ value }) => value), [{ option: 0 }], 'the class says yes')
    await relay.restart({ signal: 'SIGKILL', downMs: 2_000 })
    await until('the board sees it watching again', () => boardOf(relay, lesson), (roster) => place(roster)?.state === 'watching', 30_000)
    await untilWatching(tv, Date.now(), 20_000)
    assert.deepEqual(tv.problems, [])
  } finally {
    await old.close()
  }
}))

test('a TV with nothing but a player of its own gets a playlist, eight seconds behind at most', () => behindFirewall({ codec: 'h264' }, async ({ relay, lesson }) => {
  const old = await openBrowser()
  await old.addInitScript(() => {
    for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCRtpReceiver', 'MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name]
  })
  try {
    const began = Date.now()
    const tv = await openPage(old, lesson.places[0], { width: 1920, height: 1080 })
    const took = await untilWatching(tv, began, 30_000)
    await until('sound', () => sounding(tv), Boolean, 5_000)
    await until('the board says HLS', () => pathOnBoard(relay, lesson), (path) => path === 'hls', 12_000)
    const live = await openPage(school, lesson.observer)
    await untilWatching(live, Date.now(), 10_000)
    const behind = await behindLive(tv, live)
    console.log(`HLS: picture after ${took} ms, ${behind.toFixed(1)} s behind`)
    assert.ok(behind > 1 && behind <= 8, `${behind} s behind`)
    await live.close()
    assert.deepEqual(tv.problems, [])
  } finally {
    await old.close()
  }
}))

/** The sample lesson's pictures are numbered, 25 a second, and begin again after this many. */
const NUMBERED = { fps: 25, round: 576 }

/**
 * Seconds from a moment on the screen of `live`, which plays without delay worth speaking of, to the same moment on `page`: a player of
 * playlists does not say what it shows.
 */
async function behindLive(page, live) {
  const delays = []
  for (let sample = 0; sample < 15; sample++) {
    const [shown, now] = await Promise.all([frameNumber(page), frameNumber(live)])
    if (shown !== null && now !== null) delays.push(((now - shown + NUMBERED.round) % NUMBERED.round) / NUMBERED.fps)
    await page.waitForTimeout(300)
  }
  assert.ok(delays.length >= 10, `numbers were read ${delays.length} times of 15`)
  return delays.sort((a, b) => a - b)[delays.length >> 1]
}

/**
 * Seconds from a moment at the host to the same moment on the page's screen. The host's clock travels with the pieces; where it is not known
 * yet, the time a piece came stands for it.
 */
async function delayOf(page) {
  const delays = []
  for (let sample = 0; sample < 15; sample++) {
    delays.push(await page.evaluate(() => {
      const video = [...document.querySelectorAll('video')].find((video) => video.src !== '' && video.videoWidth > 0)
      const piece = window.__pieces.filter(({ begin }) => begin <= video.currentTime).pop()
      const moment = (piece.wall > 0 ? piece.wall : piece.came) + (video.currentTime - piece.begin) * 1000
      return (Date.now() - moment) / 1000
    }))
    await page.waitForTimeout(200)
  }
  return delays.sort((a, b) => a - b)[delays.length >> 1]
}
