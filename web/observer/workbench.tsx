/** The observer's screen: the lesson's picture and her sheet beside it. */
import { signal } from "@preact/signals";
import calendarClock from "lucide-static/icons/calendar-clock.svg?raw";
import circleCheck from "lucide-static/icons/circle-check.svg?raw";
import clock from "lucide-static/icons/clock.svg?raw";
import columns from "lucide-static/icons/columns-2.svg?raw";
import link2Off from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import corner from "lucide-static/icons/picture-in-picture-2.svg?raw";
import radio from "lucide-static/icons/radio.svg?raw";
import wide from "lucide-static/icons/rectangle-horizontal.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatDate, formatSpan, formatTime } from "../shared/format.ts";
import type { Lesson } from "../shared/protocol.ts";
import { Gate } from "../shared/ui/gate.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle, language } from "../shared/ui/language.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { LessonView } from "../shared/viewer-state.ts";
import {
  type Arrangement,
  clampShare,
  rememberArrangement,
  rememberedArrangement,
  SHARE,
  shareAfterKey,
} from "./arrangement.ts";
import type { Desk, DeskState } from "./notes/desk.ts";
import { DeskView } from "./notes/desk-view.tsx";
import { t as n } from "./notes/words.ts";
import type { Observing } from "./observing.ts";
import { PictureTools } from "./picture-tools.tsx";
import { StageView } from "./stage-view.tsx";
import { t } from "./words.ts";

const remembered = rememberedArrangement();
const arrangement = signal<Arrangement>(remembered.kind);
const share = signal(remembered.share);

function arrange(kind: Arrangement, percent: number): void {
  arrangement.value = kind;
  share.value = clampShare(percent);
  rememberArrangement(kind, share.value);
}

/** `desk` is `null` while the first picture is on its way. */
export function Workbench(props: { observing: Observing; desk: Desk | null }): JSX.Element {
  const { observing, desk } = props;
  const view = observing.view.value;
  const { lesson } = observing.facts.value;
  const desking: DeskState = desk?.state.value ?? { kind: "looking" };
  const screen = useRef<HTMLElement>(null);
  const bench = useRef<HTMLElement>(null);
  const writing = useWriting(bench);
  const playing = view.kind === "watching" || view.kind === "waiting" ? view : null;
  const title = lesson?.title ?? (desking.kind === "open" ? desking.sheet.known.lessonTitle : "");
  if (playing === null && desking.kind !== "open" && (view.kind === "ended" || lesson === null)) {
    return <Words view={view} lesson={lesson} gate />;
  }
  return (
    <div class="observer">
      <header class="bar">
        <p class="bar-product">{t("observer.page")}</p>
        <h1 class="bar-title">{title}</h1>
        {playing === null ? null : playing.rehearsal ? (
          <StatePill tone="idle" icon={radio}>
            {t("lesson.test_run")}
          </StatePill>
        ) : (
          <StatePill tone="live" icon={radio}>
            {t("lesson.live")}
          </StatePill>
        )}
        {playing === null ? null : <Arrangements />}
        {desking.kind === "open" && arrangement.value !== "wide" ? null : (
          <LessonClock observing={observing} />
        )}
        <LanguageToggle />
      </header>
      <main
        class="bench"
        ref={bench}
        data-arrangement={playing === null ? "alone" : arrangement.value}
        data-writing={writing}
        style={{ "--share": `${share.value}%` }}
      >
        {playing === null ? (
          <Words view={view} lesson={lesson} />
        ) : (
          <section class="watch" aria-label={t("observer.picture")} ref={screen}>
            <StageView observing={observing} />
            <PictureTools observing={observing} view={playing} screen={screen} />
          </section>
        )}
        {playing !== null && arrangement.value === "side" ? <Border bench={bench} /> : null}
        {playing !== null && arrangement.value === "wide" ? null : (
          <div class="desk">
            {desk === null ? (
              <p class="desk-words">{n("notes.start.personal")}</p>
            ) : (
              <DeskView observing={observing} desk={desk} live={playing !== null} />
            )}
          </div>
        )}
      </main>
    </div>
  );
}

/** After this long without a cell in focus the picture takes its room back. */
const WRITING_RESTS_MS = 700;

/**
 * Whether somebody writes into a cell: on a phone the picture is small meanwhile. It grows again with a delay, because whatever is
 * pressed next takes the focus away at once, and would have moved from under the finger before it is let go.
 */
