import { describe, expect, test } from "vitest";
import type { ShownQuestion, Turn } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { NO_ROOM, type RoomFacts, type RoomNews } from "../shared/room-facts.ts";
import { deviceLabel } from "./entry.ts";
import { helpSince, parseCount, taskOf } from "./task.ts";

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
  helpers: 1,
};
const CALLED: Turn = {
  place: "A",
  phase: "called",
  since: 0,
  muted: false,
  audio_only: false,
  device: null,
};
const QUESTION: ShownQuestion = {
  no: 2,
  kind: "choice",
  mode: "counts",
  options: 4,
  prompt: null,
  opened_at: 0,
  closed_at: null,
  results: null,
};

function facts(room: Partial<RoomNews>, rest: Partial<RoomFacts> = {}): RoomFacts {
  return { ...NO_ROOM, room: { ...ROOM, ...room }, ...rest };
}

describe("one thing at a time, the most urgent first", () => {
  test("a call goes before a question, because a teacher and two hundred classes wait", () => {
    expect(taskOf(facts({ turn: CALLED }, { question: QUESTION }), LIVE, null).kind).toBe("called");
  });
  test("a question goes before pupils' camera", () => {
    const pinned = { place: "A", phase: "open" } as const;
    expect(taskOf(facts({ pinned }, { question: QUESTION }), LIVE, null).kind).toBe("question");
    expect(taskOf(facts({ pinned }), LIVE, null).kind).toBe("camera_open");
  });
  test("the answer shown is the one to this question", () => {
    const answer = { question: 1, value: { option: 0 }, late: false };
    expect(taskOf(facts({ answer }, { question: QUESTION }), LIVE, null)).toMatchObject({ answer: null });
    const own = { ...answer, question: 2 };
    expect(taskOf(facts({ answer: own }, { question: QUESTION }), LIVE, null)).toMatchObject({ answer: own });
  });
  test("whoever was typing when the question was closed learns that", () => {
    expect(taskOf(facts({}), LIVE, { question: 2, answered: false })).toEqual({
      kind: "closed",
      answered: false,
    });
  });
  test("results stay until the teacher takes them away", () => {
    const shown = {
      ...QUESTION,
      closed_at: 5,
      results: { rooms: 3, late: 0, totals: [1, 2, 0, 0], texts: [] },
    };
    expect(taskOf(facts({}, { question: shown }), LIVE, null).kind).toBe("results");
  });
  test("before the lesson there is nothing to answer", () => {
    const planned: Lesson = { ...LIVE, state: "scheduled" };
    expect(taskOf(facts({ turn: CALLED }), planned, null).kind).toBe("idle");
    expect(taskOf(facts({ turn: CALLED }), null, null).kind).toBe("idle");
  });
});

test("the other class can only be given the word when it is there", () => {
  const turn: Turn = { ...CALLED, phase: "on_air", device: "phone" };
  const other = { ...CALLED, place: "B", name: "9B" };
  const speaking = (phase: Turn["phase"]) =>
    taskOf(
      facts({ turn, word: true }, { floor: { turns: [{ ...other, phase }], word: "A", pinned: null } }),
      LIVE,
      null,
    );
  expect(speaking("called")).toMatchObject({ other: false });
  expect(speaking("on_air")).toMatchObject({ other: true });
});

test("a button pressed without a network looks pressed", () => {
  const calm = facts({});
  expect(helpSince(calm, "frozen", new Map([["frozen", true]]), 7)).toBe(7);
  const calling = facts({ help: [{ kind: "frozen", since: 3 }] });
  expect(helpSince(calling, "frozen", new Map(), 7)).toBe(3);
  expect(helpSince(calling, "frozen", new Map([["frozen", false]]), 7)).toBeNull();
});

test("counts are whole pupils", () => {
  expect(["12", "", "0012", "7a", "12345", "-3"].map(parseCount)).toEqual([12, 0, 1, 7, 123, 3]);
});

test("a phone is named by what an organiser would call it", () => {
  const android =
    "Mozilla/5.0 (Linux; Android 13; SM-A045F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
  expect(deviceLabel(android)).toBe("Android · Chrome");
});
