/** What a writer does with rows, as values to write. Pure; `SheetDoc.set` writes them, so that each is one undo. */
import { placeAt, placeBetween } from "../../shared/notes/order.ts";
import type { Json } from "../../shared/notes/register.ts";
import {
  type At,
  placeOf,
  type Registers,
  type Row,
  rowKey,
  TEXT_FIELDS,
  type TextField,
} from "../../shared/notes/sheet.ts";
import type { Stamp } from "../../shared/notes/stamp.ts";

export type Changes = [key: string, value: Json][];

/** A row at a moment. Its stamp makes its id unique and its place among rows of the same moment. */
export function newRow(at: At, phase: string | null, stamp: Stamp): { id: string; changes: Changes } {
  const id = `r${stamp}`;
  const changes: Changes = [
    [rowKey(id, "at"), { ms: at.ms, q: at.q }],
    [rowKey(id, "pos"), placeAt(at.ms, stamp)],
  ];
  if (phase !== null) changes.push([rowKey(id, "phase"), phase]);
  return { id, changes };
}

/** A row's moment corrected: it goes to the place of that moment. */
export function setMoment(row: Row, ms: number, stamp: Stamp): Changes {
  return [
    [rowKey(row.id, "at"), { ms, q: "hand" }],
    [rowKey(row.id, "pos"), placeAt(ms, stamp)],
  ];
}

/** A row one place up (`-1`) or down (`1`); nothing at the end. */
export function moveRow(registers: Registers, rows: readonly Row[], id: string, by: -1 | 1): Changes {
  const index = rows.findIndex((row) => row.id === id);
  const place = (at: number): string | null => {
    const row = rows[at];
    return row === undefined ? null : placeOf(registers, row.id);
  };
  if (index < 0 || rows[index + by] === undefined) return [];
  const [before, after] =
    by === -1 ? [place(index - 2), place(index - 1)] : [place(index + 1), place(index + 2)];
  return [[rowKey(id, "pos"), placeBetween(before, after)]];
}

/** A row's words, tags and pictures appended to the row above; the row itself goes to the bin. */
export function mergeUp(rows: readonly Row[], id: string): Changes {
  const index = rows.findIndex((row) => row.id === id);
  const [above, row] = [rows[index - 1], rows[index]];
  if (above === undefined || row === undefined) return [];
  const changes: Changes = [];
  for (const field of TEXT_FIELDS) {
    if (row[field] === "") continue;
    changes.push([
      rowKey(above.id, field),
      above[field] === "" ? row[field] : `${above[field]}\n${row[field]}`,
    ]);
  }
  const tags = [...new Set([...above.tags, ...row.tags])];
  if (tags.length > above.tags.length) changes.push([rowKey(above.id, "tags"), tags]);
  if (row.pics.length > 0) changes.push([rowKey(above.id, "pics"), [...above.pics, ...row.pics]]);
  // What was private stays so.
  if (row.private && !above.private) changes.push([rowKey(above.id, "private"), true]);
  changes.push([rowKey(id, "gone"), true]);
  return changes;
}

export function toggleTag(row: Row, tag: string): Changes {
  const tags = row.tags.includes(tag) ? row.tags.filter((one) => one !== tag) : [...row.tags, tag];
  return [[rowKey(row.id, "tags"), tags]];
}

/** A text that another tab or device wrote at the same time: kept behind the present one, or let go. */
export function settleSibling(row: Row, field: TextField, keepBoth: boolean): Changes {
  const others = row.siblings.filter((sibling) => sibling.field === field).map(({ text }) => text);
  const text = keepBoth ? [row[field], ...others].filter((one) => one !== "").join("\n") : row[field];
  return [[rowKey(row.id, field), text]];
}
