import { expect, test } from "vitest";
import type { Slot } from "./protocol.ts";
import { comesUnseen, lossBetween, readFlow } from "./whep-stats.ts";

test("packets, frames, sound level and answered checks are added up over the slots", () => {
  const pair = {
    type: "candidate-pair",
    state: "succeeded",
    nominated: true,
    responsesReceived: 12,
    localCandidateId: "L",
  };
  const local = { type: "local-candidate", id: "L", protocol: "tcp" };
  const flow = readFlow(
    new Map<Slot, unknown[]>([
      ["program_audio", [{ type: "inbound-rtp", packetsReceived: 500, audioLevel: 0.25 }, pair, local]],
      [
        "program_video",
        [
          {
            type: "inbound-rtp",
            packetsReceived: 900,
            bytesReceived: 810_000,
            packetsLost: 7,
            framesDecoded: 250,
          },
          pair,
        ],
      ],
    ]),
  );
  expect(flow).toEqual({
    slots: {
      program_audio: { packets: 500, bytes: 0, frames: 0, level: 0.25 },
      program_video: { packets: 900, bytes: 810_000, frames: 250, level: null },
    },
    packets: 1400,
    lost: 7,
    frames: 250,
    checks: 12,
    protocol: "tcp",
  });
});

test("a browser that reports little still yields numbers", () => {
  const flow = readFlow(
    new Map<Slot, unknown[]>([
      ["program_audio", [{ type: "inbound-rtp" }, { type: "track", audioLevel: 0.5 }]],
    ]),
  );
  expect(flow.slots.program_audio).toEqual({ packets: 0, bytes: 0, frames: 0, level: 0.5 });
  expect(flow.checks).toBe(-1);
  expect(flow.protocol).toBeNull();
});

test("loss is a share of what was sent, of one connection, and of enough packets", () => {
  const flow = (packets: number, lost: number, protocol: "udp" | "tcp" = "udp") => ({
    slots: {},
    packets,
    lost,
    frames: 0,
    checks: 0,
    protocol,
  });
  expect(lossBetween(flow(100, 5), flow(570, 35))).toBeCloseTo(0.06);
  expect(lossBetween(flow(100, 5), flow(250, 5))).toBeNull();
  expect(lossBetween(flow(5000, 50), flow(400, 0))).toBeNull();
  expect(lossBetween(flow(100, 0, "tcp"), flow(900, 0, "tcp"))).toBeNull();
});

test("a link that carries the voice alone is not taken for a browser that cannot show the pictures", () => {
  const flow = (bytesReceived: number, framesDecoded: number) =>
    readFlow(
      new Map<Slot, unknown[]>([
        ["program_audio", [{ type: "inbound-rtp", packetsReceived: 1200, bytesReceived: 97_000 }]],
        // 160 packets of padding came with it, by which the relay tried the link.
        ["program_video", [{ type: "inbound-rtp", packetsReceived: 166, bytesReceived, framesDecoded }]],
      ]),
    );
  expect(comesUnseen(flow(3_000, 0))).toBe(false);
  expect(comesUnseen(flow(90_000, 0))).toBe(true);
  expect(comesUnseen(flow(90_000, 2))).toBe(false);
});