function useWriting(bench: { current: HTMLElement | null }): boolean {
  const [writing, setWriting] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isCell = (target: EventTarget | null): boolean =>
      target instanceof HTMLTextAreaElement && bench.current?.contains(target) === true;
    const onIn = (event: FocusEvent): void => {
      if (!isCell(event.target)) return;
      clearTimeout(timer);
      setWriting(true);
    };
    const onOut = (event: FocusEvent): void => {
      if (!isCell(event.target)) return;
      clearTimeout(timer);
      timer = setTimeout(() => setWriting(false), WRITING_RESTS_MS);
    };
    document.addEventListener("focusin", onIn);
    document.addEventListener("focusout", onOut);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("focusin", onIn);
      document.removeEventListener("focusout", onOut);
    };
  }, [bench]);
  return writing;
}

/** Why there is no picture: a whole page, or a line above the sheet. */
function Words(props: { view: LessonView; lesson: Lesson | null; gate?: boolean }): JSX.Element {
  const { icon, title, advice, busy } = wordsOf(props.view, props.lesson);
  if (props.gate) {
    return <Gate product={t("common.product")} icon={icon} title={title} advice={advice} busy={busy} />;
  }
  return (
    <div class="bench-words" role="status">
      <Icon svg={icon} />
      <div>
        <p class="bench-title">{title}</p>
        <p>{advice}</p>
      </div>
    </div>
  );
}

function wordsOf(
  view: LessonView,
  lesson: Lesson | null,
): { icon: string; title: string; advice: string; busy: boolean } {
  switch (view.kind) {
    case "connecting":
      return { icon: loader, title: t("link.connecting"), advice: t("observer.connecting.slow"), busy: true };
    case "refused":
      return { icon: link2Off, title: t("link.refused"), advice: t("link.refused.advice"), busy: false };
    case "unplayable":
      return {
        icon: monitorX,
        title: t("observer.unplayable"),
        advice: t("observer.unplayable.advice"),
        busy: false,
      };
    case "ended":
      return {
        icon: circleCheck,
        title: t("observer.ended"),
        advice: `${view.lesson.title}. ${t("observer.ended.advice")}`,
        busy: false,
      };
    default:
      return {
        icon: calendarClock,
        title: lesson === null ? t("observer.none") : lesson.title,
        advice: idleAdvice(lesson),
        busy: false,
      };
  }
}

function idleAdvice(next: Lesson | null): string {
  if (next === null || next.starts_at === null) return t("observer.scheduled.advice");
  const at = new Date(next.starts_at);
  const when = t("observer.starts", { time: formatTime(at), date: formatDate(at, language.value) });
  return `${when}. ${t("observer.scheduled.advice")}`;
}

const ARRANGEMENTS = [
  ["side", columns, "notes.layout.side"],
  ["corner", corner, "notes.layout.corner"],
  ["wide", wide, "notes.layout.wide"],
] as const;

function Arrangements(): JSX.Element {
  return (
    <fieldset class="segments arrangements">
      <legend class="visually-hidden">{n("notes.layout")}</legend>
      {ARRANGEMENTS.map(([kind, icon, word]) => (
        <label key={kind} class="segment" data-chosen={arrangement.value === kind}>
          <input
            type="radio"
            name="arrangement"
            class="visually-hidden"
            checked={arrangement.value === kind}
            onChange={() => arrange(kind, share.value)}
          />
          <Icon svg={icon} />
          <span>{n(word)}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** The border between picture and sheet. */
function Border(props: { bench: { current: HTMLElement | null } }): JSX.Element {
  const drag = (event: PointerEvent): void => {
    const target = event.currentTarget;
    const area = props.bench.current?.getBoundingClientRect();
    if (!(target instanceof Element) || area === undefined || !target.hasPointerCapture(event.pointerId))
      return;
    arrange("side", ((event.clientX - area.left) / area.width) * 100);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a movable separator (WAI-ARIA window splitter) is not an <hr>
    <div
      class="bench-border"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={n("notes.layout.border")}
      aria-valuemin={SHARE.least}
      aria-valuemax={SHARE.most}
      aria-valuenow={share.value}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const percent = shareAfterKey(share.value, event.key);
        if (percent === null) return;
        event.preventDefault();
        arrange("side", percent);
      }}
    />
  );
}

function LessonClock(props: { observing: Observing }): JSX.Element | null {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const clockMs = props.observing.clockMs.value;
  if (clockMs === null) return null;
  return (
    <p class="clock">
      <Icon svg={clock} />
      <span class="visually-hidden">{t("observer.clock")}: </span>
      <span>{formatSpan(clockMs)}</span>
    </p>
  );
}
