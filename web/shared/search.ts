/** Finding a place as people type: without diacritics, without capitals, in any order of words. */

function plain(text: string): string {
  // đ is a letter of its own and has no decomposition.
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
}

/** Whether every word of `wanted` is somewhere in `name`. */
export function matches(name: string, wanted: string): boolean {
  const haystack = plain(name);
  return plain(wanted)
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

/** One name a line, as pasted from a sheet: trimmed, without empty lines and without doubles. */
export function namesOf(text: string): string[] {
  const names = text
    .split(/\r?\n/)
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter((line) => line !== "");
  return [...new Set(names)];
}
