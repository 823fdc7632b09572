/** *Biên bản sinh hoạt chuyên môn*: drafted from the sheets, finished by people, saved while they type. */
import check from "lucide-static/icons/circle-check.svg?raw";
import fileText from "lucide-static/icons/file-text.svg?raw";
import hardDrive from "lucide-static/icons/hard-drive.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import refresh from "lucide-static/icons/refresh-cw.svg?raw";
import undo from "lucide-static/icons/undo-2.svg?raw";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { MINUTES_FIELDS, type MinutesField } from "../shared/notes/api.ts";
import { docxOf } from "../shared/notes/docx.ts";
import { download, fileName } from "../shared/notes/download.ts";
import { printPaper } from "../shared/notes/print.ts";
import { Button } from "../shared/ui/button.tsx";
import { Cell } from "../shared/ui/cell.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import { paperOfMinutes } from "./entries.ts";
import type { MinutesDesk } from "./minutes-desk.ts";
import type { Access, Review } from "./review.ts";
import { t } from "./words.ts";

type Inside = Extract<Access, { kind: "in" }>;

const LONG: readonly MinutesField[] = ["present", "strengths", "shortcomings", "proposals", "conclusion"];

export function MinutesView(props: { review: Review; access: Inside }): JSX.Element {
  const { review, access } = props;
  const desk = review.minutesOf(access.lesson.id);
  useEffect(() => desk.look(), [desk]);
  const minutes = desk.minutes.value;
  if (minutes === null) return <p>{desk.failed.value ? t("review.offline") : t("review.loading")}</p>;
  const paper = () => paperOfMinutes(minutes, access.lesson.title, t);
  const name = fileName(t("review.tab.minutes"), access.lesson.title);
  return (
    <div class="minutes-form">
      <div class="review-exports">
        <Saved desk={desk} />
        <span class="review-space" />
        {desk.before.value === null ? (
          <Button icon={refresh} onClick={() => void desk.takeDraft()}>
            {t("review.minutes.draft")}
          </Button>
        ) : (
          <Button icon={undo} onClick={() => desk.takeBack()}>
            {t("review.minutes.draft.back")}
          </Button>
        )}
        <Button
          icon={fileText}
          onClick={() => void docxOf(paper()).then((blob) => download(`${name}.docx`, blob))}
        >
          {t("notes.export.docx")}
        </Button>
        <Button icon={printer} onClick={() => void printPaper(paper())}>
          {t("notes.export.print")}
        </Button>
      </div>
      <p class="soft">{t("review.minutes.draft.advice")}</p>
      {desk.state.value === "conflict" ? (
        <div class="review-conflict" role="alert">
          <p>{t("review.minutes.conflict")}</p>
          <Button onClick={() => void desk.takeTheirs()}>{t("review.minutes.conflict.theirs")}</Button>
          <Button onClick={() => void desk.keepMine()}>{t("review.minutes.conflict.mine")}</Button>
        </div>
      ) : null}
      {MINUTES_FIELDS.map((field) => (
        <div key={field} class="minutes-field" data-long={LONG.includes(field)}>
          <h2>{t(`review.minutes.${field}`)}</h2>
          <Cell
            name={field}
            label={t(`review.minutes.${field}`)}
            lines={LONG.includes(field) ? 3 : 1}
            value={minutes[field]}
            onInput={(text) => desk.write(field, text)}
          />
        </div>
      ))}
    </div>
  );
}

function Saved(props: { desk: MinutesDesk }): JSX.Element | null {
  switch (props.desk.state.value) {
    case "saved":
      return (
        <StatePill tone="ok" icon={check} announce>
          {t("review.minutes.saved")}
        </StatePill>
      );
    case "saving":
      return (
        <StatePill tone="idle" icon={loader} announce>
          {t("review.minutes.saving")}
        </StatePill>
      );
    case "unsaved":
      return (
        <StatePill tone="warn" icon={hardDrive} announce>
          {t("review.minutes.unsaved")}
        </StatePill>
      );
    default:
      return null;
  }
}
