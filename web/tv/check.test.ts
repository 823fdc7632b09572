import { expect, test } from "vitest";
import type { Lesson } from "../shared/protocol.ts";
import { onlyTransport, rateOf } from "./check.ts";
import { type CheckState, reduceCheck, shouldCheck } from "./check-state.ts";

const PLANNED: Lesson = {
  id: "L",
  title: "Toán",
  host_place: null,
  state: "scheduled",
  starts_at: null,
  started_at: null,
  ended_at: null,
  rehearsal: true,
};
const VERDICT = { light: "amber", rung: 6, fixes: ["confirm_sound"] } as const;

/** A line of `kbps` with a round trip of `rttMs`. */
function line(kbps: number, rttMs: number) {
  let clock = 0;
  const moved: number[] = [];
  const transfer = async (bytes: number): Promise<number> => {
    moved.push(bytes);
    clock += rttMs + (bytes * 8) / kbps;
    return bytes;
  };
  return { rate: rateOf(4 * 1024 * 1024, transfer, () => clock), moved };
}

test("a weak line is measured with little, a strong one with enough", async () => {
  const weak = line(40, 300);
  const strong = line(50_000, 20);
  expect(await weak.rate).toBeGreaterThan(33);
  expect(await weak.rate).toBeLessThan(41);
  expect(weak.moved).toEqual([16 * 1024]);
  expect(await strong.rate).toBeGreaterThan(35_000);
});

test("a mountain line is not called slow because of its delay", async () => {
  const rate = await line(700, 500).rate;
  expect(rate).toBeGreaterThan(560);
});

test("a line that breaks while it is measured still says what came before", async () => {
  let times = 0;
  const breaks = async (bytes: number): Promise<number> => {
    times += 1;
    if (times > 1) throw new Error("no answer");
    return bytes;
  };
  let clock = 0;
  const rate = await rateOf(1_000_000, breaks, () => {
    clock += 100;
    return clock;
  });
  expect(rate).toBe(Math.round((16 * 1024 * 8) / 100));
});

test("each way is tried with its own candidates only", () => {
  const answer = [
    "v=0",
    "a=candidate:1 1 udp 2130706431 10.0.0.2 7443 typ host",
    "a=candidate:2 1 tcp 1671430143 10.0.0.2 7443 typ host tcptype passive",
    "a=end-of-candidates",
  ].join("\r\n");
  expect(onlyTransport(answer, "udp")).toContain("udp");
  expect(onlyTransport(answer, "udp")).not.toContain(" tcp ");
  expect(onlyTransport("v=0\r\na=candidate:1 1 UDP 1 10.0.0.2 1 typ host", "tcp")).toBeNull();
});

test("a rehearsal is checked once by itself, never during a lesson", () => {
  const none: CheckState = { kind: "none" };
  expect(shouldCheck(none, PLANNED, true)).toBe(true);
  expect(shouldCheck(none, PLANNED, false)).toBe(false);
  expect(shouldCheck(none, { ...PLANNED, state: "live" }, true)).toBe(false);
  expect(shouldCheck(none, { ...PLANNED, rehearsal: false }, true)).toBe(false);
  const done = reduceCheck(none, {
    type: "done",
    lesson: "L",
    result: {},
    verdict: { ...VERDICT, fixes: [] },
  });
  expect(shouldCheck(done, PLANNED, true)).toBe(false);
  expect(shouldCheck(done, { ...PLANNED, id: "M" }, true)).toBe(true);
});

test("only a person's word ends the question about the sound", () => {
  const verdict = { ...VERDICT, fixes: [...VERDICT.fixes] };
  let state = reduceCheck({ kind: "none" }, { type: "done", lesson: "L", result: {}, verdict });
  expect(state).toMatchObject({ sound: "untested" });
  state = reduceCheck(state, { type: "sound", sound: "asked" });
  state = reduceCheck(state, { type: "heard", result: { sound_heard: true }, verdict });
  expect(state).toMatchObject({ sound: "answered" });
});
