import { expect, test } from "vitest";
import type { CheckVerdict, ShownQuestion, Turn } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { NO_ROOM, type RoomNews } from "../shared/room-facts.ts";
import { type AskFacts, answersTo, askKey, askOf, backAnswer } from "./asks.ts";

const LIVE: Lesson = {
  id: "L",
  title: "Toán",
  host_place: null,
  state: "live",
  starts_at: null,
  started_at: 0,
  ended_at: null,
};
const ROOM: RoomNews = {
  place: "A",
  hand: null,
  turn: null,
  word: false,
  pinned: null,
  may_connect: false,
  help: [],
  answer: null,
  helpers: 0,
};
const TURN: Turn = { place: "A", phase: "on_air", since: 0, muted: false, audio_only: false, device: "tv" };
const QUESTION: ShownQuestion = {
  no: 3,
  kind: "choice",
  mode: "room",
  options: 4,
  prompt: null,
  opened_at: 0,
  closed_at: null,
  results: null,
};

function ask(room: Partial<RoomNews>, facts: Partial<AskFacts> = {}, question: ShownQuestion | null = null) {
  const rooms = { ...NO_ROOM, room: { ...ROOM, ...room }, question };
  return askOf({ rooms, lesson: LIVE, check: { kind: "none" }, able: true, ...facts });
}

const words = (
  room: Partial<RoomNews>,
  facts: Partial<AskFacts> = {},
  question: ShownQuestion | null = null,
) => {
  const asked = ask(room, facts, question);
  return asked === null ? [] : answersTo(asked).map((answer) => answer.kind);
};

test("a call can be taken with OK alone and refused with Back", () => {
  const called = ask({ turn: { ...TURN, phase: "called", device: null } });
  expect(called?.kind).toBe("called");
  if (called === null) return;
  expect(answersTo(called)[0]).toEqual({ kind: "accept", audioOnly: false });
  expect(backAnswer(called)).toEqual({ kind: "stop" });
});

test("a TV without a camera offers no speaking it could not keep", () => {
  expect(words({ turn: { ...TURN, phase: "called", device: null } }, { able: false })).toEqual(["stop"]);
});

test("speaking ends in one press", () => {
  expect(words({ turn: TURN })[0]).toBe("stop");
  expect(words({ turn: { ...TURN, device: "phone" } })).toEqual(["stop"]);
});

test("a choice can be answered from the remote control, counts and words cannot", () => {
  expect(words({}, {}, QUESTION)).toEqual(["option", "option", "option", "option"]);
  expect(words({}, {}, { ...QUESTION, mode: "counts" })).toEqual([]);
  expect(words({}, {}, { ...QUESTION, kind: "text", options: 0 })).toEqual([]);
});

test("the next question starts with its own first answer", () => {
  expect(askKey(ask({}, {}, QUESTION))).not.toBe(askKey(ask({}, {}, { ...QUESTION, no: 4 })));
});

test("the sound is asked about after it was played, and never during a call", () => {
  const verdict: CheckVerdict = { light: "amber", rung: 6, fixes: [] };
  const check = { kind: "done", lesson: "L", result: {}, verdict } as const;
  expect(words({}, { check: { ...check, sound: "untested" } })).toEqual(["play_sound"]);
  expect(words({}, { check: { ...check, sound: "playing" } })).toEqual([]);
  expect(words({}, { check: { ...check, sound: "asked" } })).toEqual(["heard", "heard", "play_sound"]);
  expect(words({}, { check: { ...check, sound: "answered" } })).toEqual([]);
  const called = { turn: { ...TURN, phase: "called", device: null } } as const;
  expect(ask(called, { check: { ...check, sound: "asked" } })?.kind).toBe("called");
});
