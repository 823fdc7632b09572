/**
 * Where each picture goes. What is for reading gets the room; the teacher stays in sight beside it; a class that speaks stands
 * beside the teacher as large as she is.
 */
import type { VideoSlot } from "../shared/protocol.ts";

export type LayoutChoice = "auto" | "slides" | "teacher";

/** Everything that can stand on the stage: the slots, the room's own camera, works of pupils. */
export type PictureName = VideoSlot | "own" | "works";

/** `main` with `side-1` and `side-2` beside it; `half-1` and `half-2`; `full` alone; `hidden` not shown (and not asked for). */
export type Area = "full" | "half-1" | "half-2" | "main" | "side-1" | "side-2" | "hidden";

export type Arrangement = { readonly [P in PictureName]: Area };

export interface StageFacts {
  /** The picture slots that carry something now. */
  readonly published: readonly VideoSlot[];
  /** `extra_video` is a class that speaks, not the host's second camera. */
  readonly classSpeaks: boolean;
  /** This room speaks with its screen's own camera. */
  readonly own: boolean;
  /** Works of pupils are shown. */
  readonly works: boolean;
}

const NOTHING: Arrangement = {
  program_video: "hidden",
  slides_video: "hidden",
  extra_video: "hidden",
  own: "hidden",
  works: "hidden",
};

export function arrange(facts: StageFacts, choice: LayoutChoice): Arrangement {
  const { published, own, works } = facts;
  const has = (slot: VideoSlot): boolean => published.indexOf(slot) >= 0;
  const speaks = own || (facts.classSpeaks && has("extra_video"));
  // A choice is about slides and teacher; a class that speaks and works that are discussed are part of the lesson.
  if (!speaks && !works) {
    if (choice === "slides" && has("slides_video")) return { ...NOTHING, slides_video: "full" };
    if (choice === "teacher" && has("program_video")) return { ...NOTHING, program_video: "full" };
  }
  const order = orderOf(facts, has);
  const reading = order[0] === "works" || order[0] === "slides_video";
  let areas: readonly Area[] = ["main", "side-1", "side-2"];
  if (order.length === 1) areas = ["full"];
  else if (speaks && !reading) areas = ["half-1", "half-2"];
  const arranged: { [P in PictureName]: Area } = { ...NOTHING };
  order.forEach((picture, index) => {
    arranged[picture] = areas[index] ?? "hidden";
  });
  if (works && order.length === 1) arranged.works = "full";
  return arranged;
}

/** What is there, the most important first. */
function orderOf(facts: StageFacts, has: (slot: VideoSlot) => boolean): readonly PictureName[] {
  const { own, works, classSpeaks } = facts;
  const speaker: PictureName | null = own ? "own" : classSpeaks && has("extra_video") ? "extra_video" : null;
  const second: PictureName | null = !classSpeaks && has("extra_video") ? "extra_video" : null;
  const teacher: PictureName | null = has("program_video") ? "program_video" : null;
  const slides: PictureName | null = has("slides_video") ? "slides_video" : null;
  const order = works
    ? ["works" as const, speaker, teacher, slides, second]
    : slides !== null
      ? [slides, speaker, teacher, second]
      : // Side by side: the teacher on the left, where she was before.
        [teacher, speaker, second];
  return order.filter((picture): picture is PictureName => picture !== null);
}
