/** Sheets by name for the organiser, those shared with her for the teacher; a shared one opens as the paper it will be. */
import back from "lucide-static/icons/arrow-left.svg?raw";
import fileText from "lucide-static/icons/file-text.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ListedSheet, SharedSheet } from "../shared/notes/api.ts";
import { docxOf } from "../shared/notes/docx.ts";
import { download, fileName } from "../shared/notes/download.ts";
import { hundredths, pointsText } from "../shared/notes/form.ts";
import { type Paper, type PaperPicture, paperOfSheet } from "../shared/notes/paper.ts";
import { paperElement, printPaper } from "../shared/notes/print.ts";
import { Button } from "../shared/ui/button.tsx";
import { language } from "../shared/ui/language.tsx";
import type { Access, Review } from "./review.ts";
import { t } from "./words.ts";

type Inside = Extract<Access, { kind: "in" }>;

export function SheetsView(props: { review: Review; access: Inside }): JSX.Element {
  const { review, access } = props;
  const [sheets, setSheets] = useState<readonly ListedSheet[] | null>(null);
  const [opened, setOpened] = useState<{ shared: SharedSheet; paper: Paper } | null>(null);
  const [failed, setFailed] = useState(false);
  const host = access.role === "host";
  useEffect(() => {
    review.api.sheets(access.lesson.id).then(setSheets, () => setFailed(true));
  }, [review, access.lesson.id]);
  const open = async (sheet: ListedSheet): Promise<void> => {
    const shared = await review.api.sharedSheet(access.lesson.id, sheet.id);
    setOpened({ shared, paper: await paperOf(review, access, shared) });
  };
  if (failed && sheets === null) return <p role="alert">{t("review.failed")}</p>;
  if (sheets === null) return <p>{t("review.loading")}</p>;
  if (opened !== null) return <Opened {...opened} onBack={() => setOpened(null)} />;
  if (sheets.length === 0) return <p>{t(host ? "review.sheets.empty.host" : "review.sheets.empty")}</p>;
  return (
    <>
      <ul class="sheet-list">
        {sheets.map((sheet) => {
          const readable = host ? sheet.shares.teacher : sheet.shares.organiser;
          return (
            <li key={sheet.id} class="sheet-line">
              <div>
                <p>
                  <strong>{sheet.author || t("notes.name.none")}</strong>
                  <span> · {sheet.unit || t("notes.unit.none")}</span>
                </p>
                <p class="soft">
                  {[t("review.sheets.rows", { count: sheet.rows }), sharing(sheet), scoreWords(sheet)]
                    .filter((part) => part !== "")
                    .join(" · ")}
                </p>
              </div>
              {readable ? (
                <Button onClick={() => void open(sheet).catch(() => setFailed(true))}>
                  {t("review.sheets.read")}
                </Button>
              ) : null}
            </li>
          );
        })}
      </ul>
      {failed ? <p role="alert">{t("review.failed")}</p> : null}
    </>
  );
}

function sharing(sheet: ListedSheet): string {
  const parts = [];
  if (sheet.shares.organiser) parts.push(t("review.sheets.handed"));
  if (sheet.shares.cluster) parts.push(t("review.sheets.timeline"));
  return parts.length === 0 && !sheet.shares.teacher ? t("review.sheets.private") : parts.join(", ");
}

function scoreWords(sheet: ListedSheet): string {
  if (sheet.score === null) return "";
  const points = (value: number): string => pointsText(hundredths(value), language.value === "vi");
  const { total, max, rank } = sheet.score;
  const params = { total: points(total), max: points(max) };
  return rank === null
    ? t("review.sheets.score", params)
    : t("review.sheets.score.rank", { ...params, rank });
}

async function paperOf(review: Review, access: Inside, shared: SharedSheet): Promise<Paper> {
  const pictures = new Map<string, PaperPicture>();
  for (const id of shared.view.rows.flatMap((row) => row.pics)) {
    const path = `/api/lessons/${access.lesson.id}/sheets/${shared.sheet.id}/pictures/${id}`;
    const data = await review.api.picture(path).catch(() => null);
    const size = data === null ? null : await createImageBitmap(data).catch(() => null);
    if (data !== null && size !== null) pictures.set(id, { data, width: size.width, height: size.height });
    size?.close();
  }
  return paperOfSheet(shared.view, shared.form, {
    t,
    comma: language.peek() === "vi",
    startedAt: shared.sheet.started_at,
    pictures,
  });
}

function Opened(props: { shared: SharedSheet; paper: Paper; onBack: () => void }): JSX.Element {
  const { shared, paper } = props;
  const name = fileName(t("notes.sheet"), shared.sheet.lesson_title, shared.view.heading.observer);
  return (
    <>
      <div class="review-exports">
        <Button kind="quiet" icon={back} onClick={props.onBack}>
          {t("review.sheets.back")}
        </Button>
        <Button
          icon={fileText}
          onClick={() => void docxOf(paper).then((blob) => download(`${name}.docx`, blob))}
        >
          {t("notes.export.docx")}
        </Button>
        <Button icon={printer} onClick={() => void printPaper(paper)}>
          {t("notes.export.print")}
        </Button>
      </div>
      <div
        class="paper-preview"
        ref={(box) => {
          if (box !== null && box.childElementCount === 0) box.append(paperElement(paper).page);
        }}
      />
    </>
  );
}
