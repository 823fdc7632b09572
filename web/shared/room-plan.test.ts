import { expect, test } from "vitest";
import type { Turn } from "./lesson-protocol.ts";
import type { RoomNews } from "./room-facts.ts";
import { type PlanFacts, roomPlan, UplinkWatch } from "./room-plan.ts";

const ROOM: RoomNews = {
  place: "A",
  hand: null,
  turn: null,
  word: false,
  pinned: null,
  may_connect: true,
  help: [],
  answer: null,
  helpers: 0,
};
const TURN: Turn = {
  place: "A",
  phase: "on_air",
  since: 0,
  muted: false,
  audio_only: false,
  device: "tv",
};

function plan(room: Partial<RoomNews>, facts: Partial<PlanFacts> = {}): string {
  const now = roomPlan({
    room: { ...ROOM, ...room },
    device: "tv",
    willing: true,
    expecting: false,
    showing: false,
    ...facts,
  });
  const parts = Object.entries(now).flatMap(([name, is]) => (is ? [name] : []));
  return parts.join(" ") || "nothing";
}

test("a raised hand among the first connects, and nothing is filmed", () => {
  expect(plan({ hand: { since: 0, position: 1 } })).toBe("connect");
  expect(plan({ hand: { since: 0, position: 9 }, may_connect: false })).toBe("nothing");
});

test("a device nobody allowed opens nothing by itself, not even when the class is called", () => {
  expect(plan({ hand: { since: 0, position: 1 } }, { willing: false })).toBe("nothing");
  expect(plan({ turn: { ...TURN, phase: "called", device: null } }, { willing: false })).toBe("nothing");
});

test("the device where the hand went up connects before the call, and opens nothing before the consent", () => {
  const fresh = { willing: false, expecting: true };
  expect(plan({ hand: { since: 0, position: 1 } }, fresh)).toBe("connect");
  expect(plan({ turn: { ...TURN, phase: "called", device: null } }, fresh)).toBe("connect");
  expect(plan({}, fresh)).toBe("nothing");
});

test("a call shows the class its own picture and sends nothing before somebody agrees", () => {
  expect(plan({ turn: { ...TURN, phase: "called", device: null } })).toBe("open connect");
});

test("after the consent voice and picture leave, on a weak line the voice alone", () => {
  expect(plan({ turn: { ...TURN, phase: "accepted" } })).toBe("open connect voice picture");
  expect(plan({ turn: { ...TURN, audio_only: true } })).toBe("open connect voice");
});

test("the other device of the room stays dark, even if it is allowed", () => {
  expect(plan({ turn: TURN }, { device: "phone" })).toBe("nothing");
});

test("observers' view of pupils is a picture without voice, from the device where somebody agreed", () => {
  const pinned = { place: "A", phase: "open" } as const;
  expect(plan({ pinned }, { showing: true })).toBe("open connect picture");
  expect(plan({ pinned }, { showing: false })).toBe("nothing");
  expect(plan({ pinned: { place: "A", phase: "asked" } }, { showing: true })).toBe("nothing");
});

test("a line too weak for a picture is noticed once, and not in the first seconds", () => {
  const watch = new UplinkWatch();
  const notes = Array.from({ length: 20 }, () => watch.note({ availableKbps: 60, loss: 0 }));
  expect(notes.filter(Boolean)).toHaveLength(0);
  watch.restart();
  const later: boolean[] = [];
  for (let second = 0; second < 30; second += 1) {
    later.push(watch.note({ availableKbps: second < 12 ? 300 : 60, loss: 0 }));
  }
  expect(later.filter(Boolean)).toHaveLength(1);
  expect(later.indexOf(true)).toBe(16);
});

test("one bad second is no reason to lose the picture", () => {
  const watch = new UplinkWatch();
  const notes = Array.from({ length: 40 }, (_, second) =>
    watch.note({ availableKbps: 300, loss: second % 4 === 0 ? 0.4 : 0 }),
  );
  expect(notes.filter(Boolean)).toHaveLength(0);
});
