import { expect, test } from "vitest";
import { matches, namesOf } from "./search.ts";

test("a place is found without diacritics and in any order of words", () => {
  for (const wanted of ["meo vac", "Mèo", "9a meo", "", "DONG"]) {
    expect([wanted, matches("THCS Mèo Vạc Đồng · lớp 9A", wanted)]).toEqual([wanted, true]);
  }
  expect(matches("THCS Mèo Vạc", "du gia")).toBe(false);
});

test("names pasted from a sheet lose empty lines, doubles and stray spaces", () => {
  expect(namesOf("  THCS  Du Già\r\n\r\nTHCS Lũng Cú\nTHCS Du Già\t\n")).toEqual([
    "THCS Du Già",
    "THCS Lũng Cú",
  ]);
});
