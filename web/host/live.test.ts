import { expect, test } from "vitest";
import { type LeadFacts, type LiveQuestion, NO_LEAD } from "../shared/lead-facts.ts";
import type { Tile, Turn } from "../shared/lesson-protocol.ts";
import { helpLines, isInCharge, livePrimary, mayCall } from "./live.ts";

const TURN: Turn & { name: string } = {
  place: "A",
  name: "9A",
  phase: "on_air",
  since: 0,
  muted: false,
  audio_only: false,
  device: "tv",
};
const OPEN: LiveQuestion = {
  no: 1,
  kind: "choice",
  mode: "room",
  options: 4,
  prompt: null,
  opened_at: 0,
  closed_at: null,
  results: null,
  tally: { rooms: 0, late: 0, totals: [] },
  answers: new Map(),
  shown: false,
};

function facts(change: Partial<LeadFacts>, turns: (Turn & { name: string })[] = []): LeadFacts {
  const floor = { turns, word: turns[0]?.place ?? null, pinned: null };
  return { ...NO_LEAD, rooms: { ...NO_LEAD.rooms, floor }, ...change };
}
const HANDS = [{ place: "B", since: 0 }];

test("one thing to press: end the speech, then close the question, then call the first hand", () => {
  expect(livePrimary(facts({ hands: HANDS, question: OPEN }, [TURN]), "class", 0)).toBe("stop_speaking");
  expect(livePrimary(facts({ hands: HANDS, question: OPEN }), "class", 0)).toBe("close_question");
  expect(livePrimary(facts({ hands: HANDS }), "class", 0)).toBe("call");
  expect(livePrimary(facts({}), "class", 0)).toBe("none");
});

test("a class that was called and has not answered is no reason to call the next one", () => {
  expect(livePrimary(facts({ hands: HANDS }, [{ ...TURN, phase: "called" }]), "class", 0)).toBe("none");
});

test("chosen works can be shown from the list only", () => {
  expect(livePrimary(facts({}), "works", 2)).toBe("show_works");
  expect(livePrimary(facts({}), "class", 2)).toBe("none");
});

test("two classes may talk with each other, a third waits", () => {
  expect(mayCall(facts({}, [TURN]))).toBe(true);
  expect(mayCall(facts({}, [TURN, { ...TURN, place: "B" }]))).toBe(false);
});

test("whoever has called for help longest stands first, and a room sent out no longer calls", () => {
  const tile = (id: string, since: number, removed = false): Tile =>
    ({ id, removed, help: [{ kind: "help", since }] }) as unknown as Tile;
  expect(helpLines([tile("a", 9), tile("b", 3), tile("c", 1, true)]).map((line) => line.tile.id)).toEqual([
    "b",
    "a",
  ]);
});

test("until somebody was given the lesson every host link leads", () => {
  const hosts = [{ id: "h", label: null, connected: true }];
  expect(isInCharge(facts({}))).toBe(true);
  expect(isInCharge(facts({ charge: { in_charge: null, own: "h", hosts } }))).toBe(true);
  expect(isInCharge(facts({ charge: { in_charge: "other", own: "h", hosts } }))).toBe(false);
});
