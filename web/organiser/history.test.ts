import { expect, test } from "vitest";
import { columns, joined } from "./history.ts";

test("what the page saw goes on where the server's memory ends", () => {
  const known = [
    { at: 1000, rung: 6 },
    { at: 5000, rung: 1 },
  ];
  const seen = [
    { at: 4000, rung: 6 },
    { at: 6000, rung: 1 },
    { at: 9000, rung: null },
  ];
  expect(joined(known, seen)).toEqual([
    { at: 1000, rung: 6 },
    { at: 5000, rung: 1 },
    { at: 9000, rung: null },
  ]);
});

test("the last step reaches to now, and nothing received is the bottom of the chart", () => {
  expect(
    columns(
      [
        { at: 1000, rung: 4 },
        { at: 3000, rung: null },
      ],
      8000,
    ),
  ).toEqual([
    [1, 3, 8],
    [4, 0, 0],
  ]);
  expect(columns([], 8000)).toEqual([[], []]);
});
