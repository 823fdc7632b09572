/** What the TV knows and what it therefore shows; pure. */
import type { Lang, Lesson, Problem, VideoSlot } from "../shared/protocol.ts";
import { VIDEO_SLOTS } from "../shared/protocol.ts";
import { impossible, type LessonView, lessonView, type ViewerFacts } from "../shared/viewer-state.ts";
import { NO_SAVER, type Saver, type ShownStill } from "../shared/weak-link.ts";
import { type Answer, type Ask, answersTo, askKey, askOf, backAnswer } from "./asks.ts";
import { type CheckEvent, type CheckState, reduceCheck } from "./check-state.ts";
import type { RemoteKey } from "./keys.ts";
import type { LayoutChoice } from "./layout.ts";
import {
  focusedAction,
  moveFocus,
  OPENED,
  type SettingsContext,
  type SettingsState,
  settingsRows,
} from "./settings.ts";

export interface PairingFacts {
  /** Six digits; `null` while none has been given. */
  readonly code: string | null;
  readonly reachable: boolean;
}

export interface TvFacts {
  readonly lang: Lang;
  /** Whether the browser has WebRTC at all. */
  readonly supported: boolean;
  /** The place's token; `null` before pairing. */
  readonly token: string | null;
  /** The link this screen was opened with has stopped working. */
  readonly linkDied: boolean;
  readonly pairing: PairingFacts;
  readonly viewer: ViewerFacts | null;
  readonly layout: LayoutChoice;
  readonly muted: boolean;
  readonly settings: SettingsState | null;
  readonly fullscreenPossible: boolean;
  /** Picture slots last published: they stay on screen, dimmed, while the teacher is away. */
  readonly lastPublished: readonly VideoSlot[];
  /** The lesson that was seen to end here. The relay goes on to the next one at once; the thanks stay for a while. */
  readonly ended: { readonly lesson: Lesson; readonly at: number } | null;
  /** Address for the QR code that phones scan; `null` while there is none. */
  readonly ticket: string | null;
  readonly camera: CameraFacts;
  readonly check: CheckState;
  /** Of the page, 0 to 1. */
  readonly volume: number;
  readonly note: Note | null;
  /** What a person allows this screen to use. */
  readonly saver: Saver;
  /** The slide as a still image, fetched. */
  readonly still: ShownStill | null;
  /** Which answer of which question has the focus. */
  readonly focus: { readonly key: string; readonly at: number };
}

export interface CameraFacts {
  /** This browser could open a camera and microphone. */
  readonly able: boolean;
  /** A person said that this screen's may be used. */
  readonly willing: boolean;
  readonly state: "off" | "opening" | "on" | "failed";
  /** Why it failed, in the glossary's words for device problems. */
  readonly problem: string | null;
  /** There is a picture to show. */
  readonly picture: boolean;
}

/** A line that leaves by itself: what a push of a button did. */
export interface Note {
  readonly kind: "volume" | "loudest" | "test";
  readonly at: number;
}

/** How long a note stays. */
const NOTE_MS = 4000;

export function noteNow(facts: TvFacts, now: number): Note | null {
  return facts.note !== null && now - facts.note.at < NOTE_MS ? facts.note : null;
}

export type TvEvent =
  | { type: "ticket"; url: string | null }
  | { type: "camera"; camera: CameraFacts }
  | { type: "check"; event: CheckEvent }
  | { type: "volume"; volume: number; at: number }
  | { type: "note"; note: Note }
  | { type: "focus"; key: string; at: number }
  | { type: "language"; lang: Lang }
  | { type: "token"; token: string | null; linkDied: boolean }
  | { type: "pairing"; pairing: PairingFacts }
  | { type: "viewer"; viewer: ViewerFacts | null; at: number }
  | { type: "layout"; layout: LayoutChoice }
  | { type: "muted"; muted: boolean }
  | { type: "saver"; saver: Saver }
  | { type: "still"; still: ShownStill | null }
  | { type: "settings"; settings: SettingsState | null };

export function initialTv(options: {
  lang: Lang;
  supported: boolean;
  token: string | null;
  fullscreenPossible: boolean;
  ableToSpeak?: boolean;
  saver?: Saver;
}): TvFacts {
  const { ableToSpeak, saver, ...rest } = options;
  return {
    saver: saver ?? NO_SAVER,
    still: null,
    ...rest,
    linkDied: false,
    pairing: { code: null, reachable: true },
    viewer: null,
    layout: "auto",
    muted: false,
    settings: null,
    lastPublished: [],
    ended: null,
    ticket: null,
    camera: { able: ableToSpeak === true, willing: false, state: "off", problem: null, picture: false },
    check: { kind: "none" },
    volume: 1,
    note: null,
    focus: { key: "", at: 0 },
  };
}

