// From what was written down to the figures of a weak link. Pure: lists in, numbers out; times in milliseconds.

/** A picture that has not moved for this long stands still. */
const STANDS_AFTER = 500
/** Fewer real samples than this share of what was played: that stretch is no sound. */
const SOUNDS = 0.1

export const round = (value, digits = 0) => (value === null || value === undefined ? null : Math.round(value * 10 ** digits) / 10 ** digits)

export function median(values) {
  const known = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b)
  // A run that never got there is later than every other.
  if (known.length * 2 < values.length || known.length === 0) return null
  return known[Math.min(known.length - 1, values.length >> 1)]
}

/** The median of each figure of several runs; objects figure by figure, other things as in the first run. */
export function medians(runs) {
  const first = runs.find((run) => run !== null && run !== undefined)
  if (runs.every((run) => run === null || run === undefined || typeof run === 'number')) return median(runs)
  if (Array.isArray(first)) return runs
  if (typeof first === 'boolean') return runs.every(Boolean)
  if (typeof first !== 'object') return first
  const keys = new Set(runs.flatMap((run) => Object.keys(run ?? {})))
  return Object.fromEntries([...keys].map((key) => [key, medians(runs.map((run) => run?.[key]))]))
}

/**
 * How long a picture stood still between `from` and `to`.
 * @param frames times of presented frames
 * @param away spans [from, to) in which no picture was promised
 */
export function freezes(frames, from, to, away = []) {
  const within = [...frames.filter((at) => at >= from && at <= to), to]
  let [before, total, longest] = [from, 0, 0]
  for (const at of within) {
    if (at - before > STANDS_AFTER) {
      const excused = away.reduce((sum, [a, b]) => sum + Math.max(0, Math.min(at, b) - Math.max(before, a)), 0)
      const stood = at - before - excused
      if (stood > STANDS_AFTER) {
        total += stood
        longest = Math.max(longest, stood)
      }
    }
    before = at
  }
  return { total, longest }
}

/** Steps between readings of the same connection, [from, to, samples played, of those made up]. */
function steps(sound, from, to) {
  const within = sound.filter(([at]) => at >= from && at <= to)
  return within.slice(1).flatMap(([at, played, concealed, , connection], index) => {
    const before = within[index]
    return connection === before[4] ? [[before[0], at, played - before[1], concealed - before[2]]] : []
  })
}

/** Per cent of what was played that was made up. */
export function concealedPct(sound, from, to) {
  const all = steps(sound, from, to)
  const played = all.reduce((sum, step) => sum + step[2], 0)
  const concealed = all.reduce((sum, step) => sum + step[3], 0)
  return played > 0 ? (100 * concealed) / played : null
}

/** The same for each `step` of time, to see whether it is the beginning or the whole lesson. */
export function concealedEach(sound, from, to, step) {
  const pieces = []
  for (let at = from; at < to; at += step) pieces.push(round(concealedPct(sound, at, Math.min(to, at + step)), 1))
  return pieces
}

/** The longest time without the teacher's voice: only made-up samples, or none. */
export function longestSilence(sound, from, to) {
  let [last, longest] = [from, 0]
  for (const [begin, end, played, concealed] of steps(sound, from, to)) {
    if (played - concealed <= played * SOUNDS) continue
    longest = Math.max(longest, begin - last)
    last = end
  }
  return Math.max(longest, to - last)
}

/** When the voice was first heard at or after `since`; `null`: never. */
export function heardAt(sound, since) {
  const first = sound.find(([at, played, concealed]) => at >= since && played > concealed)
  const step = steps(sound, since, Infinity).find(([, , played, concealed]) => played > 0 && played - concealed > played / 2)
  // The first reading of a new connection is a step from nothing.
  const fresh = first && !sound.some((one) => one[4] === first[4] && one[0] < since) ? first[0] : Infinity
  const at = Math.min(step?.[1] ?? Infinity, fresh)
  return at === Infinity ? null : at
}

/** Frames decoded between two times, over all connections. */
export function framesDecoded(decoded, from, to) {
  const within = decoded.filter(([at]) => at >= from && at <= to)
  return within.slice(1).reduce((sum, [, frames, connection], index) => sum + (connection === within[index][2] ? frames - within[index][1] : frames), 0)
}

/** Seconds on each rung; time before the first word of the board is nobody's. */
export function rungSeconds(board, from, to) {
  const seconds = {}
  for (const [index, { at, rung }] of board.entries()) {
    const end = Math.min(to, board[index + 1]?.at ?? to)
    const span = end - Math.max(from, at)
    if (span > 0 && rung !== null && rung !== undefined) seconds[rung] = round((seconds[rung] ?? 0) + span / 1000, 1)
  }
  return seconds
}

/** What the relay believed the link to carry between two times, kbit/s, in order; the value that held at `from` is the first. */
export function estimates(board, from, to) {
  const known = board.filter(({ at, kbps }) => at <= to && typeof kbps === 'number')
  const before = known.findLast(({ at }) => at < from)
  return [...(before ? [before] : []), ...known.filter(({ at }) => at >= from)].map(({ kbps }) => kbps)
}

/** Spans with a rung of at most `highest`: voice and stills alone. */
export function spansUpTo(board, highest, to) {
  return board.flatMap(({ at, rung }, index) => (rung !== null && rung <= highest ? [[at, board[index + 1]?.at ?? to]] : []))
}

/**
 * How long each slide took until a class could read it, `null` for one that was never readable while it was shown.
 * @param shown [number, time] at the teacher's
 * @param seen [time, number, readable, element] at the class
 */
export function slideDelays(shown, seen, from, to, patience = 8_000) {
  return shown
    .filter(([, at], index) => at >= from && (at + patience <= to || readableAt(seen, shown[index][0]) !== null))
    .map(([number, at]) => {
      const readable = readableAt(seen, number)
      return readable === null || readable > to ? null : readable - at
    })
}

const readableAt = (seen, number) => seen.find((one) => one[1] === number && one[2])?.[0] ?? null

/** Milliseconds after `since` until the queue is under `limit` for good, within `span`; 0 when it never was above. */
export function queueBack(queue, since, limit, span) {
  const above = queue.filter(({ at, wait }) => at >= since && at < since + span && wait >= limit)
  return above.length === 0 ? 0 : above.at(-1).at + 100 - since
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share))]
}
