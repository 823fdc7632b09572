// node weak-link.mjs '{"profile":"P3","seconds":30}': a teacher's Chromium, the real relay, and a class's Chromium behind a bad link.
// The last line on standard output is JSON; `cargo xtask weak-link --browser` builds what is needed and runs it.
import { appendFileSync } from 'node:fs'
import { openBrowser } from './lib/browser.mjs'
import { median, medians, round } from './lib/figures.mjs'
import { Classroom, openLesson } from './lib/weak-lesson.mjs'

const options = { profile: 'P2', scenario: 'profile', seconds: 30, seed: 1, runs: 1, times: 3, ...JSON.parse(process.argv[2] ?? '{}') }
const say = (text) => console.error(text)

const SCENARIOS = { profile, narrow, step, outage }

/** A place comes into a lesson that is on the air, over a link of this profile. */
async function profile(room) {
  await room.shape({ profile: options.profile })
  await room.enter()
  await room.watch(options.seconds)
  return room.figures()
}

/** 300 kbit/s down with a short queue, nothing else wrong. */
async function narrow(room) {
  await room.shape({ profile: 'perfect', shape: { down_kbps: 300, up_kbps: 1_000, queue_ms: 200, round_trip_ms: 40 } })
  await room.enter()
  await room.watch(options.seconds)
  return room.figures()
}

/** A good link becomes a bad one, and good again. The modem's queue is a second long, as they are. */
async function step(room) {
  const wide = { down_kbps: 2_000, up_kbps: 1_000, queue_ms: 1_000, round_trip_ms: 40 }
  await room.shape({ profile: 'perfect', shape: wide })
  await room.enter()
  await room.watch(options.seconds)
  const before = await room.pictureNow()
  const down = await room.shape({ shape: { ...wide, down_kbps: 250 } })
  await room.watch(20)
  const up = await room.shape({ shape: wide })
  await room.watch(30)
  const figures = await room.figures()
  return { ...figures, ...room.afterStep(down, up, before) }
}

/** Twenty seconds of nothing, again and again. */
async function outage(room) {
  await room.shape({ profile: options.profile === 'P4' ? 'P2' : options.profile })
  await room.enter()
  await room.watch(15)
  const returns = []
  for (let time = 0; time < options.times; time++) {
    const cut = await room.shape({ cut: true })
    await room.watch(20)
    const back = await room.shape({ cut: false })
    await room.watch(12)
    returns.push(room.afterOutage(await room.collect(), cut, back))
    say(`outage ${time + 1}: ${JSON.stringify(returns.at(-1))}`)
  }
  const figures = await room.figures()
  const good = returns.filter(({ sound_ms, picture_ms }) => sound_ms !== null && sound_ms <= 2_000 && picture_ms !== null && picture_ms <= 4_000)
  return { ...figures, back_after_outage_ms: median(returns.map(({ sound_ms }) => sound_ms)), picture_after_outage_ms: median(returns.map(({ picture_ms }) => picture_ms)), outages: returns, outages_good: good.length }
}

const began = Date.now()
let lesson, school
try {
  lesson = await openLesson(options.seed)
  school = await openBrowser()
  const room = new Classroom(lesson, school)
  await room.warmUp()
  say(`the lesson is on the air after ${round((Date.now() - began) / 1000, 1)} s`)
  const runs = []
  for (let run = 0; run < options.runs; run++) {
    const figures = await SCENARIOS[options.scenario](room)
    runs.push(figures)
    if (options.runs > 1) say(JSON.stringify(figures))
    if (options.record) appendFileSync(options.record, `${JSON.stringify({ figures, ...room.record() })}\n`)
    await room.leave()
  }
  const { scenario, seconds, seed } = options
  const name = scenario === 'profile' ? options.profile : scenario
  console.log(JSON.stringify({ link: name, client: 'chromium', seconds, seed, runs: runs.length, ...(runs.length === 1 ? runs[0] : medians(runs)) }))
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await school?.close()
  await lesson?.close()
}
