/** Whose sheet it is, on which form, who may read it, and how it leaves the page. */
import braces from "lucide-static/icons/braces.svg?raw";
import fileText from "lucide-static/icons/file-text.svg?raw";
import link from "lucide-static/icons/link.svg?raw";
import users from "lucide-static/icons/messages-square.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import table from "lucide-static/icons/table.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatDate } from "../../shared/format.ts";
import type { SheetInfo } from "../../shared/notes/api.ts";
import { isScored } from "../../shared/notes/form.ts";
import { AUDIENCES, HEADING_FIELDS } from "../../shared/notes/sheet.ts";
import { Button } from "../../shared/ui/button.tsx";
import { Dialog } from "../../shared/ui/dialog.tsx";
import { Icon } from "../../shared/ui/icon.tsx";
import { language } from "../../shared/ui/language.tsx";
import { downloadCopy, downloadCsv, downloadDocx, downloadEverything, printSheet } from "./export.ts";
import { type Key, t } from "./words.ts";
import type { Writing } from "./writing.ts";

export function About(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  return (
    <div class="about">
      <Exports writing={writing} />
      <Head writing={writing} />
      <FormChoice writing={writing} />
      <Sharing writing={writing} />
      <PersonalLink writing={writing} />
      <OwnData writing={writing} />
    </div>
  );
}

function Head(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const { heading } = writing.view.value;
  return (
    <section>
      <h2>{t("notes.about.head")}</h2>
      <div class="head-fields">
        {HEADING_FIELDS.map((field) => (
          <label key={field} class="line">
            <span>{t(`notes.head.${field}`)}</span>
            <input
              type="text"
              maxLength={300}
              value={heading[field]}
              onInput={(event) => writing.type(`head.${field}`, event.currentTarget.value)}
            />
          </label>
        ))}
      </div>
      <p class="soft">{t("notes.about.pupils")}</p>
    </section>
  );
}

