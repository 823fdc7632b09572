/** Rows as a table for spreadsheets: UTF-8 with a byte order mark, without which Excel breaks Vietnamese letters. Pure. */

const MARK = "\uFEFF";

/** @param rows the first one is the heading */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return `${MARK}${rows.map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
}

function field(text: string): string {
  // A cell that begins like a formula would be run by a spreadsheet: it is kept as text.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
