/** Reads the checklist's facts out of the room's signals; a component that calls it follows them. */
import type { Lesson } from "../shared/protocol.ts";
import type { ChecklistFacts } from "./checklist.ts";
import type { HostRoom } from "./room.ts";
import type { Voice } from "./voice.ts";

export function factsOf(room: HostRoom, voice: Voice, lesson: Lesson): ChecklistFacts {
  const { sources } = room;
  const roster = room.roster.value;
  return {
    camera: sources.camera.value.kind,
    microphone: sources.microphone.value.kind,
    cameraOffByWish: sources.microphone.value.kind === "on" && !sources.wants("camera"),
    muted: sources.muted.value,
    sound: voice.check.value,
    slides: sources.slides.value.kind === "on",
    places: roster === null ? null : { connected: roster.connected, total: roster.total },
    lesson: lesson.state,
  };
}
