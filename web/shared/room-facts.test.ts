import { expect, test } from "vitest";
import type { Turn } from "./lesson-protocol.ts";
import { type FloorNews, NO_ROOM, pictured, reduceRoom, slotsForRoom, speaker } from "./room-facts.ts";

const EVERYTHING = {
  program_video: { codec: "vp8" },
  program_audio: { codec: "opus" },
  extra_video: { codec: "vp8" },
  extra_audio: { codec: "opus" },
};

function floor(turn: Partial<Turn> | null, pinned: FloorNews["pinned"] = null): FloorNews {
  const spoken = {
    place: "A",
    name: "Lớp 9A",
    phase: "on_air",
    since: 0,
    muted: false,
    audio_only: false,
    device: "tv",
  } as const;
  return { turns: turn === null ? [] : [{ ...spoken, ...turn }], word: turn === null ? null : "A", pinned };
}

const slots = (news: FloorNews, place: string): string =>
  Object.keys(slotsForRoom(EVERYTHING, news, place))
    .sort()
    .join(" ");

test("a class that speaks neither sees nor hears itself come back, others do", () => {
  expect(slots(floor({}), "A")).toBe("program_audio program_video");
  expect(slots(floor({}), "B")).toBe("extra_audio extra_video program_audio program_video");
});

test("a class speaking without picture still sees the teacher's second camera", () => {
  expect(slots(floor({ audio_only: true }), "A")).toBe("extra_video program_audio program_video");
});

test("a muted class hears the sound of the slides again", () => {
  expect(slots(floor({ muted: true }), "A")).toBe("extra_audio program_audio program_video");
});

test("pupils' camera goes to observers, never to classrooms", () => {
  const pinned = { place: "C", name: "Lớp 9C", phase: "open" } as const;
  expect(slots(floor(null, pinned), "B")).toBe("extra_audio program_audio program_video");
  expect(pictured(floor(null, pinned))).toMatchObject({ place: "C", why: "pinned" });
  // While somebody speaks, her picture goes first.
  expect(pictured(floor({}, pinned))).toMatchObject({ place: "A", why: "speaks" });
});

test("nobody speaks before the camera and microphone are connected", () => {
  expect(speaker(floor({ phase: "accepted" }))).toBeNull();
  expect(speaker(floor({}))).toMatchObject({ name: "Lớp 9A" });
});

test("news of other things changes nothing", () => {
  expect(reduceRoom(NO_ROOM, { type: "pong" })).toBe(NO_ROOM);
});
