/** The sheet beside the picture: the lesson's clock, one big key, where the words are, and the parts of the sheet. */
import clock from "lucide-static/icons/clock.svg?raw";
import pause from "lucide-static/icons/pause.svg?raw";
import pen from "lucide-static/icons/pencil-line.svg?raw";
import redo from "lucide-static/icons/redo-2.svg?raw";
import undo from "lucide-static/icons/undo-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isScored } from "../../shared/notes/form.ts";
import { lessonTime } from "../../shared/notes/time.ts";
import { Button } from "../../shared/ui/button.tsx";
import { isComposing } from "../../shared/ui/cell.tsx";
import { Icon } from "../../shared/ui/icon.tsx";
import { About } from "./about.tsx";
import { ClosingWords } from "./closing.tsx";
import { downloadCopy } from "./export.ts";
import { Rows } from "./rows.tsx";
import { SaveAdvice, SaveState } from "./save-state.tsx";
import { Scores } from "./scores.tsx";
import { type Key, t } from "./words.ts";
import type { Writing } from "./writing.ts";

type Tab = "rows" | "scores" | "closing" | "about";
const TABS = [
  ["rows", "notes.tab.rows"],
  ["scores", "notes.tab.scores"],
  ["closing", "notes.tab.closing"],
  ["about", "notes.tab.about"],
] as const satisfies readonly (readonly [Tab, Key])[];

const TICK_MS = 250;

export function SheetPanel(props: { writing: Writing; live: boolean }): JSX.Element {
  const { writing, live } = props;
  const [tab, setTab] = useState<Tab>("rows");
  const { doc } = writing;
  const view = writing.view.value;
  const form = writing.form.value;
  const scored = form !== null && isScored(form) && !view.study;
  const tabs = TABS.filter(([kind]) => kind !== "scores" || scored);
  const here = tabs.some(([kind]) => kind === tab) ? tab : "rows";
  const note = (): void => {
    setTab("rows");
    writing.noteNow();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isComposing(event)) return;
      const wantsRow = event.key === "F2" || (event.key === "Enter" && event.ctrlKey && !event.altKey);
      if (wantsRow) {
        event.preventDefault();
        if (!event.repeat) note();
        return;
      }
      // In a text field the browser's own undo takes back letters.
      if (!event.ctrlKey || event.altKey || isTextField(event.target)) return;
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) doc.undo();
      else if (key === "y" || (key === "z" && event.shiftKey)) doc.redo();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  useEffect(() => {
    const onLeave = (event: BeforeUnloadEvent): void => {
      if (!doc.atRisk) return;
      event.preventDefault();
    };
    addEventListener("beforeunload", onLeave);
    return () => removeEventListener("beforeunload", onLeave);
  }, [doc]);
  return (
    <section class="sheet" aria-label={t("notes.sheet")}>
      <header class="sheet-head">
        <SeenClock writing={writing} live={live} />
        <Button kind="primary" icon={pen} onClick={note}>
          {t("notes.now")} <kbd>{t("notes.now.key")}</kbd>
        </Button>
        <span class="save-state">
          <SaveState desk={writing.desk} sheet={writing.sheet} />
        </span>
      </header>
      <SaveAdvice desk={writing.desk} sheet={writing.sheet} onCopy={() => downloadCopy(writing)} />
      <ShareOffer writing={writing} />
      <div class="sheet-tabs">
        <div role="tablist" aria-label={t("notes.sheet")} class="tabs">
          {tabs.map(([kind, word]) => (
            <button
              key={kind}
              type="button"
              role="tab"
              id={`tab-${kind}`}
              class="tab"
              aria-selected={here === kind}
              aria-controls="sheet-body"
              tabIndex={here === kind ? 0 : -1}
              onClick={() => setTab(kind)}
              onKeyDown={(event) => {
                const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
                const next = tabs[(tabs.findIndex(([one]) => one === kind) + by + tabs.length) % tabs.length];
                if (by === 0 || next === undefined) return;
                event.preventDefault();
                setTab(next[0]);
                document.getElementById(`tab-${next[0]}`)?.focus();
              }}
            >
              {t(word)}
            </button>
          ))}
        </div>
        <span class="sheet-space" />
        <Button kind="quiet" icon={undo} disabled={!doc.canUndo.value} onClick={() => doc.undo()}>
          {t("notes.undo")}
        </Button>
        {doc.canRedo.value ? (
          <Button kind="quiet" icon={redo} onClick={() => doc.redo()}>
            {t("notes.redo")}
          </Button>
        ) : null}
      </div>
      {here === "rows" ? <Phases writing={writing} /> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard */}
      <div class="sheet-body" role="tabpanel" id="sheet-body" aria-labelledby={`tab-${here}`} tabIndex={0}>
        {here === "rows" ? <Rows writing={writing} /> : null}
        {here === "scores" && form !== null ? <Scores doc={doc} form={form} /> : null}
        {here === "closing" ? <ClosingWords writing={writing} /> : null}
        {here === "about" ? <About writing={writing} /> : null}
      </div>
    </section>
  );
}

/** The time of the lesson in sight: what a row opened now would carry. */
function SeenClock(props: { writing: Writing; live: boolean }): JSX.Element | null {
  const { writing, live } = props;
  const [moment, setMoment] = useState(() => writing.moment());
  useEffect(() => {
    const timer = setInterval(() => setMoment(writing.moment()), TICK_MS);
    return () => clearInterval(timer);
  }, [writing]);
  if (!live) return null;
  const held = moment.q === "held";
  return (
    <p class="seen-clock" data-held={held}>
      <Icon svg={held ? pause : clock} />
      <span class="visually-hidden">{t("notes.clock")}: </span>
      <span class="seen-time">{lessonTime(moment.ms, writing.startedAt)}</span>
      {held ? <span class="seen-held">{t("notes.clock.held")}</span> : null}
    </p>
  );
}

/** The phase the next rows belong to. */
function Phases(props: { writing: Writing }): JSX.Element | null {
  const { writing } = props;
  const phases = writing.form.value?.phases ?? [];
  if (phases.length === 0) return null;
  return (
    <fieldset class="phases">
      <legend>{t("notes.phase")}</legend>
      {phases.map(({ id, name }) => (
        <label key={id} class="phase" data-chosen={writing.phase.value === id}>
          <input
            type="radio"
            name="phase"
            class="visually-hidden"
            checked={writing.phase.value === id}
            onChange={() => {
              writing.phase.value = id;
            }}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

/** When the group's timeline opens, whoever has not shared is asked once. */
function ShareOffer(props: { writing: Writing }): JSX.Element | null {
  const { writing } = props;
  const [asked, setAsked] = useState(false);
  const view = writing.view.value;
  if (asked || view.shares.cluster || view.rows.length === 0 || !writing.desk.timelineOpen.value) return null;
  return (
    <div class="advice" role="status">
      <p>{t("notes.offer")}</p>
      <Button kind="secondary" onClick={() => writing.doc.set([["share.cluster", true]])}>
        {t("notes.offer.share")}
      </Button>
      <Button kind="quiet" onClick={() => setAsked(true)}>
        {t("notes.offer.later")}
      </Button>
    </div>
  );
}

function isTextField(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && !["radio", "checkbox", "button"].includes(target.type);
}
