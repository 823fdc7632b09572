import { expect, test } from "vitest";
import { parseRoute, type Route, routeSearch } from "./address.ts";

test("every part of the page survives a reload and a bookmark", () => {
  const routes: Route[] = [
    { kind: "lessons" },
    { kind: "places" },
    { kind: "reports" },
    { kind: "lesson", id: "0123456789abc", part: null },
    { kind: "lesson", id: "0123456789abc", part: "board" },
  ];
  for (const route of routes) expect(parseRoute(routeSearch(route))).toEqual(route);
});

test("a damaged address opens the list of lessons", () => {
  for (const search of ["?lesson=", "?lesson=../../etc", "?lesson=0123456789ABC", "?x"]) {
    expect(parseRoute(search)).toEqual({ kind: "lessons" });
  }
});

test("an unknown part opens the one that fits the lesson", () => {
  expect(parseRoute("?lesson=0123456789abc&part=kitchen")).toMatchObject({ part: null });
});
