// Firefox where networks block UDP, or everything but web pages, and where WebRTC is switched off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFirefox } from './lib/firefox.mjs'
import { received, REMEMBER_CONNECTIONS, until } from './lib/browser.mjs'
import { answersYes, behindFirewall, outward, sounding, untilWatching } from './lib/school.mjs'

const ways = [
  { name: 'UDP is blocked', path: 'webrtc_tcp', within: 5_000, options: { address: outward() }, prefs: {} },
  { name: 'only web pages pass', path: 'segments', within: 8_000, options: { blockIceTcp: true }, prefs: {} },
  { name: 'WebRTC is switched off', path: 'segments', within: 8_000, options: {}, prefs: { 'media.peerconnection.enabled': false } },
]

for (const { name, path, within, options, prefs } of ways) {
  test(`Firefox, ${name}: picture and sound within ${within / 1000} seconds`, () => behindFirewall(options, async ({ relay, lesson, firewall }) => {
    const firefox = await openFirefox(prefs)
    try {
      const page = await firefox.newPage()
      await page.evaluateOnNewDocument(REMEMBER_CONNECTIONS)
      const began = Date.now()
      await page.goto(firewall.link(lesson.places[0]))
      const took = await untilWatching(page, began, 25_000)
      // WebRTC's voice is played by an element that is in no page; its energy is counted where it is decoded.
      const heard = path === 'segments' ? () => sounding(page) : async () => (await received(page)).audioEnergy > 1e-4
      await until('sound', heard, Boolean, 5_000)
      console.log(`Firefox, ${name}: picture after ${took} ms`)
      assert.ok(took <= within, `${took} ms`)
      const organiser = await firefox.newPage()
      await organiser.goto(relay.base)
      await until(`the board says ${path}`, () => relay.board(organiser, lesson), ({ places }) => places[0]?.path === path, 12_000)
      await page.bringToFront()
      const answers = await answersYes({ organiser, relay, lesson, tv: page })
      assert.deepEqual(answers.map(({ value }) => value), [{ option: 0 }], 'the class says yes')
    } finally {
      await firefox.close()
    }
  }))
}
