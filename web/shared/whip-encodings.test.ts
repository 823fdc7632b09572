import { describe, expect, test } from "vitest";
import { pictureEncodings, soundEncoding } from "./whip-encodings.ts";

/** `rid:lines` of the live layers of a camera. */
function layers(width: number, height: number, role: "program" | "second_camera" = "program"): string[] {
  return pictureEncodings(role, { width, height })
    .filter((encoding) => encoding.active)
    .map(
      ({ rid, scaleResolutionDownBy = 1 }) =>
        `${rid}:${Math.round(Math.min(width, height) / scaleResolutionDownBy)}`,
    );
}

describe("layers follow the camera's real size", () => {
  test("a 720p camera sends 180, 360 and 720 lines", () => {
    expect(layers(1280, 720)).toEqual(["q:180", "h:360", "f:720"]);
  });
  test("a 1080p camera is scaled down to the same three", () => {
    expect(layers(1920, 1080)).toEqual(["q:180", "h:360", "f:720"]);
  });
  test("a 360p camera sends two layers", () => {
    expect(layers(640, 360)).toEqual(["q:180", "h:360"]);
  });
  test("a 480-line camera keeps its lines in the middle layer", () => {
    expect(layers(640, 480)).toEqual(["q:180", "h:480"]);
  });
  test("a 180-line camera sends one layer as it is", () => {
    expect(layers(320, 180)).toEqual(["q:180"]);
  });
  test("a phone held upright is measured by its shorter side", () => {
    expect(layers(720, 1280)).toEqual(["q:180", "h:360", "f:720"]);
  });
  test("the second camera never costs more than 360 lines", () => {
    expect(layers(1280, 720, "second_camera")).toEqual(["q:180", "h:360"]);
  });
});

describe("what the relay counts on", () => {
  test("the number of encodings never changes, so a smaller camera needs no new offer", () => {
    for (const [width, height] of [
      [1920, 1080],
      [640, 360],
      [160, 120],
    ] as const) {
      expect(pictureEncodings("program", { width, height }).map(({ rid }) => rid)).toEqual(["q", "h", "f"]);
    }
  });
  test("every layer names its frame rate: one alone would pull all the others down", () => {
    for (const role of ["program", "second_camera", "slides"] as const) {
      for (const encoding of pictureEncodings(role, null)) expect(encoding.maxFramerate).toBeGreaterThan(0);
    }
  });
  test("the floor for weak places stays within 7 frames/s and 80 kbit/s", () => {
    const [floor] = pictureEncodings("program", { width: 1280, height: 720 });
    expect(floor?.maxFramerate).toBeLessThanOrEqual(7);
    expect(floor?.maxBitrate).toBeLessThanOrEqual(80_000);
  });
  test("no picture is ever scaled up", () => {
    for (const lines of [90, 180, 240, 360, 480, 540, 720, 1080, 2160]) {
      for (const encoding of pictureEncodings("program", { width: lines * 2, height: lines })) {
        expect(encoding.scaleResolutionDownBy).toBeGreaterThanOrEqual(1);
      }
    }
  });
  test("slides are one layer, at most 1 Mbit/s, and a 4K screen is brought to 1080 lines", () => {
    const encodings = pictureEncodings("slides", { width: 3840, height: 2160 });
    expect(encodings).toHaveLength(1);
    expect(encodings[0]).toMatchObject({ scaleResolutionDownBy: 2, maxBitrate: 1_000_000 });
  });
  test("the voice goes first", () => {
    expect(soundEncoding("voice").priority).toBe("high");
    expect(pictureEncodings("program", null).every(({ priority }) => priority === "low")).toBe(true);
  });
});
