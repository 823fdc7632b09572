/** What stands below the picture: which picture, sound, full screen, and how the connection is. */
import circleAlert from "lucide-static/icons/circle-alert.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import maximize from "lucide-static/icons/maximize.svg?raw";
import minimize from "lucide-static/icons/minimize.svg?raw";
import volume from "lucide-static/icons/volume-2.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import wifi from "lucide-static/icons/wifi.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { StatePill, type Tone } from "../shared/ui/state-pill.tsx";
import { impossible, type LessonView } from "../shared/viewer-state.ts";
import type { Observing } from "./observing.ts";
import { shortcutOf, type ViewChoice } from "./view.ts";
import { type Key, t } from "./words.ts";

export type OpenView = Extract<LessonView, { kind: "waiting" | "watching" }>;

export function PictureTools(props: {
  observing: Observing;
  view: OpenView;
  screen: { current: HTMLElement | null };
}): JSX.Element {
  const { observing, view, screen } = props;
  const fullscreen = useFullscreen();
  const toggleFullscreen = (): void => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else void screen.current?.requestFullscreen();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isTyping(event.target))
        return;
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
    case "sound_only":
      return { tone: "warn", icon: circleAlert, word: "observer.sound_only" };
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
