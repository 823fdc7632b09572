import fc from "fast-check";
import { expect, test } from "vitest";
import { placeAt, placeBetween } from "./order.ts";

const stamp = "0mu4k2x9a0001laptop00";

test("rows stand in the order of the lesson", () => {
  expect(placeAt(1_791_765_000_000, stamp) < placeAt(1_791_765_000_001, stamp)).toBe(true);
  expect(
    placeAt(1_791_765_000_000, "0mu4k2x9a0001laptop00") < placeAt(1_791_765_000_000, "0mu4k2x9a0002laptop00"),
  ).toBe(true);
});

test("a row can be put between any two others, again and again", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 120 }), (moves) => {
      const places = [placeAt(1000, stamp), placeAt(2000, stamp)];
      for (const move of moves) {
        const index = move % (places.length + 1);
        const before = places[index - 1] ?? null;
        const after = places[index] ?? null;
        const place = placeBetween(before, after);
        expect(before === null || before < place, `${before} < ${place}`).toBe(true);
        expect(after === null || place < after, `${place} < ${after}`).toBe(true);
        expect(place.endsWith("0")).toBe(false);
        places.splice(index, 0, place);
      }
      expect([...places].sort()).toEqual(places);
    }),
  );
});

test("a place between neighbours that differ only at their end is found", () => {
  for (const [before, after] of [
    ["a", "a1"],
    ["a", "b"],
    ["az", "b"],
    ["azzz", "b"],
    [null, "0001"],
    ["zz", null],
    ["a", "a0i"],
  ] as const) {
    const place = placeBetween(before, after);
    expect(
      (before === null || before < place) && (after === null || place < after),
      `${before} ${place} ${after}`,
    ).toBe(true);
  }
});
