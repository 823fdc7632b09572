import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fitted } from "./photo.ts";
import { answerOf, type Photo, Photos, type Sent } from "./photos.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function phone(answers: Sent[]) {
  const tried: string[] = [];
  const arrived: number[] = [];
  let shown: readonly Photo[] = [];
  let keys = 0;
  const photos = new Photos({
    onChange: (list) => {
      shown = list;
    },
    onDone: (no) => arrived.push(no),
    upload: async (key) => {
      tried.push(key);
      return answers.shift() ?? { kind: "lost" };
    },
    shrink: async (file) => {
      if (file.size === 0) throw new Error("no picture");
      return { jpeg: file, thumbnail: "data:" };
    },
    newKey: () => {
      keys += 1;
      return `k${keys}`;
    },
  });
  return { photos, tried, arrived, shown: () => shown.map(({ key, state }) => `${key} ${state.kind}`) };
}

const photo = new Blob(["x"]);

test("a photo whose receipt was lost is sent again under the same key", async () => {
  const { photos, tried, arrived, shown } = phone([{ kind: "lost" }, { kind: "done", no: 7 }]);
  await photos.add(photo);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown()).toEqual(["k1 waiting"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(tried).toEqual(["k1", "k1"]);
  expect(arrived).toEqual([7]);
  expect(shown()).toEqual([]);
});

test("photos travel one after the other, in the order they were taken", async () => {
  const { photos, tried } = phone([
    { kind: "done", no: 1 },
    { kind: "done", no: 2 },
  ]);
  await Promise.all([photos.add(photo), photos.add(photo)]);
  await vi.advanceTimersByTimeAsync(0);
  expect(tried).toEqual(["k1", "k2"]);
});

test("a photo the server refuses stands with its reason and stops nobody", async () => {
  const problem = { code: "too_many", detail: "", detail_vi: "" };
  const { photos, arrived, shown } = phone([
    { kind: "refused", problem },
    { kind: "done", no: 2 },
  ]);
  await photos.add(photo);
  await photos.add(photo);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown()).toEqual(["k1 refused"]);
  expect(arrived).toEqual([2]);
});

test("a night without a network is survived", async () => {
  const { photos, tried } = phone([]);
  await photos.add(photo);
  await vi.advanceTimersByTimeAsync(8 * 3_600_000);
  expect(tried.length).toBeGreaterThan(3000);
});

test("a file that is no picture is told from one that could not be sent", async () => {
  const { photos, shown } = phone([]);
  await photos.add(new Blob([]));
  expect(shown()).toEqual(["k1 unreadable"]);
});

test("answers of the server", () => {
  expect(answerOf(201, '{"no":4,"bytes":1,"width":1,"height":1}')).toEqual({ kind: "done", no: 4 });
  expect(answerOf(0, "").kind).toBe("lost");
  expect(answerOf(502, "<html>").kind).toBe("lost");
  expect(answerOf(507, '{"code":"storage_full"}').kind).toBe("lost");
  expect(answerOf(409, '{"code":"too_many","title":""}').kind).toBe("refused");
});

test("a photo is made smaller and never larger", () => {
  expect(fitted(4000, 3000, 1280)).toEqual({ width: 1280, height: 960 });
  expect(fitted(3000, 4000, 1280)).toEqual({ width: 960, height: 1280 });
  expect(fitted(300, 200, 1280)).toEqual({ width: 300, height: 200 });
});
