/**
 * A4 papers as data: sheets, minutes and timelines are put together once and become a page to print or a DOCX file. Pure.
 */
import { type Form, hundredths, isScored, pointsText, scoreOf } from "./form.ts";
import {
  CLOSING_FIELDS,
  HEADING_FIELDS,
  type HeadingField,
  type Row,
  type SheetView,
  type TextField,
} from "./sheet.ts";
import { lessonTime } from "./time.ts";

/** A still in a cell; `data` is read when the paper is made. */
export interface PaperPicture {
  readonly data: Blob;
  readonly width: number;
  readonly height: number;
}

export interface PaperCell {
  readonly lines: readonly string[];
  readonly strong?: boolean;
  readonly centre?: boolean;
  readonly pictures?: readonly PaperPicture[];
}

/** `span` goes over all columns. */
export type PaperRow = { readonly span: string } | { readonly cells: readonly PaperCell[] };

export interface PaperColumn {
  readonly title: string;
  /** Share of the width in percent; all together 100. */
  readonly width: number;
  readonly centre?: boolean;
}

export type PaperBlock =
  | { readonly kind: "facts"; readonly facts: readonly (readonly [label: string, value: string])[] }
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly lines: readonly string[] }
  | { readonly kind: "table"; readonly columns: readonly PaperColumn[]; readonly rows: readonly PaperRow[] }
  | {
      readonly kind: "signatures";
      readonly people: readonly { readonly role: string; readonly name: string }[];
      readonly hint: string;
    };

export interface Paper {
  readonly title: string;
  readonly subtitle: string;
  readonly blocks: readonly PaperBlock[];
}

/** The words a sheet's paper needs, in the page's language. */
export type PaperWord =
  | "notes.paper.lead"
  | "notes.paper.study"
  | "notes.paper.rows"
  | "notes.paper.scores"
  | "notes.paper.criterion"
  | "notes.paper.max"
  | "notes.paper.score"
  | "notes.paper.sum"
  | "notes.paper.sign.observer"
  | "notes.paper.sign.teacher"
  | "notes.paper.sign.hint"
  | "notes.score.rank"
  | "notes.score.missing"
  | "notes.column.time"
  | "notes.column.teacher"
  | "notes.column.pupils"
  | "notes.column.remark"
  | "notes.column.progress"
  | "notes.column.remark.two"
  | "notes.time.unknown"
  | `notes.head.${HeadingField}`
  | `notes.close.${(typeof CLOSING_FIELDS)[number]}`;

export interface PaperOptions {
  readonly t: (word: PaperWord, params?: { [name: string]: string | number }) => string;
  readonly comma: boolean;
  readonly startedAt: number | null;
  readonly pictures: ReadonlyMap<string, PaperPicture>;
}

/** A sheet as the form says: two or four columns, scores when it has them, and room to sign. */
export function paperOfSheet(view: SheetView, form: Form | null, options: PaperOptions): Paper {
  const { t } = options;
  const facts = HEADING_FIELDS.map((field) => [t(`notes.head.${field}`), view.heading[field]] as const);
  const blocks: PaperBlock[] = [
    { kind: "facts", facts },
    { kind: "heading", text: t("notes.paper.rows") },
    form?.layout === "two" ? twoColumns(view, form, options) : fourColumns(view, form, options),
  ];
  if (form !== null && isScored(form) && !view.study) blocks.push(...scoreBlocks(view, form, options));
  for (const { id, label } of form?.fields ?? []) {
    blocks.push({ kind: "heading", text: label }, { kind: "text", lines: linesOf(view.free[id] ?? "") });
  }
  for (const field of CLOSING_FIELDS) {
    blocks.push(
      { kind: "heading", text: t(`notes.close.${field}`) },
      { kind: "text", lines: linesOf(view.closing[field]) },
    );
  }
  blocks.push({
    kind: "signatures",
    people: [
      { role: t("notes.paper.sign.teacher"), name: view.heading.teacher },
      { role: t("notes.paper.sign.observer"), name: view.heading.observer },
    ],
    hint: t("notes.paper.sign.hint"),
  });
  return {
    title: t(view.study ? "notes.paper.study" : "notes.paper.lead"),
    subtitle: form?.title ?? "",
    blocks,
  };
}

export function linesOf(text: string): readonly string[] {
  return text.split("\n");
}

