import { expect, test } from "vitest";
import { formatDate, formatDecimal, formatRate, formatSince, formatSpan, formatTime } from "./format.ts";

test("a lesson's clock shows minutes, and hours only when there are any", () => {
  expect([0, 65_000, 2_712_999, 3_905_000, -5].map(formatSpan)).toEqual([
    "00:00",
    "01:05",
    "45:12",
    "1:05:05",
    "00:00",
  ]);
});

test("Vietnamese writes a decimal comma", () => {
  expect(formatDecimal(2.14, 1, "vi")).toBe("2,1");
  expect(formatRate(2140, "vi")).toBe("2,1 Mbit/s");
  expect(formatRate(2140, "en")).toBe("2.1 Mbit/s");
  expect(formatRate(849.6, "vi")).toBe("850 kbit/s");
});

test("a date names its weekday", () => {
  const monday = new Date(2026, 10, 23, 7, 5);
  expect(formatDate(monday, "vi")).toBe("Thứ Hai, 23/11/2026");
  expect(formatDate(monday, "en")).toBe("Monday, 23/11/2026");
  expect(formatTime(monday)).toBe("07:05");
});

test("how long a room has been so fits on a small tile", () => {
  expect([0, 40_000, 60_000, 12 * 60_000, 65 * 60_000, -5].map(formatSince)).toEqual([
    "0s",
    "40s",
    "1′",
    "12′",
    "1h05",
    "0s",
  ]);
});
