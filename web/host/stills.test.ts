import { expect, test } from "vitest";
import { SlideJudge } from "./stills.ts";

const POINTS = 192 * 108;

/** A white slide with this many dark points. */
function slide(dark: number, from = 0): Uint8ClampedArray {
  const grey = new Uint8ClampedArray(POINTS).fill(250);
  grey.fill(20, from, from + dark);
  return grey;
}

function shown(judge: SlideJudge, now: number, grey: Uint8ClampedArray): string {
  const judgement = judge.look(now, grey);
  if (judgement === "new") judge.taken(grey);
  return judgement;
}

test("the first slide is pictured at once, and the same slide never again", () => {
  const judge = new SlideJudge();
  expect([0, 500, 1000, 60_000].map((now) => shown(judge, now, slide(400)))).toEqual([
    "new",
    "same",
    "same",
    "same",
  ]);
});

test("a new line of text is pictured once it stands", () => {
  const judge = new SlideJudge();
  shown(judge, 0, slide(400));
  expect(shown(judge, 500, slide(480))).toBe("moving");
  expect(shown(judge, 1000, slide(480))).toBe("new");
  expect(shown(judge, 1500, slide(480))).toBe("same");
});

test("a pointer that wanders over the slide makes no pictures", () => {
  const judge = new SlideJudge();
  shown(judge, 0, slide(0));
  for (let step = 1; step < 40; step += 1) {
    expect(shown(judge, step * 500, slide(12, step * 300))).toBe("same");
  }
});

test("a film on the slides is pictured every few seconds", () => {
  const judge = new SlideJudge();
  shown(judge, 0, slide(2000));
  const judgements = Array.from({ length: 40 }, (_, step) =>
    shown(judge, 500 + step * 500, slide(2000, 2000 + step * 400)),
  );
  expect(judgements.filter((judgement) => judgement === "new").length).toBe(4);
});

test("a picture that did not arrive is due again", () => {
  const judge = new SlideJudge();
  shown(judge, 0, slide(400));
  judge.lost();
  expect(shown(judge, 3000, slide(400))).toBe("new");
});
