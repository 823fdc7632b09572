/** Totals and ratings against the cases Rust answers too. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkScore, type Form, hundredths, pointsText, readScore, scoreOf } from "./form.ts";
import type { Json } from "./register.ts";

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const plain = read("../../../crates/notes/forms/vn-12-20.json") as Form;
const demanding: Form = {
  ...plain,
  bands: plain.bands.map((band, index) =>
    index === 0
      ? {
          ...band,
          needs: [
            { item: "c1_2", min: 2 },
            { item: "c2_1", min: 1.5 },
          ],
        }
      : band,
  ),
};

interface Case {
  readonly form: string;
  readonly scores: { readonly [item: string]: Json };
  readonly score: {
    readonly total: number;
    readonly groups: readonly number[];
    readonly max: number;
    readonly missing: number;
    readonly rank: string | null;
    readonly problems: readonly Json[];
  };
}

test("the browser adds up and rates every shared case as the server does", () => {
  const cases = read("../../../tests/fixtures/notes/scoring.json") as readonly Case[];
  expect(cases.length).toBeGreaterThan(30);
  for (const { form, scores, score } of cases) {
    // On the wire sums are points; inside they are hundredths.
    expect(scoreOf(form === "needs" ? demanding : plain, scores)).toEqual({
      ...score,
      total: hundredths(score.total),
      groups: score.groups.map(hundredths),
      max: hundredths(score.max),
    });
  }
});

test("a score is read with either decimal mark, and nothing else is a score", () => {
  expect(["1,5", "1.5", " 2 ", "", ".25"].map(readScore)).toEqual([150, 150, 200, null, 25]);
  expect(["hai", "1,5,5", "-1", "1e3", "12345"].map(readScore)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(checkScore(plain, "c1_1", readScore("0,333") ?? null)).toBe("not_a_number");
  expect(checkScore(plain, "c1_1", readScore("1,25") ?? null)).toBe("above_maximum");
});

test("points read as teachers write them", () => {
  expect([1350, 1325, 2000].map((points) => pointsText(points, true))).toEqual(["13,5", "13,25", "20"]);
});
