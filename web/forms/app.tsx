/** Observation forms: a list, and one of them open for editing. Only organisers of the whole server change forms. */
import { type Signal, signal } from "@preact/signals";
import copy from "lucide-static/icons/copy.svg?raw";
import fileUp from "lucide-static/icons/file-up.svg?raw";
import linkOff from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { HttpRefusal } from "../shared/http.ts";
import { NotesApi, type OfferedForm } from "../shared/notes/api.ts";
import { type Form, hundredths, isScored, itemsOf, pointsText } from "../shared/notes/form.ts";
import type { Problem } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { LanguageToggle, language } from "../shared/ui/language.tsx";
import { emptyForm, readForm, slug } from "./edit.ts";
import { Editor } from "./editor.tsx";
import { t } from "./words.ts";

const DRAFT_KEY = "nhipcau.form-draft";
const RETRY_MS = 4000;

/** What is being edited; kept on this machine until it is saved. */
const draft: Signal<Form | null> = signal(rememberedDraft());

export function App(props: { token: string | null }): JSX.Element {
  document.title = `${t("forms.page")} – ${t("common.product")}`;
  if (props.token === null) {
    return (
      <Gate
        product={t("common.product")}
        icon={linkOff}
        title={t("link.missing")}
        advice={t("link.missing.advice")}
      />
    );
  }
  return <Entered token={props.token} />;
}

function Entered(props: { token: string }): JSX.Element {
  const [api] = useState(() => new NotesApi(props.token));
  const [forms, setForms] = useState<readonly OfferedForm[] | null>(null);
  const [refused, setRefused] = useState<Problem | null | undefined>(undefined);
  const [offline, setOffline] = useState(false);
  const [chosen, choose] = useState<string | null>(null);
  const load = async (): Promise<void> => {
    try {
      setForms(await api.forms());
      setOffline(false);
    } catch (error) {
      if (error instanceof HttpRefusal && error.status < 500) setRefused(error.problem);
      else {
        setOffline(true);
        setTimeout(() => void load(), RETRY_MS);
      }
    }
  };
  useEffect(() => {
    void load();
  }, []);
  if (refused !== undefined) {
    const text = language.value === "vi" ? refused?.detail_vi : refused?.detail;
    return (
      <Gate
        product={t("common.product")}
        icon={linkOff}
        title={t("forms.not_organiser")}
        advice={text ?? t("forms.not_organiser.advice")}
        code={refused?.code}
      />
    );
  }
  if (forms === null) {
    return (
      <Gate
        product={t("common.product")}
        icon={loader}
        busy
        title={t("forms.loading")}
        advice={offline ? t("forms.offline") : undefined}
      />
    );
  }
  const edited = draft.value;
  const shown = forms.find(({ id }) => id === chosen) ?? null;
  const start = (form: Form): void => keepDraft(form);
  return (
    <div class="forms">
      <header class="forms-bar">
        <h1>{t("forms.page")}</h1>
        <LanguageToggle />
      </header>
      <div class="forms-columns">
        <FormList
          forms={forms}
          chosen={edited === null ? chosen : edited.id}
          onChoose={(form) => {
            choose(form.id);
            keepDraft(form.built_in ? null : plain(form));
          }}
          onNew={() => start(emptyForm(""))}
          onImport={start}
        />
        <main class="forms-main">
          {edited !== null ? (
            <Editor
              api={api}
              form={edited}
              known={forms.find(({ id }) => id === edited.id) ?? null}
              onChange={keepDraft}
              nameOf={(title) =>
                slug(
                  title,
                  forms.map(({ id }) => id),
                )
              }
              onSaved={(saved) => {
                keepDraft(saved);
                choose(saved.id);
                void load();
              }}
              onRetired={() => {
                keepDraft(null);
                void load();
              }}
            />
          ) : shown !== null ? (
            <Shown
              form={shown}
              onCopy={() =>
                start({
                  ...plain(shown),
                  id: "",
                  version: 1,
                  title: t("forms.copy.title", { title: shown.title }),
                })
              }
            />
          ) : null}
        </main>
      </div>
    </div>
  );
}

