// How long a keystroke takes on a long sheet: `node typing.mjs [rows] [slowdown]`. Prints medians; not part of the tests.
import { frameNumber, openBrowser, openPage, until } from './lib/browser.mjs'
import { beginSheet, sentence, untilSent, writeRow } from './lib/notes.mjs'
import { Relay } from './lib/relay.mjs'

const [rows, slowdown] = [Number(process.argv[2] ?? 150), Number(process.argv[3] ?? 6)]
const relay = await Relay.start()
const school = await openBrowser()
try {
  const lesson = await relay.lesson({ places: [] })
  relay.sampleLesson(lesson)
  const page = await openPage(school, lesson.observer)
  await until('a picture', () => frameNumber(page), (number) => number !== null, 30_000)
  await beginSheet(page)
  for (let row = 0; row < rows; row++) {
    await page.keyboard.press('F2')
    await page.keyboard.insertText(sentence(row))
  }
  await page.locator('.row').nth(rows - 1).waitFor()
  await untilSent(page)
  const cdp = await school.newCDPSession(page)
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  // From the key to the end of the frame that shows it.
  await page.evaluate(() => {
    window.__spans = []
    document.addEventListener('input', (event) => {
      const began = event.timeStamp
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => window.__spans.push(performance.now() - began)
        port2.postMessage(null)
      })
    }, true)
  })
  await writeRow(page, '')
  for (const letter of 'Học sinh thảo luận nhóm, ghi vào phiếu học tập') {
    await page.keyboard.press(letter === ' ' ? 'Space' : letter).catch(() => page.keyboard.insertText(letter))
    await page.waitForTimeout(150)
  }
  const spans = (await page.evaluate(() => window.__spans)).sort((a, b) => a - b)
  const at = (share) => spans[Math.min(spans.length - 1, Math.floor(spans.length * share))].toFixed(0)
  console.log(`${rows} rows, processor ${slowdown} times slower: ${spans.length} keys, from key to picture median ${at(0.5)} ms, p95 ${at(0.95)} ms`)
} finally {
  await school.close()
  await relay.stop()
}
