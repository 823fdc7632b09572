/** The shared timeline as a list one can filter, and as papers. Pure. */
import type { CommentInfo, Minutes, Timeline, TimelineEntry } from "../shared/notes/api.ts";
import { MINUTES_FIELDS } from "../shared/notes/api.ts";
import { linesOf, type Paper, type PaperRow } from "../shared/notes/paper.ts";
import { lessonTime } from "../shared/notes/time.ts";
import type { Key } from "./words.ts";

export interface Filter {
  /** Sheet of the author; `null` for all. */
  readonly sheet: string | null;
  readonly phase: string | null;
  readonly text: string;
}

export const NO_FILTER: Filter = { sheet: null, phase: null, text: "" };

export interface Minute {
  readonly minute: number | null;
  readonly entries: readonly TimelineEntry[];
}

/** Minutes with the rows that fit; minutes without any are left out. */
export function filtered(timeline: Timeline, filter: Filter): readonly Minute[] {
  const wanted = folded(filter.text);
  const fits = (entry: TimelineEntry): boolean =>
    (filter.sheet === null || entry.sheet === filter.sheet) &&
    (filter.phase === null || entry.phase === filter.phase) &&
    (wanted === "" ||
      folded([entry.teacher, entry.pupils, entry.remark, ...entry.tags].join(" ")).includes(wanted));
  return timeline.minutes
    .map(({ minute, entries }) => ({ minute, entries: entries.filter(fits) }))
    .filter(({ entries }) => entries.length > 0);
}

/** Searching finds words typed with or without their marks: `hoc sinh` finds `Học sinh`. */
function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
}

export function authorsOf(timeline: Timeline): readonly { readonly sheet: string; readonly name: string }[] {
  const names = new Map<string, string>();
  for (const { entries } of timeline.minutes)
    for (const entry of entries) names.set(entry.sheet, entry.author);
  return [...names]
    .map(([sheet, name]) => ({ sheet, name }))
    .sort((a, b) => a.name.localeCompare(b.name, "vi"));
}

export function countEntries(minutes: readonly Minute[]): number {
  return minutes.reduce((sum, { entries }) => sum + entries.length, 0);
}

export function commentsOn(timeline: Timeline, entry: TimelineEntry): readonly CommentInfo[] {
  return timeline.comments.filter(({ sheet, row }) => sheet === entry.sheet && row === entry.row);
}

export function timeOf(timeline: Timeline, entry: TimelineEntry): string {
  return entry.at === null ? "" : lessonTime(entry.at.ms, timeline.started_at);
}

/** A row as one line of the minutes: its remark, or what was seen, with who wrote it about which moment. */
export function minutesLine(timeline: Timeline, entry: TimelineEntry): string {
  const seen = [entry.teacher, entry.pupils].filter((text) => text !== "").join("; ");
  const words = (entry.remark || seen || entry.tags.join(", "))
    .split(/\s*\n\s*/)
    .join("; ")
    .trim();
  const whose = [entry.author, timeOf(timeline, entry)].filter((text) => text !== "").join(", ");
  return whose === "" ? `– ${words}` : `– ${words} (${whose})`;
}

type Words = (key: Key, params?: { [name: string]: string | number }) => string;

export function minuteWords(minute: number | null, t: Words): string {
  if (minute === null) return t("review.minute.unknown");
  // Teachers count from one: what happens at once is in the first minute.
  return minute < 0 ? t("review.minute.before") : t("review.minute", { minute: minute + 1 });
}

/** Every row once, in order, as a table. */
export function timelineTable(timeline: Timeline, t: Words): readonly (readonly string[])[] {
  const head = [
    t("notes.column.time"),
    t("notes.paper.author"),
    t("notes.paper.unit"),
    t("notes.paper.phase"),
    t("notes.column.teacher"),
    t("notes.column.pupils"),
    t("notes.column.remark"),
    t("notes.paper.tags"),
    t("review.paper.comments"),
  ];
  const rows = timeline.minutes.flatMap(({ entries }) =>
    entries.map((entry) => [
      timeOf(timeline, entry),
      entry.author,
      entry.unit,
      timeline.phases[entry.phase ?? ""] ?? "",
      entry.teacher,
      entry.pupils,
      entry.remark,
      entry.tags.join("; "),
      commentsOn(timeline, entry)
        .map((comment) => `${comment.author || t("review.comment.organiser")}: ${comment.text}`)
        .join("\n"),
    ]),
  );
  return [head, ...rows];
}

export function paperOfTimeline(timeline: Timeline, t: Words): Paper {
  const rows = timeline.minutes.flatMap(({ minute, entries }): PaperRow[] => [
    { span: minuteWords(minute, t) },
    ...entries.map((entry): PaperRow => {
      const comments = commentsOn(timeline, entry).map(
        ({ author, text }) => `↳ ${author || t("review.comment.organiser")}: ${text}`,
      );
      const remark = [entry.remark, entry.tags.length === 0 ? "" : `[${entry.tags.join("; ")}]`, ...comments];
      return {
        cells: [
          { lines: [timeOf(timeline, entry), entry.author], centre: true },
          { lines: linesOf(entry.teacher) },
          { lines: linesOf(entry.pupils) },
          { lines: remark.filter((line) => line !== "").flatMap(linesOf) },
        ],
      };
    }),
  ]);
  const closings = timeline.closings.flatMap(
    ({ author, unit, strengths, limits, advice }) =>
      [
        { kind: "heading", text: unit === "" ? author : `${author} (${unit})` },
        {
          kind: "text",
          lines: [
            [t("notes.close.strengths"), strengths],
            [t("notes.close.limits"), limits],
            [t("notes.close.advice"), advice],
          ]
            .filter(([, text]) => text !== "")
            .flatMap(([label, text]) => linesOf(`${label}: ${text}`)),
        },
      ] as const,
  );
  return {
    title: t("review.paper.timeline"),
    subtitle: timeline.title,
    blocks: [
      {
        kind: "table",
        columns: [
          { title: t("notes.column.time"), width: 15, centre: true },
          { title: t("notes.column.teacher"), width: 28 },
          { title: t("notes.column.pupils"), width: 28 },
          { title: t("notes.column.remark"), width: 29 },
        ],
        rows,
      },
      ...closings,
    ],
  };
}

/** Fields of the heading, the others are paragraphs. */
const SHORT = ["time", "place", "present", "chair", "secretary", "lesson"] as const;

export function paperOfMinutes(minutes: Minutes, title: string, t: Words): Paper {
  return {
    title: t("review.minutes.title"),
    subtitle: title,
    blocks: [
      ...SHORT.map(
        (field) =>
          ({ kind: "text", lines: linesOf(`${t(`review.minutes.${field}`)}: ${minutes[field]}`) }) as const,
      ),
      ...MINUTES_FIELDS.filter((field) => !(SHORT as readonly string[]).includes(field)).flatMap(
        (field) =>
          [
            { kind: "heading", text: t(`review.minutes.${field}`) },
            { kind: "text", lines: linesOf(minutes[field]) },
          ] as const,
      ),
      {
        kind: "signatures",
        people: [
          { role: t("review.paper.sign.secretary"), name: minutes.secretary },
          { role: t("review.paper.sign.chair"), name: minutes.chair },
        ],
        hint: t("notes.paper.sign.hint"),
      },
    ],
  };
}
