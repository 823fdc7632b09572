// Looking at a page as it stands: is it accessible, does it fit, did its script fail; and a picture for a person.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { root } from './relay.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = path.join(root, 'tests/out/screens')
mkdirSync(shots, { recursive: true })

export const LAPTOP = { width: 1366, height: 768 }
export const TV = { width: 1920, height: 1080 }
export const PHONE = { width: 360, height: 740 }

/** Axe on the page as it stands, then a screenshot. */
export async function look(page, name) {
  await page.evaluate(axe)
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  await page.screenshot({ path: path.join(shots, `${name}.png`) })
  const found = result.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target).join(', ')}`)
  assert.deepEqual(found, [], name)
  assert.deepEqual(page.problems, [], name)
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} px`)
}

/** Only the picture, and only for somebody who wants to look (`LOOK_AT_ALL=1`). */
export async function shoot(page, name) {
  if (process.env.LOOK_AT_ALL) await page.screenshot({ path: path.join(shots, `${name}.png`) })
}
