import calendarClock from "lucide-static/icons/calendar-clock.svg?raw";
import circleAlert from "lucide-static/icons/circle-alert.svg?raw";
import circleCheck from "lucide-static/icons/circle-check.svg?raw";
import clock from "lucide-static/icons/clock.svg?raw";
import link2Off from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import maximize from "lucide-static/icons/maximize.svg?raw";
import minimize from "lucide-static/icons/minimize.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import radio from "lucide-static/icons/radio.svg?raw";
import volume from "lucide-static/icons/volume-2.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import wifi from "lucide-static/icons/wifi.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatDate, formatSpan, formatTime } from "../shared/format.ts";
import type { Lesson, Problem } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle, language } from "../shared/ui/language.tsx";
import { StatePill, type Tone } from "../shared/ui/state-pill.tsx";
import { impossible, type LessonView } from "../shared/viewer-state.ts";
import { Observing } from "./observing.ts";
import { StageView } from "./stage-view.tsx";
import { shortcutOf, type ViewChoice } from "./view.ts";
import { type Key, t } from "./words.ts";

/** How long without the relay before the page gives advice. */
const SLOW_CONNECT_MS = 8000;

/** `token` is `null` when the address brought none. */
export function App(props: { token: string | null }): JSX.Element {
  document.title = `${t("observer.page")} – ${t("common.product")}`;
  if (props.token === null) {
    return (
      <Gate
        product={t("common.product")}
        icon={link2Off}
        title={t("link.missing")}
        advice={t("link.missing.advice")}
      />
    );
  }
  return <Observer token={props.token} />;
}

function Observer(props: { token: string }): JSX.Element {
  const [observing] = useState(() => new Observing(props.token));
  const view = observing.view.value;
  switch (view.kind) {
    case "connecting":
      return (
        <Gate
          product={t("common.product")}
          icon={loader}
          busy
          title={t("link.connecting")}
          advice={
            observing.now.value - view.since > SLOW_CONNECT_MS ? t("observer.connecting.slow") : undefined
          }
        />
      );
    case "refused":
      return view.reason === "replaced" ? (
        <Gate
          product={t("common.product")}
          icon={monitorX}
          title={t("observer.replaced")}
          action={
            <Button kind="primary" onClick={() => window.location.reload()}>
              {t("observer.replaced.action")}
            </Button>
          }
        />
      ) : (
        <Gate
          product={t("common.product")}
          icon={link2Off}
          title={t("link.refused")}
          advice={problemText(view.problem) ?? t("link.refused.advice")}
          code={view.problem?.code ?? view.reason}
        />
      );
    case "unplayable":
      return (
        <Gate
          product={t("common.product")}
          icon={monitorX}
          title={t("observer.unplayable")}
          advice={t("observer.unplayable.advice")}
          code={view.problem?.code}
        />
      );
    case "idle":
      return (
        <Gate
          product={t("common.product")}
          icon={calendarClock}
          title={view.next === null ? t("observer.none") : view.next.title}
          advice={idleAdvice(view.next)}
        />
      );
    case "ended":
      return (
        <Gate
          product={t("common.product")}
          icon={circleCheck}
          title={t("observer.ended")}
          advice={`${view.lesson.title}. ${t("observer.ended.advice")}`}
        />
      );
    case "waiting":
    case "watching":
      return <Watching observing={observing} view={view} />;
    default:
      return impossible(view);
  }
}

function idleAdvice(next: Lesson | null): string {
  if (next === null || next.starts_at === null) return t("observer.scheduled.advice");
  const at = new Date(next.starts_at);
  const when = t("observer.starts", { time: formatTime(at), date: formatDate(at, language.value) });
  return `${when}. ${t("observer.scheduled.advice")}`;
}

function problemText(problem: Problem | null): string | null {
  if (problem === null) return null;
  const text = language.value === "vi" ? problem.detail_vi : problem.detail;
  return text === "" ? null : text;
}

type OpenView = Extract<LessonView, { kind: "waiting" | "watching" }>;

