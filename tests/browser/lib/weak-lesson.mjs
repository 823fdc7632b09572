// A lesson that is on the air, and one class that comes into it over a bad link, again and again.
import { openBrowser, openPage, until } from './browser.mjs'
import { lessonFiles } from './camera.mjs'
import { Emulator } from './emulator.mjs'
import * as figures from './figures.mjs'
import { openDevices } from './host.mjs'
import { Relay } from './relay.mjs'
import { FIRST_SLIDE, SHARE_SLIDES } from './slides.mjs'
import { WATCH } from './watcher.mjs'

const { round } = figures
/** Rungs on which no moving picture is promised: outage, voice, voice and stills. */
const STILL_RUNGS = 2
/** A teacher's encoder starts small; a class that comes later finds all layers. */
const HOST_GROWS_MS = 15_000

/** A rung that was never stood on has no seconds: a median of several visits must not take it for unknown. */
const NO_RUNG = { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0 }

/** An estimate starts from what the handshake showed. */
const ESTIMATE_SETTLES_MS = 10_000

/** How often the link is asked what it has carried. */
const LOOK_EVERY_MS = 250

/** Starts relay, link, teacher and board; the teacher is on the air with camera, voice and slides. */
export async function openLesson(seed) {
  const camera = lessonFiles({ width: 1280, height: 720, fps: 20, seconds: 10 })
  const relay = await Relay.start()
  const lesson = await relay.lesson()
  const link = await Emulator.start(relay.base, seed)
  const teacher = await openBrowser({ camera })
  await teacher.addInitScript(SHARE_SLIDES, { first: FIRST_SLIDE + 1, everyMs: 10_000 })
  const close = async () => {
    await teacher.close()
    await link.stop()
    await relay.stop()
  }
  try {
    const host = await openPage(teacher, lesson.host)
    await openDevices(host)
    const board = await openPage(teacher, relay.base)
    await board.evaluate(FOLLOW_BOARD, { address: `${relay.base.replace(/^http/, 'ws')}/api/ws?lesson=${lesson.id}`, token: relay.token })
    return { relay, lesson, link, host, board, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What the organiser's board says of the first place, whenever it changes. */
function FOLLOW_BOARD({ address, token }) {
  window.__board = []
  const socket = new WebSocket(address)
  const hello = { type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'browser', codecs: [] } }
  socket.onopen = () => socket.send(JSON.stringify(hello))
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type !== 'board') return
    for (const { rung, kbps, cause, state } of message.tiles.slice(0, 1)) window.__board.push({ at: Date.now(), rung, kbps, cause, state })
  }
}

export class Classroom {
  #lesson
  #school
  #page = null
  #opened = 0
  #end = 0
  #statsAtStart = null
  #queue = []
  /** What the link has carried so far, every quarter of a second. */
  #carried = []

  constructor(lesson, school) {
    this.#lesson = lesson
    this.#school = school
  }

