import { describe, expect, test } from "vitest";
import { readUplink } from "./whip-stats.ts";

const pair = { id: "p", type: "candidate-pair", nominated: true, state: "succeeded" };
const layer = (rid: string, framesSent: number, reason = "none") => ({
  id: `o-${rid}`,
  type: "outbound-rtp",
  kind: "video",
  mid: "2",
  rid,
  framesSent,
  qualityLimitationReason: reason,
});

function twoSamples(first: object[], second: object[]) {
  const at = (entries: object[], timestamp: number) => entries.map((entry) => ({ ...entry, timestamp }));
  const { memory } = readUplink(at(first, 1000), null, "2", "mic");
  return readUplink(at(second, 2000), memory, "2", "mic").sample;
}

describe("what a second of sending says", () => {
  test("the rate is what left between two samples", () => {
    const transport = (bytesSent: number) => ({ id: "t", type: "transport", bytesSent, bytesReceived: 10 });
    expect(twoSamples([transport(1000)], [transport(251_000)]).sentKbps).toBe(2000);
  });

  test("Firefox counts on the candidate pair, and the line still reads as alive", () => {
    const counted = (bytesSent: number, bytesReceived: number) => ({ ...pair, bytesSent, bytesReceived });
    const transport = { id: "t", type: "transport" };
    const sample = twoSamples([transport, counted(0, 100)], [transport, counted(125_000, 300)]);
    expect(sample).toMatchObject({ sentKbps: 1000, bytesReceived: 300 });
  });

  test("a top layer that stands still while the others go on is starved", () => {
    const sample = twoSamples([layer("q", 7), layer("f", 30)], [layer("q", 14), layer("f", 30)]);
    expect(sample.starved).toEqual(["f"]);
  });

  test("a camera switched off starves nothing, and neither does a layer switched off", () => {
    expect(twoSamples([layer("q", 7), layer("f", 30)], [layer("q", 7), layer("f", 30)]).starved).toEqual([]);
    const off = { ...layer("f", 30), active: false };
    expect(twoSamples([layer("q", 7), off], [layer("q", 14), off]).starved).toEqual([]);
  });

  test("the worst loss and the worst limitation are told", () => {
    const lost = (id: string, fractionLost: number) => ({ id, type: "remote-inbound-rtp", fractionLost });
    const sample = twoSamples(
      [],
      [lost("a", 0.02), lost("v", 0.11), layer("q", 1), layer("h", 1, "bandwidth"), layer("f", 1, "cpu")],
    );
    expect(sample).toMatchObject({ loss: 0.11, limitation: "cpu" });
  });

  test("the level is the microphone's, not the film's", () => {
    const source = (trackIdentifier: string, audioLevel: number) => ({
      id: trackIdentifier,
      type: "media-source",
      kind: "audio",
      trackIdentifier,
      audioLevel,
    });
    expect(twoSamples([], [source("film", 0.9), source("mic", 0.2)]).voiceLevel).toBe(0.2);
  });
});