function Watching(props: { observing: Observing; view: OpenView }): JSX.Element {
  const { observing, view } = props;
  const screen = useRef<HTMLElement>(null);
  const fullscreen = useFullscreen();
  const toggleFullscreen = (): void => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else void screen.current?.requestFullscreen();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
      const shortcut = shortcutOf(event.key);
      if (shortcut === null) return;
      event.preventDefault();
      if (shortcut.kind === "view") observing.choice.value = shortcut.choice;
      else if (shortcut.kind === "sound") observing.toggleSound();
      else toggleFullscreen();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [observing]);
  return (
    <div class="observer">
      <header class="bar">
        <p class="bar-product">{t("observer.page")}</p>
        <h1 class="bar-title">{view.lesson.title}</h1>
        {view.rehearsal ? (
          <StatePill tone="idle" icon={radio}>
            {t("lesson.test_run")}
          </StatePill>
        ) : (
          <StatePill tone="live" icon={radio}>
            {t("lesson.live")}
          </StatePill>
        )}
        <LessonClock observing={observing} />
        <LanguageToggle />
      </header>
      <main class="watch" ref={screen}>
        <StageView observing={observing} />
        <div class="tools">
          <ViewButtons observing={observing} />
          <SoundButton observing={observing} />
          {document.fullscreenEnabled ? (
            <Button kind="quiet" icon={fullscreen ? minimize : maximize} onClick={toggleFullscreen}>
              {t(fullscreen ? "observer.fullscreen.leave" : "observer.fullscreen")}
            </Button>
          ) : null}
          <span class="tools-space" />
          <LinkPill view={view} />
        </div>
        <p class="keys">{t("observer.keys")}</p>
      </main>
    </div>
  );
}

function LessonClock(props: { observing: Observing }): JSX.Element | null {
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

const CHOICES = [
  ["teacher", "observer.view.teacher"],
  ["slides", "observer.view.slides"],
  ["both", "observer.view.both"],
  ["pupils", "observer.view.pupils"],
] as const satisfies readonly (readonly [ViewChoice, Key])[];

function ViewButtons(props: { observing: Observing }): JSX.Element {
  const { choice, published } = props.observing;
  const offered = CHOICES.filter(([kind]) => kind !== "pupils" || published.value.includes("extra_video"));
  return (
    <fieldset class="segments">
      <legend class="visually-hidden">{t("observer.view")}</legend>
      {offered.map(([kind, word]) => (
        <label key={kind} class="segment" data-chosen={choice.value === kind}>
          <input
            type="radio"
            name="view"
            class="visually-hidden"
            checked={choice.value === kind}
            onChange={() => {
              choice.value = kind;
            }}
          />
          {t(word)}
        </label>
      ))}
    </fieldset>
  );
}

function SoundButton(props: { observing: Observing }): JSX.Element {
  const { observing } = props;
  const off = observing.muted.value || observing.facts.value.sound === "blocked";
  return (
    <Button icon={off ? volumeX : volume} onClick={() => observing.toggleSound()}>
      {t(off ? "observer.sound.on" : "observer.sound.off")}
    </Button>
  );
}

/** The connection in one word, always in sight. */
function LinkPill(props: { view: OpenView }): JSX.Element {
  const { tone, icon, word } = linkWords(props.view);
  return (
    <StatePill tone={tone} icon={icon} announce>
      {t(word)}
    </StatePill>
  );
}

function linkWords(view: OpenView): { tone: Tone; icon: string; word: Key } {
  const { trouble } = view;
  if (trouble === null) {
    return view.kind === "watching"
      ? { tone: "ok", icon: wifi, word: "observer.link.good" }
      : { tone: "idle", icon: loader, word: "observer.link.opening" };
  }
  switch (trouble.kind) {
    case "lost":
      return { tone: "bad", icon: wifiOff, word: "observer.link.reconnecting" };
    case "frozen":
      return { tone: "warn", icon: circleAlert, word: "observer.link.frozen" };
    case "teacher_away":
      return { tone: "warn", icon: circleAlert, word: "observer.link.away" };
    default:
      return impossible(trouble);
  }
}

function useFullscreen(): boolean {
  const [fullscreen, setFullscreen] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const onChange = (): void => setFullscreen(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", onChange);
    return () => document.removeEventListener("fullscreenchange", onChange);
  }, []);
  return fullscreen;
}

/** Whether a key belongs to what somebody is writing. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && target.type !== "radio" && target.type !== "checkbox";
}