export function reduceTv(facts: TvFacts, event: TvEvent): TvFacts {
  switch (event.type) {
    case "language":
      return { ...facts, lang: event.lang };
    case "token":
      return {
        ...facts,
        token: event.token,
        linkDied: event.linkDied,
        pairing: { code: null, reachable: true },
        settings: null,
        lastPublished: [],
        ended: null,
        ticket: null,
        check: { kind: "none" },
      };
    case "ticket":
      return { ...facts, ticket: event.url };
    case "camera":
      return { ...facts, camera: event.camera };
    case "check":
      return { ...facts, check: reduceCheck(facts.check, event.event) };
    case "volume": {
      const full = event.volume >= 1 && facts.volume >= 1;
      return { ...facts, volume: event.volume, note: { kind: full ? "loudest" : "volume", at: event.at } };
    }
    case "note":
      return { ...facts, note: event.note };
    case "focus":
      return { ...facts, focus: { key: event.key, at: event.at } };
    case "pairing":
      return { ...facts, pairing: event.pairing };
    case "viewer":
      return reduceViewerChange(facts, event.viewer, event.at);
    case "layout":
      return { ...facts, layout: event.layout };
    case "muted":
      return { ...facts, muted: event.muted };
    case "saver":
      return { ...facts, saver: event.saver };
    case "still":
      return { ...facts, still: event.still };
    case "settings":
      return { ...facts, settings: event.settings };
    default:
      return impossible(event);
  }
}

function reduceViewerChange(facts: TvFacts, viewer: ViewerFacts | null, at: number): TvFacts {
  if (viewer === null) return { ...facts, viewer, lastPublished: [], ended: null };
  const published = VIDEO_SLOTS.filter((slot) => viewer.slots[slot] !== undefined);
  const anything = Object.keys(viewer.slots).length > 0;
  return {
    ...facts,
    viewer,
    lastPublished: anything || !wasWatching(viewer) ? published : facts.lastPublished,
    ended: endedAfter(facts, viewer, at),
  };
}

function endedAfter(facts: TvFacts, viewer: ViewerFacts, at: number): TvFacts["ended"] {
  const { lesson } = viewer;
  if (lesson === null || lesson.state === "scheduled") return facts.ended;
  if (lesson.state !== "ended") return null;
  return facts.ended?.lesson.id === lesson.id ? facts.ended : { lesson, at };
}

function wasWatching(viewer: ViewerFacts): boolean {
  return lessonView(viewer).kind === "watching";
}

/** The one thing on the screen. */
export type TvScreen =
  | { kind: "unsupported" }
  | { kind: "pairing"; code: string | null; reachable: boolean; linkDied: boolean }
  /** The same place was opened on another screen, which took over. */
  | { kind: "elsewhere" }
  /** Refused for a reason that pairing again would not cure. */
  | { kind: "refused"; problem: Problem | null }
  | Exclude<LessonView, { kind: "refused" }>;

/** Long enough to be read by a class that is packing up. */
const THANKS_MS = 3 * 60_000;

export function tvScreen(facts: TvFacts, now: number): TvScreen {
  if (!facts.supported) return { kind: "unsupported" };
  if (facts.token === null || facts.viewer === null) {
    return { kind: "pairing", ...facts.pairing, linkDied: facts.linkDied };
  }
  const view = lessonView(facts.viewer);
  if (view.kind === "refused") {
    return view.reason === "replaced" ? { kind: "elsewhere" } : { kind: "refused", problem: view.problem };
  }
  if (view.kind !== "ended" && view.kind !== "idle") return view;
  if (facts.ended !== null && now - facts.ended.at < THANKS_MS) {
    return { kind: "ended", lesson: facts.ended.lesson };
  }
  if (view.kind === "ended") return { kind: "idle", next: null, offlineSince: facts.viewer.offlineSince };
  return view;
}

/** Whether the relay's refusal means that this link is dead and the screen should pair again. */
export function linkIsDead(viewer: ViewerFacts): boolean {
  if (viewer.signal.kind !== "refused") return false;
  const { reason } = viewer.signal;
  return reason === "unauthorized" || reason === "revoked" || reason === "removed";
}

