// node smoke.mjs PLACE_LINK SECONDS: one classroom watches; the last line is JSON.
import { openBrowser, openPage, received, until } from './lib/browser.mjs'

const [link, seconds] = [process.argv[2], Number(process.argv[3] ?? 10)]
const context = await openBrowser()
const result = { first_frame_ms: null, frames_decoded: 0, audio_samples: 0, ok: false }
try {
  const began = Date.now()
  const page = await openPage(context, link, { width: 1920, height: 1080 })
  await until('the first frame', () => received(page), (sum) => sum.framesDecoded > 0, 30_000)
  result.first_frame_ms = Date.now() - began
  await page.waitForTimeout(seconds * 1000)
  const sum = await received(page)
  result.frames_decoded = sum.framesDecoded
  result.audio_samples = sum.audioSamples
  // Five pictures a second is the least a lesson may show; sound must have energy, not only samples.
  result.ok = sum.framesDecoded >= seconds * 5 && sum.audioSamples >= seconds * 24_000 && sum.audioEnergy > 0 && page.problems.length === 0
  if (page.problems.length > 0) console.error(page.problems.join('\n'))
} catch (error) {
  console.error(String(error))
} finally {
  await context.close()
}
console.log(JSON.stringify(result))
