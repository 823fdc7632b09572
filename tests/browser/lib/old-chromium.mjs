// Takes out of a browser what Chromium had not yet in some version: interfaces, and members of interfaces, by MDN's data. Syntax and the
// language's own library stay: the build checks those.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const web = createRequire(new URL('../../../web/package.json', import.meta.url))

/** `[["AbortController"], ["Element", "append", "replaceChildren"], …]`: an interface to remove, or members of one. */
function newerThan(version) {
  const { api } = JSON.parse(readFileSync(web.resolve('@mdn/browser-compat-data'), 'utf8'))
  const since = ({ __compat } = {}) => {
    const chrome = [__compat?.support.chrome ?? []].flat().filter((one) => !one.flags && !one.prefix && !one.alternative_name)
    const versions = chrome.map(({ version_added: added }) => typeof added === 'string' ? Number.parseFloat(added.replace('≤', '')) : Infinity)
    return Math.min(...versions, Infinity)
  }
  const removed = []
  for (const [name, holder] of Object.entries(api)) {
    if (since(holder) > version) {
      removed.push([name])
      continue
    }
    const members = Object.entries(holder).filter(([member, of]) => member !== '__compat' && member !== name && !member.endsWith('_event') && since(of) > version)
    if (members.length > 0) removed.push([name, ...members.map(([member]) => member.replace(/_static$/, ''))])
  }
  return removed
}

/** Every page of `context` opened from now on runs without what came after Chromium `version`. */
export async function makeOld(context, version) {
  await context.addInitScript((removed) => {
    for (const [name, ...members] of removed) {
      if (members.length === 0) {
        delete window[name]
        continue
      }
      for (const member of members) {
        for (const holder of [window[name]?.prototype, window[name], name === 'Window' ? window : undefined]) {
          if (holder && Object.hasOwn(holder, member)) delete holder[member]
        }
      }
    }
  }, newerThan(version))
}
