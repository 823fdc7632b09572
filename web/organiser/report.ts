/** Seven rungs of the ladder as the four things a reader of a report wants to know. Pure. */

export interface RungLevels {
  /** Picture of at least 360 lines beside full slides. */
  readonly full: number;
  readonly small: number;
  readonly audio: number;
  readonly nothing: number;
}

/** @param rungs seconds on each rung, 0 (nothing) to 6 (everything) */
export function levelsOfRungs(rungs: readonly number[]): RungLevels {
  const sum = (from: number, to: number): number =>
    rungs.slice(from, to + 1).reduce((total, seconds) => total + seconds, 0);
  return { full: sum(5, 6), small: sum(2, 4), audio: sum(1, 1), nothing: sum(0, 0) };
}

/** Local midnight that begins the day of `<input type="date">`, ms; `null` for an empty field. */
export function dayStart(value: string): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value);
  if (parts === null) return null;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])).getTime();
}

/** The last millisecond of that day: a report "to" a day contains it. */
export function dayEnd(value: string): number | null {
  const start = dayStart(value);
  if (start === null) return null;
  const next = new Date(start);
  next.setDate(next.getDate() + 1);
  return next.getTime() - 1;
}
