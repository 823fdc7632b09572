// What is lost on the way comes again. Packets of a frame leave in one piece, made equally long by padding; what is sent again carries
// none. Both browsers must put the two together.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBrowser, openPage, received, REMEMBER_CONNECTIONS, until } from './lib/browser.mjs'
import { Emulator } from './lib/emulator.mjs'
import { openFirefox } from './lib/firefox.mjs'
import { Relay } from './lib/relay.mjs'
import { outward } from './lib/school.mjs'
import { FIRST_SLIDE } from './lib/slides.mjs'
import { WATCH } from './lib/watcher.mjs'

let relay, lesson, link

before(async () => {
  relay = await Relay.start()
  lesson = await relay.lesson()
  link = await Emulator.start(relay.base, 1, outward() ?? undefined)
  relay.sampleLesson(lesson, [])
  await until('the lesson is live', () => relay.api('GET', `/api/lessons/${lesson.id}`), (l) => l.state === 'live')
})

after(async () => {
  await link?.stop()
  await relay?.stop()
})

/** A counter of the relay, all its labels together. */
async function counter(name, label = '') {
  const text = await (await fetch(`${relay.base}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(label))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const repaired = () => counter('nhipcau_media_repaired_packets_total', 'viewer')
const padded = () => counter('nhipcau_media_padded_packets_total')

const browsers = {
  async Chromium() {
    const browser = await openBrowser()
    await browser.addInitScript(WATCH, { host: link.host, ...link.ports, firstSlide: FIRST_SLIDE })
    return { page: await openPage(browser, 'about:blank', { width: 1920, height: 1080 }), close: () => browser.close() }
  },
  async Firefox() {
    const browser = await openFirefox()
    const page = await browser.newPage()
    await page.evaluateOnNewDocument(REMEMBER_CONNECTIONS)
    await page.evaluateOnNewDocument(WATCH, { host: link.host, ...link.ports, firstSlide: FIRST_SLIDE })
    return { page, close: () => browser.close() }
  },
}

for (const [name, open] of Object.entries(browsers)) {
  test(`${name} behind a link that loses a fifth: repairs and padded packets make whole pictures`, async () => {
    const { page, close } = await open()
    try {
      const before = { repaired: await repaired(), padded: await padded() }
      await link.tell({ profile: 'P7' })
      await page.goto(link.link(lesson.places[0]))
      await until('pictures ask for repairs', () => received(page), ({ nackCount }) => nackCount >= 20, 20_000)
      await until('repairs', repaired, (count) => count >= before.repaired + 40)
      const { framesDecoded } = await received(page)
      const { nackCount } = await until('pictures go on', () => received(page), (now) => now.framesDecoded >= framesDecoded + 60, 15_000)
      const made = { repaired: await repaired() - before.repaired, padded: await padded() - before.padded }
      console.log(`${name}: ${made.repaired} repairs, ${nackCount} NACKs, ${made.padded} padded packets`)
      assert.ok(made.padded >= 40, `packets of a frame are made equally long: ${made.padded}`)
    } finally {
      await close()
      await link.tell({ profile: 'perfect' })
    }
  })
}
