/**
 * What stands between the teacher and a good lesson, and the one thing to press next.
 *
 * Pure: facts come in, four lines and one primary action go out.
 */
import type { LessonState } from "../shared/protocol.ts";

/** The test that a voice is really heard: record three seconds, play them back, ask. */
export type SoundCheck =
  | { kind: "untested" }
  | { kind: "recording" }
  | { kind: "playing" }
  /** Played back; waiting for the teacher's word. */
  | { kind: "asked" }
  | { kind: "heard" }
  | { kind: "failed"; cause: SoundFailure };

export type SoundFailure =
  /** The recording held nothing but silence. */
  | "silent"
  /** The teacher did not hear herself well. */
  | "unclear"
  /** The browser could not record or play. */
  | "broken";

export type SoundEvent =
  | { type: "record" }
  | { type: "recorded"; silent: boolean }
  | { type: "played" }
  | { type: "answered"; clear: boolean }
  | { type: "broke" }
  /** Another microphone was chosen, or it was unplugged. */
  | { type: "microphone_changed" };

/** Next state of the sound check; an event that makes no sense now changes nothing. */
export function soundCheck(state: SoundCheck, event: SoundEvent): SoundCheck {
  switch (event.type) {
    case "record":
      return state.kind === "recording" || state.kind === "playing" ? state : { kind: "recording" };
    case "recorded":
      if (state.kind !== "recording") return state;
      return event.silent ? { kind: "failed", cause: "silent" } : { kind: "playing" };
    case "played":
      return state.kind === "playing" ? { kind: "asked" } : state;
    case "answered":
      if (state.kind !== "asked" && state.kind !== "playing") return state;
      return event.clear ? { kind: "heard" } : { kind: "failed", cause: "unclear" };
    case "broke":
      return { kind: "failed", cause: "broken" };
    case "microphone_changed":
      return { kind: "untested" };
    default:
      return event satisfies never;
  }
}

/** How far a camera or microphone is. */
export type SourceKind = "off" | "opening" | "on" | "failed";

export interface ChecklistFacts {
  readonly camera: SourceKind;
  readonly microphone: SourceKind;
  /** Switched off by the teacher, which is a wish and no fault. */
  readonly cameraOffByWish: boolean;
  readonly muted: boolean;
  readonly sound: SoundCheck;
  readonly slides: boolean;
  /** `null` until the server has said. */
  readonly places: { readonly connected: number; readonly total: number } | null;
  readonly lesson: LessonState;
}

export type CheckName = "picture" | "sound" | "slides" | "places";
/** `todo`: next or later; `open`: not needed to begin. */
export type CheckState = "todo" | "working" | "ok" | "problem" | "open";

export interface Check {
  readonly name: CheckName;
  readonly state: CheckState;
}

/** The one button that is painted as the next thing to press. */
export type PrimaryAction = "open_devices" | "record" | "say_heard" | "start" | "wait";

export interface Checklist {
  readonly checks: readonly Check[];
  readonly primary: PrimaryAction;
  /** Everything needed is done; starting earlier is possible all the same. */
  readonly ready: boolean;
}

export function checklist(facts: ChecklistFacts): Checklist {
  const checks: Check[] = [
    { name: "picture", state: pictureState(facts) },
    { name: "sound", state: soundState(facts) },
    { name: "slides", state: facts.slides ? "ok" : "open" },
    { name: "places", state: placesState(facts) },
  ];
  const primary = primaryAction(facts);
  return { checks, primary, ready: primary === "start" };
}

function pictureState({ camera, cameraOffByWish }: ChecklistFacts): CheckState {
  switch (camera) {
    case "on":
      return "ok";
    case "opening":
      return "working";
    case "failed":
      return "problem";
    case "off":
      return cameraOffByWish ? "open" : "todo";
    default:
      return camera satisfies never;
  }
}

function soundState({ microphone, sound, muted }: ChecklistFacts): CheckState {
  if (microphone === "failed" || sound.kind === "failed") return "problem";
  if (microphone === "opening" || sound.kind === "recording" || sound.kind === "playing") return "working";
  if (microphone === "off") return "todo";
  // A voice that was heard and is muted now would start the lesson in silence.
  if (muted) return "problem";
  return sound.kind === "heard" ? "ok" : "todo";
}

function placesState({ places }: ChecklistFacts): CheckState {
  if (places === null) return "working";
  if (places.connected === 0) return "todo";
  return places.connected >= places.total ? "ok" : "open";
}

function primaryAction(facts: ChecklistFacts): PrimaryAction {
  const { camera, microphone, sound } = facts;
  if (camera === "opening" || microphone === "opening") return "wait";
  // Without a voice there is no lesson; without a picture there still is one.
  if (microphone === "off" || microphone === "failed") return "open_devices";
  switch (sound.kind) {
    case "untested":
    case "failed":
      return "record";
    case "recording":
    case "playing":
      return "wait";
    case "asked":
      return "say_heard";
    case "heard":
      return "start";
    default:
      return sound satisfies never;
  }
}
