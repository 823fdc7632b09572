/** Where each picture goes. Slides are for reading, so they get the room; the teacher stays in sight beside them. */
import type { VideoSlot } from "../shared/protocol.ts";

export type LayoutChoice = "auto" | "slides" | "teacher";

/** `main` with `side-1` and `side-2` beside it; `full` alone; `hidden` not shown (and not asked for). */
export type Area = "full" | "main" | "side-1" | "side-2" | "hidden";

export type Arrangement = { readonly [S in VideoSlot]: Area };

const NOTHING: Arrangement = { program_video: "hidden", slides_video: "hidden", extra_video: "hidden" };

/** @param published the picture slots that carry something now */
export function arrange(published: readonly VideoSlot[], choice: LayoutChoice): Arrangement {
  const has = (slot: VideoSlot): boolean => published.indexOf(slot) >= 0;
  if (choice === "slides" && has("slides_video")) return { ...NOTHING, slides_video: "full" };
  if (choice === "teacher" && has("program_video")) return { ...NOTHING, program_video: "full" };
  const order = (["slides_video", "program_video", "extra_video"] as const).filter(has);
  const areas: readonly Area[] = order.length === 1 ? ["full"] : ["main", "side-1", "side-2"];
  const arranged: { [S in VideoSlot]: Area } = { ...NOTHING };
  order.forEach((slot, index) => {
    arranged[slot] = areas[index] ?? "hidden";
  });
  return arranged;
}
