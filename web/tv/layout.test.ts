import { expect, test } from "vitest";
import { arrange } from "./layout.ts";

test("one picture alone fills the screen, whichever it is", () => {
  for (const slot of ["program_video", "slides_video", "extra_video"] as const) {
    expect(arrange([slot], "auto")[slot]).toBe("full");
  }
});

test("slides get the room, the teacher stays beside them, a second camera below", () => {
  expect(arrange(["program_video", "slides_video", "extra_video"], "auto")).toEqual({
    slides_video: "main",
    program_video: "side-1",
    extra_video: "side-2",
  });
});

test("a choice that does not exist now falls back to what does", () => {
  expect(arrange(["program_video"], "slides")).toEqual(arrange(["program_video"], "auto"));
  expect(arrange(["slides_video"], "teacher")).toEqual(arrange(["slides_video"], "auto"));
});

test("a choice shows one picture and asks for no other", () => {
  expect(arrange(["program_video", "slides_video"], "teacher")).toEqual({
    program_video: "full",
    slides_video: "hidden",
    extra_video: "hidden",
  });
});
