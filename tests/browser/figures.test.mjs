// The figures of a weak link, on lessons short enough to be counted by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concealedPct, estimates, freezes, heardAt, longestSilence, medians, queueBack, rungSeconds, slideDelays, spansUpTo } from './lib/figures.mjs'

test('a picture that stands for 900 ms is a freeze, one that comes every 400 ms is not, and time without a promise is excused', () => {
  const frames = [0, 400, 800, 1_700, 2_000]
  assert.deepEqual(freezes(frames, 0, 2_200), { total: 900, longest: 900 })
  assert.deepEqual(freezes(frames, 0, 4_000), { total: 2_900, longest: 2_000 })
  assert.deepEqual(freezes(frames, 0, 4_000, [[2_000, 4_000]]), { total: 900, longest: 900 })
})

test('made-up sound counts against what was played, connection by connection', () => {
  const sound = [[0, 0, 0, 1, 1], [100, 4_800, 480, 5, 1], [200, 9_600, 480, 10, 1], [300, 100, 90, 1, 2], [400, 4_900, 90, 6, 2]]
  assert.equal(concealedPct(sound, 0, 400).toFixed(2), ((100 * 480) / 14_400).toFixed(2))
})

test('silence lasts from the last real sound to the next', () => {
  const sound = [[0, 0, 0, 1, 1], [100, 4_800, 0, 5, 1], [600, 28_800, 24_000, 5, 1], [1_200, 57_600, 52_800, 5, 1], [1_300, 62_400, 52_800, 9, 1]]
  assert.equal(longestSilence(sound, 0, 1_300), 1_100)
  assert.equal(heardAt(sound, 150), 1_300)
  assert.equal(heardAt([[700, 0, 0, 1, 2], [800, 4_800, 100, 9, 2]], 500), 800)
  assert.equal(heardAt(sound, 1_301), null)
})

test('a slide is there when it can be read, and one that never was is missed', () => {
  const shown = [[7, 0], [8, 10_000], [9, 20_000]]
  const seen = [[900, 7, false, 'video'], [1_400, 7, true, 'video'], [12_000, 8, false, 'img'], [24_000, 9, true, 'img']]
  assert.deepEqual(slideDelays(shown, seen, 0, 30_000), [1_400, null, 4_000])
  assert.deepEqual(slideDelays(shown, seen.slice(0, 3), 0, 25_000), [1_400, null], 'the last one has not had its time')
})

test('rungs are counted within the time that is looked at', () => {
  const board = [{ at: 0, rung: 1 }, { at: 4_000, rung: 5 }, { at: 9_000, rung: null }]
  assert.deepEqual(rungSeconds(board, 2_000, 10_000), { 1: 2, 5: 5 })
  assert.deepEqual(spansUpTo(board, 2, 10_000), [[0, 4_000]])
})

test('an estimate holds until the board says another', () => {
  const board = [{ at: 0, kbps: 300 }, { at: 9_000, kbps: null }, { at: 12_000, kbps: 240 }, { at: 30_000, kbps: 900 }]
  assert.deepEqual(estimates(board, 10_000, 20_000), [300, 240])
})

test('a queue is back when it stays under the limit', () => {
  const queue = [0, 100, 200, 300, 400].map((at, index) => ({ at, wait: [50, 300, 120, 210, 90][index] }))
  assert.equal(queueBack(queue, 0, 200, 1_000), 400)
  assert.equal(queueBack(queue, 400, 200, 1_000), 0)
})

test('the median of three runs of which one never got there', () => {
  assert.deepEqual(medians([{ ms: 5, rungs: { 1: 2 } }, { ms: null, rungs: { 1: 4, 2: 1 } }, { ms: 9, rungs: { 1: 3 } }]), { ms: 9, rungs: { 1: 3, 2: null } })
})
