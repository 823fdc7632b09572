import { expect, test } from "vitest";
import { NO_LEAD, reduceLead, withAsked } from "./lead-facts.ts";
import type { ShownQuestion, Tile } from "./lesson-protocol.ts";

const QUESTION: ShownQuestion = {
  no: 1,
  kind: "choice",
  mode: "room",
  options: 2,
  prompt: null,
  opened_at: 0,
  closed_at: null,
  results: null,
};
const TILE = { id: "A", name: "9A", units: [], state: "good" } as unknown as Tile;
const answer = (place: string, option: number) => ({ place, value: { option }, at: 0, late: false });

test("the board is told in full once, then only what changed", () => {
  let facts = reduceLead(NO_LEAD, {
    type: "board",
    full: true,
    observers: 2,
    tiles: [TILE, { ...TILE, id: "B" }],
  } as never);
  facts = reduceLead(facts, {
    type: "board",
    full: false,
    observers: 3,
    tiles: [{ ...TILE, state: "gone" }],
  } as never);
  expect([...(facts.tiles ?? [])].map(([id, { state }]) => `${id} ${state}`)).toEqual(["A gone", "B good"]);
  expect(facts.observers).toBe(3);
  facts = reduceLead(facts, { type: "board", full: true, observers: 0, tiles: [TILE] } as never);
  expect(facts.tiles?.size).toBe(1);
});

test("counts follow the answers, and stay in sight after the question is closed", () => {
  let facts = reduceLead(NO_LEAD, { type: "question", question: QUESTION } as never);
  facts = reduceLead(facts, {
    type: "tally",
    question: 1,
    rooms: 1,
    late: 0,
    totals: [1, 0],
    answers: [answer("A", 0)],
    full: true,
  } as never);
  facts = reduceLead(facts, {
    type: "tally",
    question: 1,
    rooms: 2,
    late: 0,
    totals: [1, 1],
    answers: [answer("B", 1)],
    full: false,
  } as never);
  facts = reduceLead(facts, { type: "question", question: null } as never);
  expect(facts.question?.tally.totals).toEqual([1, 1]);
  expect([...(facts.question?.answers.keys() ?? [])]).toEqual(["A", "B"]);
  expect(facts.question?.closed_at).not.toBeNull();
  expect(facts.question?.shown).toBe(false);
  const closed = { ...QUESTION, closed_at: 5, results: { rooms: 2, late: 0, totals: [1, 1], texts: [] } };
  facts = reduceLead(facts, { type: "question", question: closed } as never);
  expect(facts.question?.shown).toBe(true);
});

test("the next question starts with empty counts, and late news of the last one does not disturb it", () => {
  let facts = reduceLead(NO_LEAD, {
    type: "question",
    question: { ...QUESTION, no: 2, options: 3 },
  } as never);
  facts = reduceLead(facts, {
    type: "tally",
    question: 1,
    rooms: 9,
    late: 0,
    totals: [9],
    answers: [],
    full: true,
  } as never);
  expect(facts.question?.tally).toEqual({ rooms: 0, late: 0, totals: [0, 0, 0] });
});

test("a page opened after the close learns what was asked", () => {
  const { results: _, ...words } = QUESTION;
  const asked = {
    ...words,
    closed_at: 5,
    tally: { rooms: 1, late: 0, totals: [0, 1] },
    answers: [answer("A", 1)],
  };
  const facts = withAsked(NO_LEAD, asked);
  expect(facts.question).toMatchObject({ no: 1, tally: { totals: [0, 1] }, shown: false });
  // News over the line is newer than what was fetched.
  const newer = reduceLead(NO_LEAD, { type: "question", question: { ...QUESTION, no: 2 } } as never);
  expect(withAsked(newer, asked).question?.no).toBe(2);
});

test("a message that comes twice stands once", () => {
  const news = { type: "message", no: 4, place: "A", from: "helper", key: "k", text: "x", at: 0 } as never;
  expect(reduceLead(reduceLead(NO_LEAD, news), news).messages).toHaveLength(1);
});
