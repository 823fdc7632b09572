/** A sheet on its way out of the page. Everything is made here, so that it also works without a network. */
import { csvOf } from "../../shared/notes/csv.ts";
import { DOCX_TYPE, docxOf } from "../../shared/notes/docx.ts";
import { download, fileName } from "../../shared/notes/download.ts";
import { isScored, scoreOf } from "../../shared/notes/form.ts";
import { type Paper, type PaperPicture, paperOfSheet } from "../../shared/notes/paper.ts";
import { printPaper } from "../../shared/notes/print.ts";
import { language } from "../../shared/ui/language.tsx";
import { t } from "./words.ts";
import type { Writing } from "./writing.ts";

/** @param withPrivate papers are handed on: rows marked "for me alone" are on them only when their writer says so */
export async function downloadDocx(writing: Writing, withPrivate: boolean): Promise<void> {
  const blob = await docxOf(await paper(writing, withPrivate));
  download(`${name(writing)}.docx`, blob.type === DOCX_TYPE ? blob : new Blob([blob], { type: DOCX_TYPE }));
}

export async function printSheet(writing: Writing, withPrivate: boolean): Promise<void> {
  await printPaper(await paper(writing, withPrivate));
}

export function downloadCsv(writing: Writing): void {
  const view = writing.view.peek();
  const form = writing.form.peek();
  const head = [
    t("notes.column.time"),
    t("notes.paper.phase"),
    t("notes.column.teacher"),
    t("notes.column.pupils"),
    t("notes.column.remark"),
    t("notes.paper.tags"),
    t("notes.paper.private"),
  ];
  const rows = view.rows.map((row) => [
    writing.timeText(row),
    form?.phases.find(({ id }) => id === row.phase)?.name ?? "",
    row.teacher,
    row.pupils,
    row.remark,
    row.tags.join("; "),
    row.private ? "x" : "",
  ]);
  download(`${name(writing)}.csv`, new Blob([csvOf([head, ...rows])], { type: "text/csv;charset=utf-8" }));
}

/** The sheet as it is on this machine, also when nothing else works. */
export function downloadCopy(writing: Writing): void {
  const view = writing.view.peek();
  const form = writing.form.peek();
  const found = form !== null && isScored(form) && !view.study ? scoreOf(form, view.scores) : null;
  // Points, as in the form and in what the server gives out; inside they are hundredths.
  const points = (hundredth: number): number => hundredth / 100;
  const score =
    found === null
      ? null
      : {
          ...found,
          total: points(found.total),
          groups: found.groups.map(points),
          max: points(found.max),
        };
  const copy = {
    lesson: writing.sheet.known.lessonTitle,
    started_at: writing.startedAt,
    form,
    view,
    score,
    registers: Object.fromEntries(writing.doc.all),
  };
  download(`${name(writing)}.json`, new Blob([JSON.stringify(copy, null, 1)], { type: "application/json" }));
}

/** What the server keeps of the writer. */
export async function downloadEverything(writing: Writing): Promise<void> {
  const all = await writing.sheet.api.exportSheet();
  download(
    `${name(writing)} (máy chủ).json`,
    new Blob([JSON.stringify(all, null, 1)], { type: "application/json" }),
  );
}

function name(writing: Writing): string {
  const { heading } = writing.view.peek();
  return fileName(t("notes.sheet"), heading.topic || writing.sheet.known.lessonTitle, heading.observer);
}

async function paper(writing: Writing, withPrivate: boolean): Promise<Paper> {
  const all = writing.view.peek();
  const view = withPrivate ? all : { ...all, rows: all.rows.filter((row) => !row.private) };
  const pictures = new Map<string, PaperPicture>();
  for (const id of view.rows.flatMap((row) => row.pics)) {
    const data = await writing.desk.picture(id);
    const size = data === null ? null : await createImageBitmap(data).catch(() => null);
    if (data !== null && size !== null) pictures.set(id, { data, width: size.width, height: size.height });
    size?.close();
  }
  return paperOfSheet(view, writing.form.peek(), {
    t,
    comma: language.peek() === "vi",
    startedAt: writing.startedAt,
    pictures,
  });
}
