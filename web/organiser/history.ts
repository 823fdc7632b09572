/** How a room's link did since the lesson began: steps on the ladder over time. Pure. */

export interface HistoryPoint {
  /** ms since the epoch. */
  readonly at: number;
  /** 0 (nothing) to 6 (everything); `null`: no media flowed. */
  readonly rung: number | null;
}

/** The server's points and what this page saw since, in order and each step once. */
export function joined(
  known: readonly HistoryPoint[],
  seen: readonly HistoryPoint[],
): readonly HistoryPoint[] {
  const last = known[known.length - 1]?.at ?? 0;
  const all = [...known, ...seen.filter(({ at }) => at > last)];
  return all.filter((point, index) => index === 0 || point.rung !== all[index - 1]?.rung);
}

/** Two columns for a chart: seconds since the epoch, and the rung that holds from then on (nothing counts as 0). */
export function columns(points: readonly HistoryPoint[], now: number): [number[], number[]] {
  const times = points.map(({ at }) => at / 1000);
  const rungs = points.map(({ rung }) => rung ?? 0);
  const last = rungs[rungs.length - 1];
  if (last !== undefined) {
    times.push(Math.max(now / 1000, times[times.length - 1] ?? 0));
    rungs.push(last);
  }
  return [times, rungs];
}
