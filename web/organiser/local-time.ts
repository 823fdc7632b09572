/** `<input type="datetime-local">` speaks local time without a zone: `2026-11-23T07:30`. */

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** @param at milliseconds since the epoch; `null` gives the empty field */
export function localInputValue(at: number | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Milliseconds since the epoch, or `null` for an empty or unfinished field. */
export function parseLocalInput(value: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value)) return null;
  const at = new Date(value).getTime();
  return Number.isFinite(at) ? at : null;
}
