import { describe, expect, test } from "vitest";
import { type ChecklistFacts, checklist, type SoundCheck, type SoundEvent, soundCheck } from "./checklist.ts";

const fresh: ChecklistFacts = {
  camera: "off",
  microphone: "off",
  cameraOffByWish: false,
  muted: false,
  sound: { kind: "untested" },
  slides: false,
  places: { connected: 0, total: 3 },
  lesson: "scheduled",
};
const seen: ChecklistFacts = { ...fresh, camera: "on", microphone: "on" };

function states(facts: ChecklistFacts): string {
  return checklist(facts)
    .checks.map(({ name, state }) => `${name} ${state}`)
    .join(", ");
}

function soundAfter(...events: SoundEvent[]): SoundCheck {
  return events.reduce(soundCheck, { kind: "untested" } satisfies SoundCheck as SoundCheck);
}

describe("one thing to press at a time", () => {
  test("first the devices", () => {
    expect(checklist(fresh).primary).toBe("open_devices");
  });
  test("nothing while the browser asks for permission", () => {
    expect(checklist({ ...fresh, camera: "opening", microphone: "opening" }).primary).toBe("wait");
  });
  test("then the sound", () => {
    expect(checklist(seen).primary).toBe("record");
  });
  test("after the recording was played, the question", () => {
    expect(checklist({ ...seen, sound: { kind: "asked" } }).primary).toBe("say_heard");
  });
  test("then the lesson, whether places are there yet or not", () => {
    expect(checklist({ ...seen, sound: { kind: "heard" } }).primary).toBe("start");
  });
  test("a broken camera does not stop a lesson, a broken microphone does", () => {
    expect(checklist({ ...seen, camera: "failed", sound: { kind: "heard" } }).ready).toBe(true);
    expect(checklist({ ...seen, microphone: "failed", sound: { kind: "heard" } }).primary).toBe(
      "open_devices",
    );
  });
});

describe("what the four lines say", () => {
  test("a fresh page has everything to do", () => {
    expect(states(fresh)).toBe("picture todo, sound todo, slides open, places todo");
  });
  test("a camera switched off by wish is no fault", () => {
    expect(states({ ...seen, camera: "off", cameraOffByWish: true })).toContain("picture open");
  });
  test("a muted microphone is a problem even when the voice was heard before", () => {
    expect(states({ ...seen, sound: { kind: "heard" }, muted: true })).toContain("sound problem");
  });
  test("all places there is done, some places there is enough to begin", () => {
    expect(states({ ...seen, places: { connected: 2, total: 3 } })).toContain("places open");
    expect(states({ ...seen, places: { connected: 3, total: 3 } })).toContain("places ok");
  });
});

describe("the sound check", () => {
  test("heard means recorded, played and confirmed", () => {
    const clear: SoundEvent[] = [
      { type: "record" },
      { type: "recorded", silent: false },
      { type: "played" },
      { type: "answered", clear: true },
    ];
    expect(soundAfter(...clear)).toEqual({ kind: "heard" });
  });
  test("silence is told at once, without asking whether it was heard", () => {
    expect(soundAfter({ type: "record" }, { type: "recorded", silent: true })).toEqual({
      kind: "failed",
      cause: "silent",
    });
  });
  test("another microphone must be heard again", () => {
    expect(soundCheck({ kind: "heard" }, { type: "microphone_changed" })).toEqual({ kind: "untested" });
  });
  test("an answer without a recording counts for nothing", () => {
    expect(soundAfter({ type: "answered", clear: true })).toEqual({ kind: "untested" });
  });
  test("a recording that ends after the microphone changed is forgotten", () => {
    expect(
      soundAfter({ type: "record" }, { type: "microphone_changed" }, { type: "recorded", silent: false }),
    ).toEqual({
      kind: "untested",
    });
  });
});
