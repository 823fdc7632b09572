/** Observation forms as data and what scores add up to (`crates/notes/src/form.rs`, `score.rs`). Pure. */
import type { Json } from "./register.ts";
import type { FormRef } from "./sheet.ts";

export interface Item {
  readonly id: string;
  readonly text: string;
  /** In points, as people write them: 0.5, 2. */
  readonly max: number;
}

export interface Group {
  readonly name: string;
  readonly items: readonly Item[];
}

export interface Need {
  readonly item: string;
  readonly min: number;
}

export interface Band {
  readonly min: number;
  readonly name: string;
  readonly needs?: readonly Need[];
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface FreeField {
  readonly id: string;
  readonly label: string;
}

export interface Form {
  readonly id: string;
  readonly version: number;
  readonly title: string;
  readonly source?: string;
  readonly layout: "two" | "four";
  /** Steps a score is given in, points. */
  readonly step: number;
  readonly groups: readonly Group[];
  readonly bands: readonly Band[];
  readonly fields: readonly FreeField[];
  readonly phases: readonly Named[];
  readonly tags: readonly string[];
}

export function isScored(form: Form): boolean {
  return form.groups.length > 0;
}

export function itemsOf(form: Form): readonly Item[] {
  return form.groups.flatMap((group) => group.items);
}

export function referenceOf(form: Form): FormRef {
  return { id: form.id, version: form.version };
}

/** Points in hundredths, so that sums are exact. */
export function hundredths(points: number): number {
  return Math.round(points * 100);
}

/** `13.25`, `13.5`, `20`; with a comma in Vietnamese. */
export function pointsText(hundredth: number, comma: boolean): string {
  const text = String(Math.round(hundredth) / 100);
  return comma ? text.replace(".", ",") : text;
}

export type ScoreRefusal = "not_a_number" | "negative" | "above_maximum" | "off_step" | "unknown_item";

export interface Score {
  /** Hundredths. */
  readonly total: number;
  readonly groups: readonly number[];
  readonly max: number;
  readonly missing: number;
  readonly rank: string | null;
  readonly problems: readonly { readonly item: string; readonly why: ScoreRefusal }[];
}

/** One score judged: hundredths, `null` for none, or why it cannot count. */
export function checkScore(form: Form, item: string, value: Json): number | null | ScoreRefusal {
  const found = itemsOf(form).find(({ id }) => id === item);
  if (found === undefined) return "unknown_item";
  if (value === null) return null;
  if (typeof value !== "number" || !Number.isInteger(value)) return "not_a_number";
  if (value < 0) return "negative";
  if (value > hundredths(found.max)) return "above_maximum";
  return value % hundredths(form.step) === 0 ? value : "off_step";
}

export function scoreOf(form: Form, scores: { readonly [item: string]: Json }): Score {
  const given = new Map<string, number>();
  const problems: { item: string; why: ScoreRefusal }[] = [];
  for (const { id } of itemsOf(form)) {
    const judged = checkScore(form, id, scores[id] ?? null);
    if (typeof judged === "number") given.set(id, judged);
    else if (judged !== null) problems.push({ item: id, why: judged });
  }
  const of = (id: string): number => given.get(id) ?? 0;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const groups = form.groups.map((group) => sum(group.items.map(({ id }) => of(id))));
  const total = sum(groups);
  const missing = itemsOf(form).length - given.size - problems.length;
  const complete = missing === 0 && problems.length === 0 && isScored(form);
  const band = form.bands.find(
    ({ min, needs }) =>
      total >= hundredths(min) && (needs ?? []).every((need) => of(need.item) >= hundredths(need.min)),
  );
  return {
    total,
    groups,
    max: sum(itemsOf(form).map((item) => hundredths(item.max))),
    missing,
    rank: complete ? (band?.name ?? null) : null,
    problems,
  };
}

/**
 * What somebody typed as a score: hundredths, `null` for an empty field, `undefined` when it is no number. Both decimal marks
 * are read: Vietnamese keyboards write `1,5`.
 */
export function readScore(typed: string): number | null | undefined {
  const text = typed.trim().replace(",", ".");
  if (text === "") return null;
  if (!/^\d{1,4}(\.\d{0,4})?$|^\.\d{1,4}$/.test(text)) return undefined;
  const exact = Number(text) * 100;
  // 0.333 is no hundredth; kept as it is, so that the form's steps refuse it with their own words.
  return Math.abs(exact - Math.round(exact)) < 1e-6 ? Math.round(exact) : exact;
}
