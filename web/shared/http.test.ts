import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hedged } from "./http.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = <T>(ms: number, value: T | Error): Promise<T> =>
  new Promise((resolve, reject) => {
    setTimeout(() => (value instanceof Error ? reject(value) : resolve(value)), ms);
  });

test("the first answer counts, whichever question it is to", async () => {
  const answers = [later<string>(2500, new Error("lost in the outage")), later(300, "back")];
  let asked = 0;
  const answer = hedged(800, 3, () => answers[asked++] ?? later(0, "never asked"));
  await vi.advanceTimersByTimeAsync(700);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(400);
  expect(await answer).toBe("back");
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toBe(2);
});

test("it has failed when all have", async () => {
  let asked = 0;
  const outcome = hedged(800, 3, () => later(2500, new Error(`no answer ${++asked}`))).catch(
    (error: Error) => error.message,
  );
  await vi.advanceTimersByTimeAsync(4099);
  expect(asked).toBe(3);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toBe("no answer 3");
});
