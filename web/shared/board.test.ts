import { expect, test } from "vitest";
import { type BoardOptions, boardView, fitBoard, groupLevel, STATES } from "./board.ts";
import { tileName } from "./lead-facts.ts";
import type { Tile } from "./lesson-protocol.ts";

const TILE: Tile = {
  id: "A",
  name: "Lớp 9A",
  units: ["Sở Hà Nội", "Cụm Ba Vì", "THCS Thụy An"],
  state: "good",
  cause: null,
  next: null,
  since: 0,
  rung: 6,
  kbps: null,
  screens: 1,
  helpers: 0,
  help: [],
  removed: false,
};
const tile = (id: string, change: Partial<Tile> = {}): Tile => ({
  ...TILE,
  id,
  name: `Lớp ${id}`,
  ...change,
});
const ALL: BoardOptions = { hands: [], filter: "all", found: () => true, level: 1 };

test("what a class suffers from most comes first, in the cluster and among clusters", () => {
  const view = boardView(
    [
      tile("a", { units: ["Sở", "Cụm B"], state: "good" }),
      tile("b", { units: ["Sở", "Cụm A"], state: "good" }),
      tile("c", { units: ["Sở", "Cụm B"], state: "frozen" }),
      tile("d", { units: ["Sở", "Cụm B"], state: "weak" }),
    ],
    ALL,
  );
  expect(view.groups.map(({ name, tiles }) => `${name}: ${tiles.map((t) => t.tile.id).join("")}`)).toEqual([
    "Cụm B: cda",
    "Cụm A: b",
  ]);
  expect(view.counts).toMatchObject({ good: 2, frozen: 1, weak: 1, gone: 0 });
});

test("a filter shows only what it says, and counts stay those of the whole lesson", () => {
  const rooms = [tile("a", { state: "weak" }), tile("b", { state: "gone" }), tile("c"), tile("d")];
  const shown = (filter: BoardOptions["filter"]) =>
    boardView(rooms, { ...ALL, filter })
      .groups.flatMap(({ tiles }) => tiles.map((t) => t.tile.id))
      .join("");
  expect(shown("trouble")).toBe("ba");
  expect(shown("good")).toBe("cd");
  expect(boardView(rooms, { ...ALL, filter: "gone" }).counts.good).toBe(2);
});

test("rooms that ask for something are found by one filter: hands and calls for help", () => {
  const rooms = [tile("a"), tile("b", { help: [{ kind: "help", since: 0 }] }), tile("c")];
  const view = boardView(rooms, { ...ALL, filter: "asks", hands: [{ place: "c" }] });
  expect(view.groups[0]?.tiles.map((t) => [t.tile.id, t.hand])).toEqual([
    ["b", null],
    ["c", 1],
  ]);
  expect(view.asks).toBe(2);
});

test("a removed room is last and counts for nothing", () => {
  const view = boardView([tile("a", { removed: true, state: "gone" }), tile("b")], ALL);
  expect(view.groups[0]?.tiles.map((t) => t.tile.id)).toEqual(["b", "a"]);
  expect(view.counts.gone).toBe(0);
  expect(view.total).toBe(1);
});

test("groups are by the highest level that tells rooms apart", () => {
  expect(groupLevel([tile("a"), tile("b", { units: ["Sở Hà Nội", "Cụm Đan Phượng"] })])).toBe(1);
  expect(groupLevel([tile("a", { units: [] }), tile("b", { units: [] })])).toBeNull();
  const schools = Array.from({ length: 30 }, (_, n) => tile(String(n), { units: ["Sở", `Trường ${n}`] }));
  expect(groupLevel(schools)).toBeNull();
});

test("two hundred rooms of twelve clusters are in sight on a laptop", () => {
  const clusters = Array.from({ length: 12 }, (_, n) => (n < 8 ? 17 : 16));
  expect(clusters.reduce((sum: number, size) => sum + size, 0)).toBe(200);
  // 1366×768 less browser-independent page heads: what the board really gets there.
  const fit = fitBoard(clusters, 1334, 620);
  expect(fit.fits).toBe(true);
  expect(fit.tilePx).toBeGreaterThanOrEqual(32);
});

test("few rooms get large tiles", () => {
  expect(fitBoard([5, 7], 1334, 620)).toMatchObject({ density: "roomy", fits: true, inline: false });
  expect(fitBoard([], 1334, 620).fits).toBe(true);
});

test("a phone scrolls instead of shrinking tiles beyond reading", () => {
  const fit = fitBoard([200], 340, 500);
  expect(fit.fits).toBe(false);
  expect(fit.tilePx).toBeGreaterThanOrEqual(32);
  expect(fit.columns).toBeGreaterThanOrEqual(3);
});

test("a room is named by its school, once", () => {
  expect(tileName(tile("9A"))).toBe("THCS Thụy An · Lớp 9A");
  expect(tileName(tile("x", { name: "THCS Thụy An – phòng máy" }))).toBe("THCS Thụy An – phòng máy");
  expect(tileName(tile("9A", { units: [] }))).toBe("Lớp 9A");
});

test("every state has its place in the order", () => {
  expect([...STATES].sort()).toEqual(["absent", "frozen", "gone", "good", "no_sound", "waiting", "weak"]);
});
