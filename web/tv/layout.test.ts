import { expect, test } from "vitest";
import { type Arrangement, arrange, type LayoutChoice, type StageFacts } from "./layout.ts";

function shown(facts: Partial<StageFacts>, choice: LayoutChoice = "auto"): Partial<Arrangement> {
  const all = arrange({ published: [], classSpeaks: false, own: false, works: false, ...facts }, choice);
  return Object.fromEntries(Object.entries(all).filter(([, area]) => area !== "hidden"));
}

test("one picture alone fills the screen, whichever it is", () => {
  for (const slot of ["program_video", "slides_video", "extra_video"] as const) {
    expect(shown({ published: [slot] })).toEqual({ [slot]: "full" });
  }
});

test("slides get the room, the teacher stays beside them, a second camera below", () => {
  expect(shown({ published: ["program_video", "slides_video", "extra_video"] })).toEqual({
    slides_video: "main",
    program_video: "side-1",
    extra_video: "side-2",
  });
});

test("a choice that does not exist now falls back to what does", () => {
  expect(shown({ published: ["program_video"] }, "slides")).toEqual({ program_video: "full" });
  expect(shown({ published: ["slides_video"] }, "teacher")).toEqual({ slides_video: "full" });
});

test("a choice shows one picture and asks for no other", () => {
  expect(shown({ published: ["program_video", "slides_video"] }, "teacher")).toEqual({
    program_video: "full",
  });
});

test("a class that speaks stands beside the teacher, as large as she is", () => {
  expect(shown({ published: ["program_video", "extra_video"], classSpeaks: true })).toEqual({
    program_video: "half-1",
    extra_video: "half-2",
  });
});

test("a class that speaks sees its own camera in the same place", () => {
  expect(shown({ published: ["program_video"], own: true })).toEqual({
    program_video: "half-1",
    own: "half-2",
  });
});

test("with slides the speaking class stands above the teacher", () => {
  expect(shown({ published: ["program_video", "slides_video", "extra_video"], classSpeaks: true })).toEqual({
    slides_video: "main",
    extra_video: "side-1",
    program_video: "side-2",
  });
});

test("somebody who chose the teacher alone still sees the class that speaks", () => {
  expect(shown({ published: ["program_video", "extra_video"], classSpeaks: true }, "teacher")).toHaveProperty(
    "extra_video",
    "half-2",
  );
});

test("pupils' work takes the room of the slides", () => {
  expect(shown({ published: ["program_video", "slides_video"], works: true })).toEqual({
    works: "main",
    program_video: "side-1",
    slides_video: "side-2",
  });
  expect(shown({ works: true })).toEqual({ works: "full" });
});
