import { expect, test } from "vitest";
import type { LessonView, PictureFacts } from "../shared/viewer-state.ts";
import { clampSplit, isPictureComing, isStacked, shortcutOf, shownSlots, splitAfterKey } from "./view.ts";

test("both means slides left and teacher right, and whatever there is when one is missing", () => {
  expect(shownSlots("both", ["program_video", "slides_video"])).toEqual(["slides_video", "program_video"]);
  expect(shownSlots("both", ["program_video", "extra_video"])).toEqual(["program_video", "extra_video"]);
  expect(shownSlots("both", ["program_video"])).toEqual(["program_video"]);
  expect(shownSlots("both", [])).toEqual([]);
});

test("a class that speaks is one of the two pictures, beside the slides or the teacher", () => {
  const all = ["program_video", "slides_video", "extra_video"] as const;
  expect(shownSlots("both", all, true)).toEqual(["slides_video", "extra_video"]);
  expect(shownSlots("both", ["program_video", "extra_video"], true)).toEqual([
    "program_video",
    "extra_video",
  ]);
  expect(shownSlots("both", ["program_video", "slides_video"], true)).toEqual([
    "slides_video",
    "program_video",
  ]);
});

test("an observer who chose the teacher never gets slides instead", () => {
  expect(shownSlots("teacher", ["slides_video"])).toEqual([]);
  expect(shownSlots("pupils", ["program_video", "slides_video", "extra_video"])).toEqual(["extra_video"]);
});

test("the border moves by keys and never hides a picture", () => {
  expect(splitAfterKey(66, "ArrowLeft")).toBe(62);
  expect(splitAfterKey(79, "ArrowRight")).toBe(80);
  expect(splitAfterKey(21, "ArrowLeft")).toBe(20);
  expect(splitAfterKey(66, "Home")).toBe(20);
  expect(splitAfterKey(66, "a")).toBeNull();
  expect(clampSplit(Number.POSITIVE_INFINITY)).toBe(80);
});

test("shortcuts work with and without capitals", () => {
  expect(shortcutOf("M")).toEqual({ kind: "sound" });
  expect(shortcutOf("3")).toEqual({ kind: "view", choice: "both" });
  expect(shortcutOf("x")).toBeNull();
});

test("two pictures stand above each other where that makes them larger", () => {
  // Beside the sheet on a 1366×768 laptop, an upright tablet, a wide picture alone.
  expect([isStacked(548, 564), isStacked(772, 500), isStacked(1314, 560)]).toEqual([true, true, false]);
});

test("a first picture is waited for while it may come, and never again", () => {
  const kind = (name: LessonView["kind"]) => ({ kind: name }) as LessonView;
  const picture = (seen: boolean) => ({ program_video: { seen, frozenSince: null } as PictureFacts });
  const nothing = { pictures: {} };
  expect(
    ["connecting", "waiting", "watching"].map((k) => isPictureComing(kind(k as never), nothing)),
  ).toEqual([true, true, true]);
  expect(
    ["idle", "ended", "refused", "unplayable"].map((k) => isPictureComing(kind(k as never), nothing)),
  ).toEqual([false, false, false, false]);
  expect(isPictureComing(kind("watching"), { pictures: picture(false) })).toBe(true);
  expect(isPictureComing(kind("watching"), { pictures: picture(true) })).toBe(false);
});
