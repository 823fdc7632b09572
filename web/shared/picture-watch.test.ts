import { expect, test } from "vitest";
import { FROZEN_AFTER_MS, FreezeJudge, LOOK_EVERY_MS } from "./picture-watch.ts";

/** Looks every 250 ms at a picture that shows `framesAt(t)` frames; returns when it is first called frozen. */
function firstFrozen(framesAt: (ms: number) => number, untilMs: number, judged = true): number | null {
  const judge = new FreezeJudge();
  for (let now = 0; now <= untilMs; now += LOOK_EVERY_MS) {
    if (judge.look(now, framesAt(now), judged) !== null) return now;
  }
  return null;
}

test("a picture that stops is called frozen within three seconds", () => {
  const frozenAt = firstFrozen((now) => Math.floor(Math.min(now, 10_000) / 40), 20_000);
  expect(frozenAt).not.toBeNull();
  expect((frozenAt ?? 0) - 10_000).toBeLessThan(3000);
});

test("a slow picture of one frame in two seconds is not frozen", () => {
  expect(firstFrozen((now) => 1 + Math.floor(now / 2000), 60_000)).toBeNull();
});

test("a picture that has not begun is not frozen, it is awaited", () => {
  expect(firstFrozen(() => 0, 60_000)).toBeNull();
});

test("a picture nobody should see now is not judged, and judged afresh afterwards", () => {
  expect(firstFrozen(() => 100, 60_000, false)).toBeNull();
  const judge = new FreezeJudge();
  judge.look(0, 100, true);
  judge.look(60_000, 100, false);
  expect(judge.look(60_000 + FROZEN_AFTER_MS - 1, 100, true)).toBeNull();
  expect(judge.look(60_000 + FROZEN_AFTER_MS, 100, true)).toBe(60_000);
});

test("one new frame is life", () => {
  const judge = new FreezeJudge();
  judge.look(0, 1, true);
  expect(judge.look(5000, 1, true)).toBe(0);
  expect(judge.look(5250, 2, true)).toBeNull();
});
