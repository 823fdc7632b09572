/** What stands on a sheet's paper, before it becomes DOCX or print. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Form, hundredths } from "./form.ts";
import { type PaperOptions, paperOfSheet } from "./paper.ts";
import { EMPTY, type Json, type Register, write } from "./register.ts";
import { viewSheet } from "./sheet.ts";

const form = JSON.parse(
  readFileSync(new URL("../../../crates/notes/forms/vn-12-20.json", import.meta.url), "utf8"),
) as Form;

const options: PaperOptions = {
  t: (word, params) => (params === undefined ? word : `${word} ${JSON.stringify(params)}`),
  comma: true,
  startedAt: 1_000_000,
  pictures: new Map(),
};

function sheet(values: readonly (readonly [string, Json])[]): Map<string, Register> {
  return new Map(
    values.map(([key, value], index) => {
      const tick = index.toString(36).padStart(11, "0");
      return [key, write(EMPTY, `${tick}laptop00` as never, value)];
    }),
  );
}

/** Full points but for the last criteria, which give away what is missing to `total` hundredths. */
function scoresOf(total: number): [string, Json][] {
  const items = form.groups.flatMap((group) => group.items);
  let less = items.reduce((sum, item) => sum + hundredths(item.max), 0) - total;
  return items.map((item) => {
    const gone = Math.min(less, hundredths(item.max));
    less -= gone;
    return [`score.${item.id}`, hundredths(item.max) - gone];
  });
}

function wordsOf(values: readonly (readonly [string, Json])[]): string {
  const paper = paperOfSheet(viewSheet(sheet(values)), form, options);
  return JSON.stringify(paper.blocks);
}

test("the paper says the sum and the rating on both sides of every limit", () => {
  for (const [total, sum, rank] of [
    [2000, "20", "Giỏi"],
    [1800, "18", "Giỏi"],
    [1775, "17,75", "Khá"],
    [1350, "13,5", "Khá"],
    [1325, "13,25", "Trung bình"],
    [1000, "10", "Trung bình"],
    [975, "9,75", "Không đạt"],
    [0, "0", "Không đạt"],
  ] as const) {
    const words = wordsOf(scoresOf(total));
    expect(words, `${total}`).toContain(`"lines":["notes.score.rank: ${rank}"]`);
    expect(words, `${total}`).toContain(`"lines":["${sum}"],"centre":true,"strong":true`);
  }
});

test("a paper with a score missing says so instead of a rating", () => {
  const words = wordsOf(scoresOf(2000).slice(1));
  expect(words).toContain('notes.score.missing {\\"count\\":1}');
  expect(words).not.toContain("Giỏi");
});

test("a lesson study has no scores, and its pupils come first", () => {
  const words = wordsOf([
    ...scoresOf(2000),
    ["mode.study", true],
    ["row.ra.at", { ms: 1_061_000, q: "held" }],
    ["row.ra.pos", "a"],
    ["row.ra.pupils", "Em A lúng túng"],
    ["row.ra.teacher", "Gợi ý"],
  ]);
  expect(words).not.toContain("notes.paper.scores");
  expect(words).toContain('"lines":["≈ 01:01"],"centre":true},{"lines":["Em A lúng túng"]');
});
