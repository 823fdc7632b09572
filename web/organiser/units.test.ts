import { expect, test } from "vitest";
import type { Unit } from "../shared/lesson-protocol.ts";
import type { Place } from "../shared/protocol.ts";
import {
  flatten,
  levelsOf,
  levelWords,
  partnersOf,
  tickOf,
  toggleUnit,
  unitPath,
  unitTree,
  within,
} from "./units.ts";

const unit = (id: string, parent: string | null, level: string): Unit => ({
  id,
  parent,
  level,
  name: `Tên ${id}`,
});
const UNITS = [
  unit("so", null, "Sở"),
  unit("cumB", "so", "Cụm trường"),
  unit("cumA", "so", "Cụm trường"),
  unit("truong", "cumA", "Trường"),
];
const place = (id: string, of?: string): Place => ({
  id,
  name: id,
  ...(of === undefined ? {} : { unit: of }),
});
const PLACES = [place("p1", "truong"), place("p2", "cumA"), place("p3", "cumB"), place("p4")];

test("a unit counts the places of everything below it", () => {
  const tree = unitTree(UNITS, PLACES);
  expect(flatten(tree).map((node) => `${node.depth} ${node.unit.id} ${node.places.length}`)).toEqual([
    "0 so 3",
    "1 cumA 2",
    "2 truong 1",
    "1 cumB 1",
  ]);
});

test("a folded unit hides what is below it", () => {
  const tree = unitTree(UNITS, PLACES);
  expect(flatten(tree, new Set(["so"])).map((node) => node.unit.id)).toEqual(["so", "cumA", "cumB"]);
});

test("a unit whose parent was deleted is still in sight", () => {
  expect(unitTree([unit("x", "gone", "Trường")], [])[0]?.unit.id).toBe("x");
});

test("a place's way from the top is told, and a loop from a damaged server ends", () => {
  expect(unitPath(UNITS, "truong")).toEqual(["Tên so", "Tên cumA", "Tên truong"]);
  expect(unitPath(UNITS, undefined)).toEqual([]);
  const loop = [unit("a", "b", ""), unit("b", "a", "")];
  expect(unitPath(loop, "a").length).toBeLessThanOrEqual(2);
});

test("everything below a unit is found at any depth", () => {
  expect([...within(UNITS, "cumA")].sort()).toEqual(["cumA", "truong"]);
});

test("a cluster is invited by one tick, and shows when only some of its rooms are", () => {
  const cumA = flatten(unitTree(UNITS, PLACES)).find((node) => node.unit.id === "cumA");
  if (cumA === undefined) throw new Error("no cluster");
  expect(tickOf(cumA, new Set(["p1"]))).toBe("some");
  const all = toggleUnit(cumA, new Set(["p1", "p4"]));
  expect([...all].sort()).toEqual(["p1", "p2", "p4"]);
  expect(tickOf(cumA, all)).toBe("all");
  expect([...toggleUnit(cumA, all)]).toEqual(["p4"]);
});

test("the next unit is likely to be of the level used most", () => {
  expect(levelsOf(UNITS)[0]).toBe("Cụm trường");
});

test("partners are told from both sides", () => {
  expect(partnersOf(UNITS, [["cumA", "cumB"]], "cumB")).toEqual(["Tên cumA"]);
});

test("the board can be grouped by every level that its rooms have, by the word of that level", () => {
  const odd = [...UNITS, unit("khoi", "so", "Khối"), unit("le", null, "Phòng GDĐT"), unit("so2", null, "Sở")];
  expect(levelWords([{ units: ["Sở", "Cụm", "Trường"] }, { units: [] }], odd)).toEqual([
    "Sở",
    "Cụm trường",
    "Trường",
  ]);
  expect(levelWords([{ units: ["Sở"] }], odd)).toEqual(["Sở"]);
  expect(levelWords([], odd)).toEqual([]);
});
