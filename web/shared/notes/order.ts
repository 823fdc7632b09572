/** Places of rows as text that sorts (`crates/notes/MERGE.md`, rule 6). Pure. */
import { base36, type Stamp } from "./stamp.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** The place of a row at a moment: rows stand in the order of the lesson, those of one moment in the order of writing. */
export function placeAt(ms: number, stamp: Stamp): string {
  return base36(ms, 9) + stamp;
}

/**
 * A text strictly between two places; `null` stands for the very beginning or end. It never ends in `0`, so that there is
 * always room before it.
 */
export function placeBetween(before: string | null, after: string | null): string {
  const low = before ?? "";
  let place = "";
  for (let index = 0; ; index++) {
    const from = index < low.length ? digit(low, index) : 0;
    // Once the text is already below `after`, everything up to the last digit is free.
    const free = after === null || place < after.slice(0, place.length);
    const to = free ? DIGITS.length : index < after.length ? digit(after, index) : 0;
    const middle = Math.floor((from + to) / 2);
    if (middle > from) return place + DIGITS[middle];
    place += DIGITS[from];
    if (index > low.length + (after?.length ?? 0)) throw new Error(`no place between ${before} and ${after}`);
  }
}

function digit(text: string, index: number): number {
  // A place of a newer version may use other characters: those count as the least.
  return Math.max(0, DIGITS.indexOf(text.charAt(index)));
}
