/** *Chạy thử* on this screen: when the check runs by itself, what it waits for, what it found. Pure. */
import type { CheckResult, CheckVerdict } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";

export type CheckStep = "path" | "rate" | "decode" | "devices" | "sending";

export type CheckState =
  | { kind: "none" }
  | { kind: "running"; lesson: string; step: CheckStep }
  /** Measured; only a person can say whether the sound was heard. `sound`: how far that is. */
  | {
      kind: "done";
      lesson: string;
      result: CheckResult;
      verdict: CheckVerdict;
      sound: "untested" | "playing" | "asked" | "answered";
    }
  /** The relay could not be told. */
  | { kind: "failed"; lesson: string };

export type CheckEvent =
  | { type: "step"; lesson: string; step: CheckStep }
  | { type: "done"; lesson: string; result: CheckResult; verdict: CheckVerdict }
  | { type: "failed"; lesson: string }
  | { type: "sound"; sound: "playing" | "asked" }
  | { type: "heard"; result: CheckResult; verdict: CheckVerdict }
  | { type: "forget" };

export function reduceCheck(state: CheckState, event: CheckEvent): CheckState {
  switch (event.type) {
    case "step":
      return { kind: "running", lesson: event.lesson, step: event.step };
    case "done": {
      const { lesson, result, verdict } = event;
      return {
        kind: "done",
        lesson,
        result,
        verdict,
        sound: result.sound_heard === undefined ? "untested" : "answered",
      };
    }
    case "failed":
      return { kind: "failed", lesson: event.lesson };
    case "sound":
      return state.kind === "done" ? { ...state, sound: event.sound } : state;
    case "heard":
      return state.kind === "done"
        ? { ...state, result: event.result, verdict: event.verdict, sound: "answered" }
        : state;
    case "forget":
      return { kind: "none" };
    default:
      return event satisfies never;
  }
}

/** Whether the organiser asks this screen to check itself, and it has not done so for this lesson yet. */
export function shouldCheck(state: CheckState, lesson: Lesson | null, online: boolean): boolean {
  if (lesson === null || lesson.rehearsal !== true || !online) return false;
  // During a lesson measuring would take the line from the class.
  if (lesson.state === "live" || lesson.state === "ended") return false;
  return state.kind === "none" || state.lesson !== lesson.id;
}

/** Two hundred screens that are asked at once must not measure each other: each waits its own moment, ms. */
export function checkDelayMs(random: number): number {
  return Math.round(random * 8000);
}
