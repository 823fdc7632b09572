/** Which pictures an observer sees and where the border between two of them stands. Pure. */
import { VIDEO_SLOTS, type VideoSlot } from "../shared/protocol.ts";
import type { LessonView, ViewerFacts } from "../shared/viewer-state.ts";

export type ViewChoice = "teacher" | "slides" | "both" | "pupils";

const SLOT_OF = {
  teacher: "program_video",
  slides: "slides_video",
  pupils: "extra_video",
} as const satisfies { [choice in Exclude<ViewChoice, "both">]: VideoSlot };

/**
 * Slots to show, left to right; one or two. Empty when nothing of the choice is published.
 *
 * @param classSpeaks `extra_video` is a class that speaks: everybody looks at it, so it is one of two pictures
 */
export function shownSlots(
  choice: ViewChoice,
  published: readonly VideoSlot[],
  classSpeaks = false,
): readonly VideoSlot[] {
  if (choice !== "both") return published.filter((slot) => slot === SLOT_OF[choice]);
  if (classSpeaks && published.includes("extra_video")) {
    const beside = (["slides_video", "program_video"] as const).find((slot) => published.includes(slot));
    return beside === undefined ? ["extra_video"] : [beside, "extra_video"];
  }
  const order: readonly VideoSlot[] = ["slides_video", "program_video", "extra_video"];
  return order.filter((slot) => published.includes(slot)).slice(0, 2);
}

/** Whether the lesson is on, or may be, and its first picture is not there yet. */
export function isPictureComing(view: LessonView, facts: Pick<ViewerFacts, "pictures">): boolean {
  if (view.kind === "connecting" || view.kind === "waiting") return true;
  return view.kind === "watching" && !VIDEO_SLOTS.some((slot) => facts.pictures[slot]?.seen === true);
}

/** Two pictures of 16:9 are larger above each other wherever the box is higher than 16:9 itself; nearly there they stay beside. */
export function isStacked(width: number, height: number): boolean {
  return width < height * 1.6;
}

/** Share of the left (stacked: upper) picture, in percent. */
export const SPLIT = { least: 20, most: 80, usual: 66, step: 4 } as const;

export function clampSplit(percent: number): number {
  return Math.round(Math.min(SPLIT.most, Math.max(SPLIT.least, percent)));
}

/** Where the arrow keys, Home and End move the border; `null` for other keys. */
export function splitAfterKey(percent: number, key: string): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowUp":
      return clampSplit(percent - SPLIT.step);
    case "ArrowRight":
    case "ArrowDown":
      return clampSplit(percent + SPLIT.step);
    case "Home":
      return SPLIT.least;
    case "End":
      return SPLIT.most;
    default:
      return null;
  }
}

export type Shortcut = { kind: "view"; choice: ViewChoice } | { kind: "sound" } | { kind: "fullscreen" };

/** Single-key shortcuts; the caller leaves them out while somebody types. */
export function shortcutOf(key: string): Shortcut | null {
  switch (key.toLowerCase()) {
    case "1":
      return { kind: "view", choice: "teacher" };
    case "2":
      return { kind: "view", choice: "slides" };
    case "3":
      return { kind: "view", choice: "both" };
    case "4":
      return { kind: "view", choice: "pupils" };
    case "m":
      return { kind: "sound" };
    case "f":
      return { kind: "fullscreen" };
    default:
      return null;
  }
}