function FormList(props: {
  forms: readonly OfferedForm[];
  chosen: string | null;
  onChoose: (form: OfferedForm) => void;
  onNew: () => void;
  onImport: (form: Form) => void;
}): JSX.Element {
  const file = useRef<HTMLInputElement>(null);
  const [failed, setFailed] = useState(false);
  return (
    <nav class="forms-list" aria-label={t("forms.list")}>
      <ul>
        {props.forms.map((form) => (
          <li key={form.id}>
            <button
              type="button"
              class="forms-entry"
              aria-current={props.chosen === form.id ? "true" : undefined}
              onClick={() => props.onChoose(form)}
            >
              <strong>{form.title}</strong>
              <span>{[facts(form), state(form)].filter((part) => part !== "").join(" · ")}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="buttons">
        <Button icon={plus} onClick={props.onNew}>
          {t("forms.new")}
        </Button>
        <Button icon={fileUp} onClick={() => file.current?.click()}>
          {t("forms.import")}
        </Button>
        <input
          ref={file}
          type="file"
          accept="application/json,.json"
          hidden
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            event.currentTarget.value = "";
            void chosen?.text().then((text) => {
              const form = readForm(text);
              setFailed(form === null);
              const taken = props.forms.some(({ id, built_in }) => built_in && id === form?.id);
              if (form !== null) props.onImport(taken ? { ...form, id: "" } : form);
            });
          }}
        />
      </div>
      {failed ? <p role="alert">{t("forms.import.failed")}</p> : null}
    </nav>
  );
}

function Shown(props: { form: OfferedForm; onCopy: () => void }): JSX.Element {
  const { form } = props;
  return (
    <section class="forms-shown">
      <h2>{form.title}</h2>
      <p>{facts(form)}</p>
      {form.source ? <p class="soft">{form.source}</p> : null}
      <p>{t("forms.view_only")}</p>
      <Button kind="primary" icon={copy} onClick={props.onCopy}>
        {t("forms.copy")}
      </Button>
      {form.groups.map((group) => (
        <div key={group.name}>
          <h3>{group.name}</h3>
          <ol>
            {group.items.map((item) => (
              <li key={item.id}>
                {item.text} [{points(item.max)}]
              </li>
            ))}
          </ol>
        </div>
      ))}
      {form.fields.length === 0 ? null : (
        <ul>
          {form.fields.map((field) => (
            <li key={field.id}>{field.label}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function facts(form: Form): string {
  if (!isScored(form)) return t("forms.facts.none");
  const max = itemsOf(form).reduce((sum, item) => sum + hundredths(item.max), 0);
  return t("forms.facts", { items: itemsOf(form).length, max: pointsText(max, language.value === "vi") });
}

function state(form: OfferedForm): string {
  const version = form.built_in ? t("forms.built_in") : t("forms.version", { version: form.version });
  return form.retired ? `${version}, ${t("forms.retired")}` : version;
}

function points(value: number): string {
  return pointsText(hundredths(value), language.value === "vi");
}

/** The form alone, without what the list says about it. */
function plain(form: OfferedForm): Form {
  const { built_in: _, retired: __, ...alone } = form;
  return alone;
}

function keepDraft(form: Form | null): void {
  draft.value = form;
  try {
    if (form === null) localStorage.removeItem(DRAFT_KEY);
    else localStorage.setItem(DRAFT_KEY, JSON.stringify(form));
  } catch {
    // Without storage the draft lasts as long as the page.
  }
}

function rememberedDraft(): Form | null {
  try {
    const text = localStorage.getItem(DRAFT_KEY);
    return text === null ? null : (JSON.parse(text) as Form);
  } catch {
    return null;
  }
}
