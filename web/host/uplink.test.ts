import { describe, expect, test } from "vitest";
import type { UplinkSample } from "../shared/whip-stats.ts";
import { judge, UplinkJudge } from "./uplink.ts";

const fine: UplinkSample = {
  at: 0,
  sentKbps: 2300,
  availableKbps: 4000,
  rttMs: 30,
  loss: 0,
  limitation: "none",
  starved: [],
  voiceLevel: 0.1,
  bytesReceived: 1,
};

describe("one second's verdict", () => {
  test("room to spare is good", () => {
    expect(judge(fine, null)).toBe("good");
  });
  test("a smaller picture is fair", () => {
    expect(judge({ ...fine, limitation: "bandwidth" }, null)).toBe("fair");
    expect(judge({ ...fine, availableKbps: 500 }, null)).toBe("fair");
    expect(judge({ ...fine, starved: ["f"] }, null)).toBe("fair");
  });
  test("a tenth of the packets lost is poor, whoever noticed", () => {
    expect(judge({ ...fine, loss: 0.12 }, null)).toBe("poor");
    expect(judge(fine, { loss: 0.12, rtt_ms: 30, kbps: 900 })).toBe("poor");
  });
  test("a slow computer is not blamed on the line, unless the line is poor too", () => {
    expect(judge({ ...fine, limitation: "cpu" }, null)).toBe("computer_busy");
    expect(judge({ ...fine, limitation: "cpu", availableKbps: 100 }, null)).toBe("poor");
  });
});

describe("what the teacher reads", () => {
  /** Feeds one sample a second and lists each change as `second:verdict`. */
  function told(seconds: number, at: (second: number) => UplinkSample): string[] {
    const judge = new UplinkJudge();
    const changes: string[] = [];
    let last = "";
    for (let second = 0; second < seconds; second += 1) {
      const verdict = judge.update(second * 1000, at(second), null);
      if (verdict !== last) changes.push(`${second}:${verdict}`);
      last = verdict;
    }
    return changes;
  }

  test("the first seconds are called measuring while the encoder grows", () => {
    expect(told(12, (s) => (s < 6 ? { ...fine, limitation: "bandwidth" } : fine))).toEqual([
      "0:measuring",
      "8:good",
    ]);
  });
  test("one bad second changes no word", () => {
    expect(told(30, (s) => (s === 15 ? { ...fine, loss: 0.3 } : fine))).toEqual(["0:measuring", "8:good"]);
  });
  test("a line that turns bad is told within four seconds, and good again only when it lasts", () => {
    expect(told(40, (s) => (s >= 15 && s < 22 ? { ...fine, loss: 0.3 } : fine))).toEqual([
      "0:measuring",
      "8:good",
      "18:poor",
      "28:good",
    ]);
  });
});
