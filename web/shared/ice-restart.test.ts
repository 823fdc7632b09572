import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Unreachable } from "./http.ts";
import { askForRestart, RESTART_WITHIN_MS } from "./ice-restart.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A link that swallows every question until `backAt`, and answers 200 ms after one asked from then on. */
function link(backAt: number) {
  const asked: number[] = [];
  const began = Date.now();
  const ask = (): Promise<Response> => {
    asked.push(Date.now() - began);
    const answers = Date.now() - began >= backAt;
    return new Promise((resolve, reject) => {
      setTimeout(
        () => (answers ? resolve(new Response("a=ice-ufrag:new")) : reject(new Error("no answer"))),
        answers ? 200 : RESTART_WITHIN_MS,
      );
    });
  };
  return { ask, asked };
}

test("a link that is back is noticed within a second, however long it was away", async () => {
  for (const backAt of [900, 4_100, 19_700]) {
    const { ask } = link(backAt);
    const began = Date.now();
    let answered = 0;
    void askForRestart(ask, () => false).then(() => {
      answered = Date.now() - began;
    });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(answered - backAt).toBeLessThanOrEqual(1_000);
    expect(answered).toBeGreaterThan(backAt);
  }
});

test("who has been closed meanwhile asks no more, and half a minute without an answer is the end", async () => {
  const { ask, asked } = link(Number.POSITIVE_INFINITY);
  let over = false;
  const outcome = askForRestart(ask, () => over).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked.length).toBe(4);
  over = true;
  await vi.advanceTimersByTimeAsync(40_000);
  expect(asked.length).toBe(4);
  expect(await outcome).toBeInstanceOf(Unreachable);
});