  /** The page's files come over a good link, as on every day before; then the lesson begins and the teacher's layers grow. */
  async warmUp() {
    const { host, lesson, link } = this.#lesson
    await this.#school.addInitScript(WATCH, { ...link.ports, firstSlide: FIRST_SLIDE })
    const page = await openPage(this.#school, link.link(lesson.places[0]), { width: 1920, height: 1080 })
    await until('the TV is ready', () => page.innerText('body'), (text) => /sẵn sàng/i.test(text))
    await host.getByRole('button', { name: 'Bắt đầu tiết dạy' }).click()
    await host.getByRole('button', { name: 'Trình chiếu' }).click()
    await until('a picture', () => watched(page), ({ camera }) => camera.length > 0)
    await page.close()
    await host.waitForTimeout(HOST_GROWS_MS)
  }

  /** Changes the link and gives the time of it. */
  async shape(command) {
    await this.#lesson.link.tell(command)
    return Date.now()
  }

  /** The TV is switched on. */
  async enter() {
    this.#page = await openPage(this.#school, 'about:blank', { width: 1920, height: 1080 })
    await this.#lesson.link.stats().then((stats) => { this.#statsAtStart = stats })
    this.#queue = []
    this.#carried = []
    this.#opened = Date.now()
    await this.#page.goto(this.#lesson.link.link(this.#lesson.lesson.places[0]), { waitUntil: 'commit', timeout: 60_000 })
    await until('the TV connects', () => this.#page.evaluate(() => window.__watched?.connections.length ?? 0), (count) => count > 0, 60_000)
  }

  async watch(seconds) {
    const end = Date.now() + seconds * 1000
    while (Date.now() < end) {
      await this.#page.waitForTimeout(Math.min(LOOK_EVERY_MS, Math.max(0, end - Date.now())))
      await this.#look()
    }
    this.#end = Date.now()
  }

  async #look() {
    const stats = await this.#lesson.link.stats()
    this.#queue.push(...stats.queue)
    this.#carried.push({ at: Date.now(), down: stats.down, up: stats.up })
    return stats
  }

  async leave() {
    await this.#page.close()
    this.#page = null
    await this.shape({ profile: 'perfect', download: false })
    await this.#lesson.host.waitForTimeout(1_000)
  }

  /** Everything that was written down so far. */
  async collect() {
    const { host, board } = this.#lesson
    const [tv, slides, tiles, stats] = await Promise.all([watched(this.#page), host.evaluate(() => window.__slides), board.evaluate(() => window.__board), this.#look()])
    return { tv, slides, board: tiles, stats, from: tv.connections[0], to: this.#end }
  }

  /** Everything known of this visit, to be looked at afterwards. */
  record() {
    return { ...this.last, queue: this.#queue, carried: this.#carried }
  }

  async pictureNow() {
    const { camera } = await watched(this.#page)
    return camera.at(-1)?.[2] ?? 0
  }

  /** The figures of this visit, from the moment the TV began to connect. */
  async figures() {
    const seen = await this.collect()
    this.last = seen
    const { tv, board, stats, from, to } = seen
    const words = await this.#page.innerText('body')
    const frames = tv.camera.map(([at]) => at)
    const heard = figures.heardAt(tv.sound, from)
    const [first] = frames
    const away = figures.spansUpTo(board, STILL_RUNGS, to)
    const stood = first === undefined ? { total: to - from, longest: to - from } : figures.freezes(frames, first, to, away)
    const slides = figures.slideDelays(seen.slides, tv.slides, from, to)
    const missed = slides.filter((delay) => delay === null).length
    const carried = difference(stats.down, this.#statsAtStart.down)
    const entered = carried.packets + carried.lost_by_chance + carried.lost_at_queue
    const lessonBytes = carried.bytes - carried.stream_bytes
    const estimates = figures.estimates(board, from + ESTIMATE_SETTLES_MS, to)
    const queue = this.#queue.filter(({ at }) => at >= from && at <= to).map(({ wait }) => wait)
    return {
      time_to_audio_ms: heard === null ? null : heard - from,
      time_to_picture_ms: first === undefined ? null : first - from,
      audio_concealed_pct: heard === null ? null : round(figures.concealedPct(tv.sound, heard, to), 2),
      concealed_pct_each_5_s: heard === null ? null : figures.concealedEach(tv.sound, heard, to, 5_000),
      longest_silence_ms: heard === null ? to - from : figures.longestSilence(tv.sound, heard, to),
      freeze_s: round(stood.total / 1000, 2),
      freeze_pct: round((100 * stood.total) / (to - (first ?? from)), 1),
      longest_freeze_s: round(stood.longest / 1000, 2),
      frames_per_s: first === undefined ? 0 : round((1000 * figures.framesDecoded(tv.decoded, first, to)) / (to - first), 1),
      slides_legible_ms: figures.median(slides),
      slides_legible_worst_ms: missed > 0 ? null : slides.length === 0 ? null : Math.max(...slides),
      slides_missed: missed,
      time_to_slide_ms: readable(tv.slides, from),
      rung_seconds: { ...NO_RUNG, ...figures.rungSeconds(board, from, to) },
      oversend_pct: round((100 * carried.lost_at_queue) / Math.max(1, entered), 2),
      back_after_outage_ms: null,
      link_share_pct: carried.stream_bytes > lessonBytes / 4 ? round((100 * lessonBytes) / carried.bytes, 1) : null,
      lesson_kbps: round((lessonBytes * 8) / (to - from)),
      estimate_kbps: estimates.at(-1) ?? null,
      estimate_lowest_kbps: estimates.length === 0 ? null : Math.min(...estimates),
      queue_p50_ms: figures.quantile(queue, 0.5),
      queue_p95_ms: figures.quantile(queue, 0.95),
      switches: switches(tv.camera),
      picture_lines: tv.camera.at(-1)?.[2] ?? null,
      connections: tv.connections.length,
      open_to_connect_ms: from - this.#opened,
      steps: tv.steps.map(([name, at]) => `${name} ${at - from}`).join(', '),
      says_weak: /mạng yếu/i.test(words),
      details: details(tv.reports),
      host: await this.#hostLayers(),
      words: words.replace(/\s+/g, ' ').slice(0, 300),
    }
  }

  /** How the link was left and found again after its rate fell at `down` and rose at `up`. */
  afterStep(down, up, linesBefore) {
    const { tv, board, to } = this.last
    const again = tv.camera.find(([at, , lines]) => at >= up && lines >= linesBefore)
    const rung = board.findLast(({ at }) => at < down)?.rung ?? null
    const rungAgain = board.find(({ at, rung: now }) => at >= up && now >= rung)
    return {
      lines_before: linesBefore,
      rung_before: rung,
      queue_back_ms: figures.queueBack(this.#queue, down, 200, up - down),
      queue_longest_ms: Math.max(0, ...this.#queue.filter(({ at }) => at >= down && at < up).map(({ wait }) => wait)),
      full_picture_again_ms: again ? again[0] - up : null,
      rung_again_ms: rungAgain ? rungAgain.at - up : null,
      switches_after: switches(tv.camera.filter(([at]) => at >= down)),
      concealed_after_pct: round(figures.concealedPct(tv.sound, down, to), 2),
      rungs: board.filter(({ at }) => at >= down - 5_000).map(({ at, rung: now, kbps }) => [round((at - down) / 1000, 1), now, kbps]),
    }
  }

  afterOutage({ tv, board }, cut, back) {
    const heard = figures.heardAt(tv.sound, back)
    const seen = tv.camera.find(([at]) => at >= back)
    return {
      sound_ms: heard === null ? null : heard - back,
      picture_ms: seen ? seen[0] - back : null,
      connections: tv.connections.filter((at) => at >= cut).map((at) => at - back),
      rungs: board.filter(({ at }) => at >= back - 1_000).map(({ at, rung }) => [round((at - back) / 1000, 1), rung]),
    }
  }

  async #hostLayers() {
    return this.#lesson.host.evaluate(async () => {
      const connection = window.__connections.findLast((one) => one.connectionState !== 'closed')
      const reports = [...(await connection.getStats()).values()].filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')
      return reports.map(({ rid, frameHeight, framesPerSecond, qualityLimitationReason, targetBitrate, active }) => [rid ?? 'slides', frameHeight ?? 0, framesPerSecond ?? 0, qualityLimitationReason, Math.round((targetBitrate ?? 0) / 1000), active])
    })
  }
}

const watched = (page) => page.evaluate(() => window.__watched)

const difference = (now, before) => Object.fromEntries(Object.entries(now).map(([key, value]) => [key, value - before[key]]))

const readable = (slides, from) => {
  const first = slides.find(([, , legible]) => legible)
  return first ? first[0] - from : null
}

/** How often the size of the teacher's picture changed. */
const switches = (camera) => camera.slice(1).filter(([, , lines], index) => lines !== camera[index][2]).length

function details({ voice, camera, slides }) {
  const video = (report) => report && { received: report.packetsReceived, lost: report.packetsLost, retransmitted: report.retransmittedPacketsReceived, nacks: report.nackCount, plis: report.pliCount, keyframes: report.keyFramesDecoded, decoded: report.framesDecoded, dropped: report.framesDropped, freezes: report.freezeCount, frozen_s: report.totalFreezesDuration, buffer_ms: round((1000 * report.jitterBufferDelay) / Math.max(1, report.jitterBufferEmittedCount)), kbytes: round(report.bytesReceived / 1000) }
  const sound = voice && { received: voice.packetsReceived, lost: voice.packetsLost, nacks: voice.nackCount, retransmitted: voice.retransmittedPacketsReceived, fec: voice.fecPacketsReceived, discarded: voice.packetsDiscarded, events: voice.concealmentEvents, silent: voice.silentConcealedSamples, concealed: voice.concealedSamples, samples: voice.totalSamplesReceived, slower: voice.insertedSamplesForDeceleration, faster: voice.removedSamplesForAcceleration, buffer_ms: round((1000 * voice.jitterBufferDelay) / Math.max(1, voice.jitterBufferEmittedCount)), target_ms: round((1000 * voice.jitterBufferTargetDelay) / Math.max(1, voice.jitterBufferEmittedCount)), kbytes: round(voice.bytesReceived / 1000) }
  return { sound, camera: video(camera), slides: video(slides) }
}
