import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HttpRefusal } from "./http.ts";
import type { Slot } from "./protocol.ts";
import { type PublishingSession, WhipClient, type WhipState } from "./whip-client.ts";
import type { SessionPlan } from "./whip-session.ts";

/** A relay that answers each attempt with the next line of a script. */
class Relay {
  readonly attempts: number[] = [];
  readonly plans: SessionPlan[] = [];
  /** What the present session sends, slot by slot. */
  sent = new Map<Slot, MediaStreamTrack | null>();
  /** Happens while a session is told of a source. */
  meanwhile: (() => void) | null = null;
  closed = 0;
  readonly #script: ("up" | "unreachable" | HttpRefusal)[];

  constructor(script: ("up" | "unreachable" | HttpRefusal)[]) {
    this.#script = script;
  }

  readonly open = async (plan: SessionPlan): Promise<PublishingSession> => {
    this.attempts.push(Date.now());
    const next = this.#script.shift() ?? "unreachable";
    if (next === "unreachable") throw new TypeError("fetch failed");
    if (next instanceof HttpRefusal) throw next;
    this.plans.push(plan);
    this.sent = new Map(plan.sources);
    // An offer and its answer take their time.
    await new Promise((resolve) => setTimeout(resolve, 5));
    return {
      codec: plan.codec,
      setSource: async (slot, track) => {
        this.sent.set(slot, track);
        await Promise.resolve();
        this.meanwhile?.();
        this.meanwhile = null;
        await new Promise((resolve) => setTimeout(resolve, 10));
      },
      sample: async () => null,
      check: () => undefined,
      close: async () => {
        this.closed += 1;
      },
    };
  };

  dropLast(): void {
    this.plans.at(-1)?.onLost();
  }
}

function refused(code: string): HttpRefusal {
  return new HttpRefusal(409, { code, detail: code, detail_vi: code }, null);
}

function client(relay: Relay): { whip: WhipClient; states: WhipState[] } {
  const states: WhipState[] = [];
  const whip = new WhipClient({
    endpoint: "/whip/x",
    token: "t",
    open: relay.open,
    watch: () => () => undefined,
    onState: (state) => states.push(state),
    onUplink: () => undefined,
  });
  return { whip, states };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("publishing for as long as it is asked to", () => {
  test("a relay that is down for ten minutes is tried again until it is back, ever less often", async () => {
    const relay = new Relay([...Array<"unreachable">(60).fill("unreachable"), "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(states.at(-1)).toEqual({ kind: "publishing" });
    const waits = relay.attempts.slice(1).map((at, index) => at - (relay.attempts[index] ?? 0));
    expect(waits[0]).toBeLessThan(600);
    expect(Math.max(...waits)).toBeLessThanOrEqual(8000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(4000);
    await whip.stop();
  });

  test("a lost session is replaced without a click", async () => {
    const relay = new Relay(["up", "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(10);
    relay.dropLast();
    await vi.advanceTimersByTimeAsync(1000);
    expect(states.map(({ kind }) => kind)).toEqual([
      "connecting",
      "publishing",
      "reconnecting",
      "publishing",
    ]);
    expect(relay.closed).toBe(1);
    await whip.stop();
  });

  test("after a long outage the next small one is mended as fast as the first", async () => {
    const relay = new Relay([...Array<"unreachable">(20).fill("unreachable"), "up", "up"]);
    const { whip } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(200_000);
    const before = relay.attempts.length;
    relay.dropLast();
    await vi.advanceTimersByTimeAsync(600);
    expect(relay.attempts.length).toBe(before + 1);
    await whip.stop();
  });

  test("a second host's lesson is waited for, and the reason is told", async () => {
    const relay = new Relay([refused("second_host"), "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(2000);
    expect(states[1]).toMatchObject({ kind: "reconnecting", attempt: 1, problem: { code: "second_host" } });
    expect(states.at(-1)).toEqual({ kind: "publishing" });
    await whip.stop();
  });

  test("a revoked link ends it", async () => {
    const relay = new Relay([refused("invitation_revoked"), "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toMatchObject({ kind: "refused", problem: { code: "invitation_revoked" } });
    expect(relay.attempts).toHaveLength(1);
  });

  test("a reopened WebSocket ends the wait at once", async () => {
    const relay = new Relay([...Array<"unreachable">(8).fill("unreachable"), "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(states.at(-1)?.kind).toBe("publishing");
    relay.dropLast();
    await vi.advanceTimersByTimeAsync(30_000);
    const before = relay.attempts.length;
    whip.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(relay.attempts.length).toBe(before + 1);
    await whip.stop();
  });

  test("stopping tells the relay and tries no more", async () => {
    const relay = new Relay(["up", "up"]);
    const { whip, states } = client(relay);
    whip.start();
    await vi.advanceTimersByTimeAsync(10);
    await whip.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(relay.closed).toBeGreaterThanOrEqual(1);
    expect(relay.attempts).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: "idle" });
  });
});

test("a source set before the connection stands is part of the first offer, and of every later one", async () => {
  const relay = new Relay(["up", "up"]);
  const { whip } = client(relay);
  const camera = { id: "camera" } as MediaStreamTrack;
  await whip.setSource("program_video", camera);
  whip.start();
  await vi.advanceTimersByTimeAsync(10);
  relay.dropLast();
  await vi.advanceTimersByTimeAsync(1000);
  expect(relay.plans.map(({ sources }) => sources.get("program_video"))).toEqual([camera, camera]);
  await whip.stop();
});

test("a camera that is opened while the session comes up is sent, whenever that is", async () => {
  const relay = new Relay(["up"]);
  const { whip } = client(relay);
  const [voice, camera] = [{ id: "voice" } as MediaStreamTrack, { id: "camera" } as MediaStreamTrack];
  whip.start();
  await vi.advanceTimersByTimeAsync(2);
  // The teacher allows the microphone while the offer travels, and the camera is there a moment after the answer.
  void whip.setSource("program_audio", voice);
  relay.meanwhile = () => void whip.setSource("program_video", camera);
  await vi.advanceTimersByTimeAsync(1000);
  expect([...relay.sent]).toEqual([
    ["program_audio", voice],
    ["program_video", camera],
  ]);
  await whip.stop();
});
