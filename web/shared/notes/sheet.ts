/** A sheet as a person reads it (`crates/notes/src/view.rs`). Pure. */
import { type Json, type Register, siblingsOf, standing } from "./register.ts";

export type Registers = ReadonlyMap<string, Register>;

/** How a row's moment was found. */
export const QUALITIES = ["picture", "voice", "held", "clock", "hand"] as const;
export type MomentQuality = (typeof QUALITIES)[number] | "other";

export interface At {
  /** When the camera took what the writer saw: Unix milliseconds of the relay's clock. */
  readonly ms: number;
  readonly q: MomentQuality;
}

export const TEXT_FIELDS = ["teacher", "pupils", "remark"] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

export interface Sibling {
  readonly field: TextField;
  readonly text: string;
}

export interface Row {
  readonly id: string;
  readonly at: At | null;
  readonly phase: string | null;
  readonly teacher: string;
  readonly pupils: string;
  readonly remark: string;
  readonly tags: readonly string[];
  readonly pics: readonly string[];
  readonly private: boolean;
  readonly siblings: readonly Sibling[];
}

export const HEADING_FIELDS = [
  "school",
  "teacher",
  "subject",
  "topic",
  "class",
  "period",
  "date",
  "observer",
  "unit",
] as const;
export type HeadingField = (typeof HEADING_FIELDS)[number];
export type Heading = { readonly [F in HeadingField]: string };

export const CLOSING_FIELDS = ["strengths", "limits", "advice"] as const;
export type ClosingField = (typeof CLOSING_FIELDS)[number];
export type Closing = { readonly [F in ClosingField]: string };

export const AUDIENCES = ["cluster", "organiser", "teacher"] as const;
export type Audience = (typeof AUDIENCES)[number];
export type Shares = { readonly [A in Audience]: boolean };

export interface FormRef {
  readonly id: string;
  readonly version: number;
}

export interface SheetView {
  readonly form: FormRef | null;
  readonly study: boolean;
  readonly heading: Heading;
  readonly rows: readonly Row[];
  /** Rows that were deleted and can be taken back. */
  readonly bin: readonly Row[];
  /** As they stand, unjudged: hundredths by item. */
  readonly scores: { readonly [item: string]: Json };
  readonly closing: Closing;
  readonly free: { readonly [field: string]: string };
  readonly shares: Shares;
}

export function rowKey(row: string, field: string): string {
  return `row.${row}.${field}`;
}

/** Where the row stands; one whose place has not arrived yet stands last. */
export function placeOf(registers: Registers, row: string): string {
  const place = text(registers, rowKey(row, "pos"));
  return place === "" ? "~" : place;
}

/** Values of a wrong kind read as absent. */
export function viewSheet(registers: Registers): SheetView {
  const ids = new Set<string>();
  const scores: { [item: string]: Json } = {};
  const free: { [field: string]: string } = {};
  for (const [key, register] of registers) {
    const [area, name] = key.split(".", 2);
    if (name === undefined) continue;
    if (area === "row" && key.indexOf(".", 4 + name.length) > 0) ids.add(name);
    if (area === "score" && key === `score.${name}`) scores[name] = standing(register) ?? null;
    if (area === "free" && key === `free.${name}`) {
      const words = text(registers, key);
      if (words !== "") free[name] = words;
    }
  }
  const places = [...ids].map((id) => [placeOf(registers, id), id] as const);
  places.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1));
  const rows: Row[] = [];
  const bin: Row[] = [];
  for (const [, id] of places) {
    const row = viewRow(registers, id);
    if (row !== null) (flag(registers, rowKey(id, "gone")) ? bin : rows).push(row);
  }
  return {
    form: formRef(standing(registers.get("form.ref"))),
    study: flag(registers, "mode.study"),
    heading: fields(registers, "head", HEADING_FIELDS),
    rows,
    bin,
    scores,
    closing: fields(registers, "close", CLOSING_FIELDS),
    free,
    shares: {
      cluster: flag(registers, "share.cluster"),
      organiser: flag(registers, "share.organiser"),
      teacher: flag(registers, "share.teacher"),
    },
  };
}

/** `view` with the rows of `before` wherever nothing changed in them: what draws rows need only look at the others. */
export function withKnownRows(view: SheetView, before: SheetView): SheetView {
  const known = new Map([...before.rows, ...before.bin].map((row) => [row.id, row]));
  const same = (row: Row): Row => {
    const old = known.get(row.id);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(row) ? old : row;
  };
  return { ...view, rows: view.rows.map(same), bin: view.bin.map(same) };
}

function viewRow(registers: Registers, id: string): Row | null {
  const key = (field: string): string => rowKey(id, field);
  const at = readAt(standing(registers.get(key("at"))));
  const phase = text(registers, key("phase"));
  const words = fieldsOf(registers, id);
  if (at === null && TEXT_FIELDS.every((field) => words[field] === "")) return null;
  return {
    id,
    at,
    phase: phase === "" ? null : phase,
    ...words,
    tags: texts(registers, key("tags")),
    pics: texts(registers, key("pics")),
    private: flag(registers, key("private")),
    siblings: TEXT_FIELDS.flatMap((field) =>
      siblingsOf(registers.get(key(field)))
        .filter((value): value is string => typeof value === "string" && value !== "")
        .map((words) => ({ field, text: words })),
    ),
  };
}

function fieldsOf(registers: Registers, id: string): { readonly [F in TextField]: string } {
  return {
    teacher: text(registers, rowKey(id, "teacher")),
    pupils: text(registers, rowKey(id, "pupils")),
    remark: text(registers, rowKey(id, "remark")),
  };
}

function fields<F extends string>(
  registers: Registers,
  area: string,
  names: readonly F[],
): { readonly [name in F]: string } {
  return Object.fromEntries(names.map((name) => [name, text(registers, `${area}.${name}`)])) as {
    [name in F]: string;
  };
}

function text(registers: Registers, key: string): string {
  const value = standing(registers.get(key));
  return typeof value === "string" ? value : "";
}

function texts(registers: Registers, key: string): readonly string[] {
  const value = standing(registers.get(key));
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}

function flag(registers: Registers, key: string): boolean {
  return standing(registers.get(key)) === true;
}

export function readAt(value: Json | undefined): At | null {
  if (typeof value !== "object" || value === null || !("ms" in value)) return null;
  const { ms, q } = value as { ms?: Json; q?: Json };
  if (typeof ms !== "number" || !Number.isInteger(ms) || typeof q !== "string") return null;
  return { ms, q: QUALITIES.find((known) => known === q) ?? "other" };
}

function formRef(value: Json | undefined): FormRef | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, version } = value as { id?: Json; version?: Json };
  if (typeof id !== "string" || typeof version !== "number" || !Number.isInteger(version)) return null;
  return { id, version };
}
