import { expect, test } from "vitest";
import { backoffMs, RECONNECT } from "./backoff.ts";

test("waits double from half a second to eight seconds", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(RECONNECT, attempt, 0.999_999));
  expect(longest.map((ms) => Math.round(ms))).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("two hundred classrooms do not come back in the same instant", () => {
  const waits = Array.from({ length: 200 }, (_, room) => backoffMs(RECONNECT, 4, room / 200));
  expect(Math.min(...waits)).toBe(4000);
  expect(new Set(waits).size).toBe(200);
});

test("a month offline does not overflow", () => {
  expect(backoffMs(RECONNECT, 300_000, 0)).toBe(4000);
});