function FormChoice(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const { desk } = writing;
  const { study, form: reference } = writing.view.value;
  const form = writing.form.value;
  const others = desk.forms.value.filter(({ id }) => id !== reference?.id);
  return (
    <section>
      <h2>{t("notes.about.form")}</h2>
      <select
        aria-label={t("notes.about.form")}
        value={reference?.id ?? ""}
        onChange={(event) => {
          const chosen = others.find(({ id }) => id === event.currentTarget.value);
          if (chosen !== undefined) desk.changeForm(chosen, !isScored(chosen));
        }}
      >
        {form === null ? null : (
          <option value={form.id}>
            {form.title} ({t("notes.about.form.version", { version: form.version })})
          </option>
        )}
        {others.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
      {form !== null && isScored(form) ? (
        <label class="check">
          <input
            type="checkbox"
            checked={study}
            onChange={(event) => writing.doc.set([["mode.study", event.currentTarget.checked]])}
          />
          {t("notes.about.study")}
        </label>
      ) : null}
    </section>
  );
}

function Sharing(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const { shares } = writing.view.value;
  const { link: token } = writing.desk;
  return (
    <section>
      <h2>{t("notes.about.share")}</h2>
      {AUDIENCES.map((audience) => (
        <label key={audience} class="check">
          <input
            type="checkbox"
            checked={shares[audience]}
            onChange={(event) => writing.doc.set([[`share.${audience}`, event.currentTarget.checked]])}
          />
          {t(`notes.about.share.${audience}`)}
        </label>
      ))}
      <p class="soft">{t("notes.about.share.private")}</p>
      {writing.desk.timelineOpen.value && token !== null ? (
        <p>
          <a
            class="button button-secondary"
            href={`/rut-kinh-nghiem#t=${token}&s=${writing.sheet.known.token}`}
          >
            <Icon svg={users} />
            <span>{t("notes.about.timeline")}</span>
          </a>
        </p>
      ) : (
        <p class="soft">{t("notes.about.timeline.closed")}</p>
      )}
    </section>
  );
}

const EXPORTS = [
  [fileText, "notes.export.docx", downloadDocx],
  [printer, "notes.export.print", printSheet],
  [table, "notes.export.csv", downloadCsv],
  [braces, "notes.export.json", downloadCopy],
] as const satisfies readonly (readonly [string, Key, (writing: Writing, withPrivate: boolean) => unknown])[];

function Exports(props: { writing: Writing }): JSX.Element {
  const [failed, setFailed] = useState(false);
  const [withPrivate, setWithPrivate] = useState(false);
  const own = props.writing.view.value.rows.filter((row) => row.private).length;
  return (
    <section>
      <h2>{t("notes.about.export")}</h2>
      {own === 0 ? null : (
        <label class="check">
          <input
            type="checkbox"
            checked={withPrivate}
            onChange={(event) => setWithPrivate(event.currentTarget.checked)}
          />
          {t("notes.export.private", { count: own })}
        </label>
      )}
      <div class="buttons">
        {EXPORTS.map(([icon, word, run]) => (
          <Button
            key={word}
            icon={icon}
            onClick={() => {
              setFailed(false);
              void Promise.resolve(run(props.writing, withPrivate)).catch(() => setFailed(true));
            }}
          >
            {t(word)}
          </Button>
        ))}
      </div>
      {failed ? <p role="alert">{t("notes.export.failed")}</p> : null}
    </section>
  );
}

function PersonalLink(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const [shown, show] = useState(false);
  const [copied, setCopied] = useState(false);
  const { link: token } = writing.desk;
  const own = `s=${writing.sheet.known.token}`;
  const address = `${location.origin}/du-gio#${token === null ? own : `t=${token}&${own}`}`;
  return (
    <section>
      <h2>{t("notes.about.link")}</h2>
      <p class="soft">{t("notes.about.link.advice")}</p>
      {shown ? (
        <>
          <p class="address">{address}</p>
          <Button
            icon={link}
            onClick={() => {
              void navigator.clipboard?.writeText(address).then(() => setCopied(true));
            }}
          >
            {t(copied ? "notes.about.link.copied" : "notes.about.link.copy")}
          </Button>
        </>
      ) : (
        <Button icon={link} onClick={() => show(true)}>
          {t("notes.about.link.show")}
        </Button>
      )}
    </section>
  );
}

function OwnData(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const [asked, ask] = useState(false);
  const [failed, setFailed] = useState<Key | null>(null);
  const [info, setInfo] = useState<SheetInfo | null>(null);
  useEffect(() => {
    writing.sheet.api.sheet().then(setInfo, () => undefined);
  }, [writing]);
  const from = info?.deletable_from ?? null;
  return (
    <section>
      <h2>{t("notes.about.data")}</h2>
      <p class="soft">
        {from === null
          ? t("notes.about.data.kept.none")
          : t("notes.about.data.kept", { date: formatDate(new Date(from), language.value) })}
      </p>
      <div class="buttons">
        <Button
          icon={braces}
          onClick={() => {
            downloadEverything(writing).then(
              () => setFailed(null),
              () => setFailed("notes.export.failed"),
            );
          }}
        >
          {t("notes.about.data.all")}
        </Button>
        <Button icon={trash} onClick={() => ask(true)}>
          {t("notes.about.data.delete")}
        </Button>
      </div>
      {failed === null ? null : <p role="alert">{t(failed)}</p>}
      {asked ? (
        <Dialog
          title={t("notes.about.data.delete.question")}
          onClose={() => ask(false)}
          actions={
            <>
              <Button onClick={() => ask(false)}>{t("common.cancel")}</Button>
              <Button
                kind="danger"
                onClick={() => {
                  ask(false);
                  writing.desk.forget().catch(() => setFailed("notes.about.data.delete.failed"));
                }}
              >
                {t("notes.about.data.delete")}
              </Button>
            </>
          }
        >
          <p>{t("notes.about.data.delete.advice")}</p>
        </Dialog>
      ) : null}
    </section>
  );
}
