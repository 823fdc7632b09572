import { expect, test } from "vitest";
import { periodQuery } from "./api.ts";
import { dayEnd, dayStart, levelsOfRungs } from "./report.ts";

test("no second of a class is lost between the rungs", () => {
  const levels = levelsOfRungs([1, 2, 3, 4, 5, 6, 7]);
  expect(levels).toEqual({ full: 13, small: 12, audio: 2, nothing: 1 });
});

test("a report up to a day contains that day's evening", () => {
  const [start, end] = [dayStart("2026-11-23"), dayEnd("2026-11-23")];
  if (start === null || end === null) throw new Error("no day");
  expect(new Date(start).getHours()).toBe(0);
  expect(end - start).toBeGreaterThan(22 * 3_600_000);
  expect(new Date(end).getDate()).toBe(23);
  expect(dayStart("")).toBeNull();
});

test("what is not limited is not asked", () => {
  expect(periodQuery({ from: null, to: null, unit: null })).toBe("");
  expect(periodQuery({ from: 5, to: null, unit: "U" })).toBe("?from=5&unit=U");
});
