import { expect, test } from "vitest";
import { localInputValue, parseLocalInput } from "./local-time.ts";

test("a time typed by the organiser comes back as it was typed", () => {
  const typed = "2026-11-23T07:30";
  expect(localInputValue(parseLocalInput(typed))).toBe(typed);
});

test("an empty or half-typed time is no time", () => {
  for (const value of ["", "2026-11-23", "2026-11-23T", "next Monday"])
    expect(parseLocalInput(value)).toBeNull();
  expect(localInputValue(null)).toBe("");
});