function fourColumns(view: SheetView, form: Form | null, options: PaperOptions): PaperBlock {
  const { t } = options;
  const order: readonly TextField[] = view.study
    ? ["pupils", "teacher", "remark"]
    : ["teacher", "pupils", "remark"];
  const titles = {
    teacher: t("notes.column.teacher"),
    pupils: t("notes.column.pupils"),
    remark: t("notes.column.remark"),
  };
  const columns: PaperColumn[] = [
    { title: t("notes.column.time"), width: 11, centre: true },
    ...order.map((field, index) => ({ title: titles[field], width: index === 2 ? 27 : 31 })),
  ];
  const rows = rowsByPhase(view.rows, form, (row) => [
    timeCell(row, options),
    ...order.map(
      (field): PaperCell => ({
        lines: field === "remark" ? withTags(row) : linesOf(row[field]),
        pictures: field === "remark" ? picturesOf(row, options) : [],
      }),
    ),
  ]);
  return { kind: "table", columns, rows };
}

function twoColumns(view: SheetView, form: Form, options: PaperOptions): PaperBlock {
  const { t } = options;
  const columns: PaperColumn[] = [
    { title: t("notes.column.progress"), width: 58 },
    { title: t("notes.column.remark.two"), width: 42 },
  ];
  const rows = rowsByPhase(view.rows, form, (row) => {
    const [time = ""] = timeCell(row, options).lines;
    const words = [row.teacher, row.pupils].filter((text) => text !== "").flatMap(linesOf);
    const [first = "", ...others] = words;
    return [
      { lines: [`${time}  ${first}`.trim(), ...others], pictures: picturesOf(row, options) },
      { lines: withTags(row) },
    ];
  });
  return { kind: "table", columns, rows };
}

/** Rows with the phase as a line over all columns wherever it changes. */
function rowsByPhase(
  rows: readonly Row[],
  form: Form | null,
  cellsOf: (row: Row) => readonly PaperCell[],
): readonly PaperRow[] {
  let phase: string | null = null;
  return rows.flatMap((row): readonly PaperRow[] => {
    const cells: PaperRow = { cells: cellsOf(row) };
    if (row.phase === null || row.phase === phase) return [cells];
    phase = row.phase;
    const name = form?.phases.find(({ id }) => id === row.phase)?.name;
    return name === undefined ? [cells] : [{ span: name }, cells];
  });
}

function timeCell(row: Row, options: PaperOptions): PaperCell {
  const text = row.at === null ? options.t("notes.time.unknown") : lessonTime(row.at.ms, options.startedAt);
  const about = row.at !== null && (row.at.q === "held" || row.at.q === "clock") ? "≈ " : "";
  return { lines: [about + text], centre: true };
}

function withTags(row: Row): readonly string[] {
  const words = row.remark === "" ? [] : linesOf(row.remark);
  return row.tags.length === 0 ? words : [...words, `[${row.tags.join("; ")}]`];
}

function picturesOf(row: Row, options: PaperOptions): readonly PaperPicture[] {
  return row.pics.flatMap((id) => options.pictures.get(id) ?? []);
}

function scoreBlocks(view: SheetView, form: Form, options: PaperOptions): readonly PaperBlock[] {
  const { t } = options;
  const points = (value: number): string => pointsText(value, options.comma);
  const score = scoreOf(form, view.scores);
  const rows: PaperRow[] = form.groups.flatMap((group): PaperRow[] => [
    { span: group.name },
    ...group.items.map((item): PaperRow => {
      const value = view.scores[item.id];
      return {
        cells: [
          { lines: [item.text] },
          { lines: [points(hundredths(item.max))], centre: true },
          { lines: [typeof value === "number" ? points(value) : ""], centre: true, strong: true },
        ],
      };
    }),
  ]);
  rows.push({
    cells: [
      { lines: [t("notes.paper.sum")], strong: true },
      { lines: [points(score.max)], centre: true },
      { lines: [points(score.total)], centre: true, strong: true },
    ],
  });
  const rank =
    score.rank === null
      ? t("notes.score.missing", { count: score.missing + score.problems.length })
      : score.rank;
  const columns: PaperColumn[] = [
    { title: t("notes.paper.criterion"), width: 72 },
    { title: t("notes.paper.max"), width: 14, centre: true },
    { title: t("notes.paper.score"), width: 14, centre: true },
  ];
  const blocks: PaperBlock[] = [
    { kind: "heading", text: t("notes.paper.scores") },
    { kind: "table", columns, rows },
  ];
  if (form.bands.length > 0) blocks.push({ kind: "text", lines: [`${t("notes.score.rank")}: ${rank}`] });
  return blocks;
}
