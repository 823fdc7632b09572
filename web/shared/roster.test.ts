import { expect, test } from "vitest";
import type { PlaceStatus } from "./protocol.ts";
import { summarise } from "./roster.ts";

function place(name: string, state: PlaceStatus["state"], flags: Partial<PlaceStatus> = {}): PlaceStatus {
  return { id: name, name, state, frozen: false, muted: false, ...flags };
}

test("trouble stands on top, what runs well at the end, names in Vietnamese order", () => {
  const { lines } = summarise(
    [
      place("Yên Hòa", "watching"),
      place("Đống Đa", "watching"),
      place("Ba Vì", "gone"),
      place("Mèo Vạc", "watching", { frozen: true }),
      place("Du Già", "watching", { muted: true }),
    ],
    new Set(["Ba Vì"]),
  );
  expect(lines.map(({ name, word }) => `${name}: ${word}`)).toEqual([
    "Mèo Vạc: frozen",
    "Du Già: muted",
    "Ba Vì: gone",
    "Đống Đa: watching",
    "Yên Hòa: watching",
  ]);
});

test("a place that never came is absent, and no alarm", () => {
  const summary = summarise([place("Ba Vì", "gone"), place("Sa Pa", "gone")], new Set(["Sa Pa"]));
  expect(summary).toMatchObject({ trouble: 1, absent: 1, watching: 0 });
});

test("a frozen place counts as trouble even though media flows to it", () => {
  expect(summarise([place("Ba Vì", "watching", { frozen: true })], new Set())).toMatchObject({
    trouble: 1,
    watching: 0,
  });
});

test("a place that is reached by a slower way says so, one that is gone or well says nothing", () => {
  const { lines } = summarise(
    [
      place("A", "watching", { path: "webrtc_udp" }),
      place("B", "watching", { path: "segments" }),
      place("C", "gone", { path: "hls" }),
    ],
    new Set(["C"]),
  );
  expect(lines.map(({ name, path }) => [name, path])).toEqual([
    ["C", null],
    ["A", null],
    ["B", "segments"],
  ]);
});