export type TvCommand =
  | { kind: "unblock_sound" }
  | { kind: "set_muted"; muted: boolean }
  | { kind: "take_over" }
  | { kind: "settings"; settings: SettingsState | null }
  | { kind: "language"; lang: Lang }
  | { kind: "layout"; layout: LayoutChoice }
  | { kind: "saver"; kbps: number | null }
  | { kind: "megabytes"; mb: number | null }
  | { kind: "fullscreen" }
  | { kind: "unpair" }
  | { kind: "answer"; answer: Answer }
  | { kind: "focus"; key: string; at: number }
  | { kind: "hand"; up: boolean }
  | { kind: "camera"; on: boolean }
  | { kind: "run_check" }
  | { kind: "test_sound" };

/** What the room is asked on this screen now. */
export function currentAsk(facts: TvFacts): Ask | null {
  if (facts.token === null || facts.viewer === null || facts.viewer.signal.kind === "refused") return null;
  const { rooms, lesson } = facts.viewer;
  return askOf({ rooms, lesson, check: facts.check, able: facts.camera.able });
}

/** Position of the answer under the focus. */
export function askFocus(facts: TvFacts, ask: Ask): number {
  if (facts.focus.key === askKey(ask))
    return Math.min(facts.focus.at, Math.max(0, answersTo(ask).length - 1));
  // An answer that was given is where the focus comes back to.
  return ask.kind === "question" ? (ask.chosen ?? 0) : 0;
}

/** What the settings depend on. */
export function settingsContext(facts: TvFacts): SettingsContext {
  const lesson = facts.viewer?.lesson ?? null;
  const onAir = lesson !== null && (lesson.state === "live" || lesson.state === "test_run");
  const room = facts.viewer?.rooms.room ?? null;
  return {
    paired: facts.token !== null,
    fullscreenPossible: facts.fullscreenPossible,
    hand: onAir && room !== null && room.turn === null ? (room.hand === null ? "down" : "up") : null,
    camera: facts.camera.able,
    check: lesson !== null && lesson.state !== "ended" && !onAir,
  };
}

/** What a key means now; `null` = nothing, leave it to the browser. */
export function commandFor(facts: TvFacts, key: RemoteKey, now: number): TvCommand | null {
  if (key === "mute") return facts.token === null ? null : { kind: "set_muted", muted: !facts.muted };
  if (key === "fullscreen") return { kind: "fullscreen" };
  if (facts.settings !== null) return settingsCommand(facts, facts.settings, key);
  const screen = tvScreen(facts, now);
  if (key === "ok" && screen.kind === "elsewhere") return { kind: "take_over" };
  if (key === "ok" && facts.viewer?.sound === "blocked") return { kind: "unblock_sound" };
  const ask = currentAsk(facts);
  const asked = ask === null ? null : askCommand(facts, ask, key);
  if (asked !== null) return asked;
  if (key !== "ok") return null;
  if (facts.viewer?.sound === "muted") return { kind: "set_muted", muted: false };
  return { kind: "settings", settings: OPENED };
}

/** What a key means while the room is asked something; `null`: what it always means. */
function askCommand(facts: TvFacts, ask: Ask, key: RemoteKey): TvCommand | null {
  const answers = answersTo(ask);
  const focus = askFocus(facts, ask);
  switch (key) {
    case "ok": {
      const answer = answers[focus];
      return answer === undefined ? null : { kind: "answer", answer };
    }
    case "left":
    case "right": {
      if (answers.length === 0) return null;
      const at = Math.min(answers.length - 1, Math.max(0, focus + (key === "left" ? -1 : 1)));
      return { kind: "focus", key: askKey(ask), at };
    }
    case "back": {
      const answer = backAnswer(ask);
      return answer === null ? null : { kind: "answer", answer };
    }
    case "up":
      return { kind: "settings", settings: OPENED };
    case "down":
    case "mute":
    case "fullscreen":
      return null;
    default:
      return impossible(key);
  }
}

function settingsCommand(facts: TvFacts, settings: SettingsState, key: RemoteKey): TvCommand | null {
  const rows = settingsRows(settingsContext(facts));
  switch (key) {
    case "up":
    case "down":
    case "left":
    case "right":
      return { kind: "settings", settings: moveFocus(settings, rows, key) };
    case "back":
      return { kind: "settings", settings: null };
    case "ok": {
      const action = focusedAction(settings, rows);
      if (action === null || action.kind === "close") return { kind: "settings", settings: null };
      if (action.kind === "sound") return { kind: "set_muted", muted: !action.on };
      if (action.kind === "pair") {
        return settings.armed
          ? { kind: "unpair" }
          : { kind: "settings", settings: { ...settings, armed: true } };
      }
      return action;
    }
    case "mute":
    case "fullscreen":
      return null;
    default:
      return impossible(key);
  }
}
