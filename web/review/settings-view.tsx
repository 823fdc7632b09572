/** What the organiser chooses: the form, when observers see each other's rows, and when the sheets go. */
import clipboard from "lucide-static/icons/clipboard-list.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatDate } from "../shared/format.ts";
import type { LessonNotes } from "../shared/notes/api.ts";
import { referenceOf } from "../shared/notes/form.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { language } from "../shared/ui/language.tsx";
import type { Access, Review } from "./review.ts";
import { t } from "./words.ts";

const DOORS = ["after", "open", "closed"] as const satisfies readonly LessonNotes["timeline"][];

export function SettingsView(props: {
  review: Review;
  access: Extract<Access, { kind: "in" }>;
  token: string;
}): JSX.Element | null {
  const { review, access, token } = props;
  const [asked, ask] = useState(false);
  const [outcome, setOutcome] = useState<"failed" | "deleted" | null>(null);
  const notes = review.notes.value;
  if (notes === null) return null;
  const edit = (patch: Parameters<Review["api"]["editLessonNotes"]>[1]): void => {
    review.api.editLessonNotes(access.lesson.id, patch).then(
      (changed) => {
        review.notes.value = changed;
        setOutcome(null);
        void review.look();
      },
      () => setOutcome("failed"),
    );
  };
  const from = notes.deletable_from;
  const known = notes.forms.some(({ id }) => id === notes.form.id);
  return (
    <div class="settings">
      {outcome === "failed" ? <p role="alert">{t("review.failed")}</p> : null}
      <section>
        <h2>{t("review.settings.form")}</h2>
        <p class="soft">{t("review.settings.form.advice")}</p>
        <select
          aria-label={t("review.settings.form")}
          value={notes.form.id}
          onChange={(event) => {
            const form = notes.forms.find(({ id }) => id === event.currentTarget.value);
            if (form !== undefined) edit({ form: referenceOf(form) });
          }}
        >
          {known ? null : <option value={notes.form.id}>{notes.form.id}</option>}
          {notes.forms.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
        <p>
          <a class="button button-secondary" href={`/mau-phieu#t=${token}`}>
            <Icon svg={clipboard} />
            <span>{t("review.settings.forms")}</span>
          </a>
        </p>
      </section>
      <fieldset>
        <legend>{t("review.settings.timeline")}</legend>
        {DOORS.map((door) => (
          <label key={door} class="choice">
            <input
              type="radio"
              name="door"
              checked={notes.timeline === door}
              onChange={() => edit({ timeline: door })}
            />
            {t(`review.settings.timeline.${door}`)}
          </label>
        ))}
        <p class="soft">{t("review.settings.timeline.advice")}</p>
      </fieldset>
      <section>
        <h2>{t("review.settings.delete")}</h2>
        <p class="soft">
          {from === null
            ? t("review.settings.delete.later")
            : t("review.settings.delete.from", { date: formatDate(new Date(from), language.value) })}
        </p>
        <Button icon={trash} disabled={from === null || Date.now() < from} onClick={() => ask(true)}>
          {t("review.settings.delete")}
        </Button>
        {outcome === "deleted" ? <p role="status">{t("review.settings.deleted")}</p> : null}
      </section>
      {asked ? (
        <Dialog
          title={t("review.settings.delete.question")}
          onClose={() => ask(false)}
          actions={
            <>
              <Button onClick={() => ask(false)}>{t("common.cancel")}</Button>
              <Button
                kind="danger"
                onClick={() => {
                  ask(false);
                  review.api.deleteSheets(access.lesson.id).then(
                    () => setOutcome("deleted"),
                    () => setOutcome("failed"),
                  );
                }}
              >
                {t("review.settings.delete")}
              </Button>
            </>
          }
        >
          <p>{t("review.settings.delete.advice")}</p>
        </Dialog>
      ) : null}
    </div>
  );
}
