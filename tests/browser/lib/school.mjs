// A lesson that a school watches from behind its firewall.
import { networkInterfaces } from 'node:os'
import { frameNumber, until } from './browser.mjs'
import { Firewall } from './link.mjs'
import { Relay } from './relay.mjs'

/** This machine as its network sees it: Firefox pairs no address of its own with a loopback one, as a page without a camera has it. */
export const outward = () => Object.values(networkInterfaces()).flat().find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null

/**
 * A relay that is reached only through a firewall, with the sample lesson on the air.
 * @param {{codec?: string, blockIceTcp?: boolean, address?: string | null}} options `address`: where media are to be reached besides the loopback interface
 * @param {(it: {relay: Relay, lesson: object, firewall: Firewall}) => Promise<void>} story
 */
export async function behindFirewall({ codec = 'vp8', blockIceTcp = false, address = null }, story) {
  const firewall = await Firewall.open(address === null ? undefined : '0.0.0.0')
  firewall.blockIceTcp = blockIceTcp
  const relay = await Relay.start({ env: { NHIPCAU_ANNOUNCE: ['127.0.0.1'].concat(address ?? []).join(','), NHIPCAU_MEDIA__ANNOUNCE_PORT: String(firewall.port) } })
  firewall.target = relay.base
  try {
    const lesson = await relay.lesson()
    // The teacher is at home: no firewall for her. Her candidates must lead to the relay's own port.
    relay.sampleLesson(lesson, ['--codec', codec, '--media-port', new URL(relay.base).port])
    await until('the lesson is live', () => relay.api('GET', `/api/lessons/${lesson.id}`), (l) => l.state === 'live')
    await story({ relay, lesson, firewall })
  } finally {
    await relay.stop()
    await firewall.close()
  }
}

/** Milliseconds since `began` until the picture has moved. */
export async function untilWatching(page, began, ms) {
  const seen = new Set()
  await until('a picture that moves', async () => {
    const number = await frameNumber(page)
    if (number !== null) seen.add(number)
    return seen.size
  }, (size) => size >= 3, ms)
  return Date.now() - began
}

/**
 * The organiser asks all rooms yes or no, and this one answers with OK on its remote control.
 * @param organiser a page on any address of the relay
 * @returns {Promise<object[]>} the answers that the organiser is told of
 */
export async function answersYes({ organiser, relay, lesson, tv }) {
  const line = await relay.line(organiser, lesson)
  await line.say({ type: 'question.open', kind: 'yes_no', mode: 'room', options: null, prompt: null })
  await until('the question on the screen', () => tv.evaluate(() => document.body.textContent.includes('Lớp mình trả lời thế nào?')), Boolean, 10_000)
  await tv.keyboard.press('Enter')
  const tallies = await until('an answer', () => line.heard('tally'), (all) => all.some(({ rooms }) => rooms > 0))
  return tallies.find(({ rooms }) => rooms > 0).answers
}

/** Whether some element plays with sound: not muted, and its clock runs. */
export const sounding = (page) => page.evaluate(() => [...document.querySelectorAll('video, audio')].some((m) => !m.muted && !m.paused && m.currentTime > 0 && (m.webkitAudioDecodedByteCount ?? 1) > 0))
