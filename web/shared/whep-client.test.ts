import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HttpRefusal, Unreachable } from "./http.ts";
import { fakeBrowser } from "./testing.ts";
import { type PlayingSession, WhepClient, type WhepState } from "./whep-client.ts";
import type { RestartOutcome } from "./whep-session.ts";
import type { Flow } from "./whep-stats.ts";

/** A relay as the client sees it: what flows, what is answered. */
class FakeRelay {
  /** Media packets arrive. */
  sending = true;
  /** Liveness checks are answered. */
  reachable = true;
  restart: RestartOutcome = "restarted";
  /** What an ICE restart cures. */
  restartCures = true;
  refuse: Error | null = null;
  /** Whether it knows the sessions it opened. */
  knows: boolean | null = true;
  readonly sessions: FakeSession[] = [];
  restarts = 0;
}

class FakeSession implements PlayingSession {
  readonly peer: string;
  readonly pc = { connectionState: "connected", iceConnectionState: "connected" } as const;
  closed = false;
  left = false;
  private packets = 0;
  private checks = 0;
  private readonly relay: FakeRelay;

  constructor(relay: FakeRelay) {
    this.relay = relay;
    this.peer = `peer${relay.sessions.length}`;
    relay.sessions.push(this);
  }

  async flow(): Promise<Flow> {
    if (this.relay.sending && this.relay.reachable) this.packets += 50;
    if (this.relay.reachable) this.checks += 1;
    return { slots: {}, packets: this.packets, lost: 0, frames: 0, checks: this.checks, protocol: "udp" };
  }
  async restartIce(): Promise<RestartOutcome> {
    this.relay.restarts += 1;
    if (this.relay.restart === "restarted" && this.relay.restartCures) this.relay.reachable = true;
    return this.relay.restart;
  }
  async isKnown(): Promise<boolean | null> {
    return this.relay.knows;
  }
  leave(): void {
    this.left = true;
  }
  close(): void {
    this.closed = true;
  }
}

function start(relay = new FakeRelay()) {
  const states: WhepState[] = [];
  const client = new WhepClient({
    endpoint: "http://x/whep/L",
    token: "T",
    onState: (state) => states.push(state),
    onTrack: () => undefined,
    onFlow: () => undefined,
    open: async () => {
      if (relay.refuse !== null) throw relay.refuse;
      return new FakeSession(relay);
    },
    random: () => 0.5,
  });
  client.expect(true);
  client.start();
  return { client, relay, states, kinds: () => states.map(({ kind }) => kind) };
}

let browser: ReturnType<typeof fakeBrowser>;
beforeEach(() => {
  vi.useFakeTimers();
  browser = fakeBrowser();
});
afterEach(() => {
  browser.restore();
  vi.useRealTimers();
});

test("a flowing lesson is left alone", async () => {
  const { relay, kinds } = start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(kinds()).toEqual(["connecting", "connected"]);
  expect(relay.restarts).toBe(0);
});

test("a broken path is repaired by an ICE restart, with the same session", async () => {
  const { relay, kinds } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  relay.reachable = false;
  await vi.advanceTimersByTimeAsync(12_000);
  expect(kinds()).toEqual(["connecting", "connected", "repairing", "connected"]);
  expect(relay.sessions).toHaveLength(1);
});

test("when the restart does not help, a new session does", async () => {
  const { relay, kinds } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  relay.reachable = false;
  relay.restartCures = false;
  await vi.advanceTimersByTimeAsync(9000);
  relay.reachable = true;
  relay.sending = true;
  await vi.advanceTimersByTimeAsync(5000);
  expect(relay.sessions.length).toBeGreaterThanOrEqual(1);
  expect(kinds().at(-1)).toBe("connected");
});

test("a restarted server that knows no session is asked for a new one at once", async () => {
  const { relay, kinds } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  relay.reachable = false;
  relay.restart = "unknown";
  await vi.advanceTimersByTimeAsync(6100);
  relay.reachable = true;
  expect(relay.sessions).toHaveLength(2);
  expect(relay.sessions[0]).toMatchObject({ left: true, closed: false });
  expect(kinds().slice(0, 5)).toEqual(["connecting", "connected", "repairing", "connecting", "connected"]);
});

test("the last picture is kept until the new session brings one", async () => {
  const { relay } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  relay.reachable = false;
  relay.restart = "unknown";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(relay.sessions[0]?.closed).toBe(false);
  expect(relay.sessions.slice(1, -1).every(({ closed }) => closed)).toBe(true);
  relay.reachable = true;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(relay.sessions[0]?.closed).toBe(true);
  expect(relay.sessions.at(-1)?.closed).toBe(false);
});

test("a teacher who went silent costs the relay nothing while our path answers", async () => {
  const { relay } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  relay.sending = false;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(relay.restarts).toBe(0);
  expect(relay.sessions).toHaveLength(1);
});

test("with nothing published, silence is no alarm but unanswered checks are", async () => {
  const { client, relay } = start();
  client.expect(false);
  relay.sending = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(relay.restarts).toBe(0);
  relay.reachable = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(relay.restarts).toBe(1);
});

test("no network: it tries for ever and comes back", async () => {
  const relay = new FakeRelay();
  relay.refuse = new TypeError("Failed to fetch");
  const { kinds } = start(relay);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(kinds().filter((kind) => kind === "connecting").length).toBeGreaterThan(400);
  relay.refuse = null;
  await vi.advanceTimersByTimeAsync(8000);
  expect(kinds().at(-1)).toBe("connected");
});

test("waking up ends the waiting", async () => {
  const relay = new FakeRelay();
  relay.refuse = new TypeError("Failed to fetch");
  const { kinds } = start(relay);
  await vi.advanceTimersByTimeAsync(30_000);
  relay.refuse = null;
  browser.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(kinds().at(-1)).toBe("connected");
});

test("a revoked link is not asked again, a busy relay is, no sooner than it wants", async () => {
  const refused = new FakeRelay();
  const problem = { code: "invitation_revoked", detail: "", detail_vi: "" };
  refused.refuse = new HttpRefusal(401, problem, null);
  const first = start(refused);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(first.states).toEqual([
    { kind: "connecting", attempt: 0 },
    { kind: "refused", status: 401, problem },
  ]);

  const busy = new FakeRelay();
  busy.refuse = new HttpRefusal(429, null, 20_000);
  const second = start(busy);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(second.kinds()).toEqual(["connecting", "waiting"]);
});

test("stopping closes the session, also one that is just being opened", async () => {
  const { client, relay } = start();
  client.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(relay.sessions.every(({ closed }) => closed)).toBe(true);
});

test("a link that was gone and comes back by itself brings the same session back", async () => {
  const { relay, client, states } = start();
  await vi.advanceTimersByTimeAsync(2000);
  expect(states.at(-1)).toMatchObject({ kind: "connected", peer: "peer0" });
  relay.reachable = false;
  relay.restart = "unreachable";
  await vi.advanceTimersByTimeAsync(20_000);
  expect(states.at(-1)).toEqual({ kind: "repairing" });
  expect(relay.sessions.length).toBe(1);
  expect(relay.sessions[0]?.left).toBe(false);
  relay.reachable = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(states.at(-1)).toMatchObject({ kind: "connected", peer: "peer0" });
  client.stop();
});

test("a session the relay has forgotten during an outage is replaced as soon as it can be asked", async () => {
  const { relay, client, states } = start();
  await vi.advanceTimersByTimeAsync(2000);
  relay.reachable = false;
  relay.restart = "unreachable";
  await vi.advanceTimersByTimeAsync(180_000);
  relay.restart = "unknown";
  relay.sending = true;
  const before = relay.sessions.length;
  relay.reachable = true;
  const [old] = relay.sessions;
  if (old !== undefined)
    old.flow = async () => ({ slots: {}, packets: 100, lost: 0, frames: 0, checks: 2, protocol: "udp" });
  await vi.advanceTimersByTimeAsync(2500);
  expect(relay.sessions.length).toBe(before + 1);
  expect(states.at(-1)).toMatchObject({ kind: "connected" });
  client.stop();
});

test("a relay that cannot be asked is told from a way that fails", async () => {
  const { relay, client } = start();
  await vi.advanceTimersByTimeAsync(5000);
  expect(client.isCutOff).toBe(false);
  relay.reachable = false;
  relay.restart = "unreachable";
  await vi.advanceTimersByTimeAsync(10_000);
  expect(client.isCutOff).toBe(true);
  relay.reachable = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(client.isCutOff).toBe(false);
  // A network on which requests pass and media does not.
  relay.reachable = false;
  relay.restart = "restarted";
  relay.restartCures = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(client.isCutOff).toBe(false);
  client.stop();
});

test("a browser that cannot make an offer is not taken for a link that is down", async () => {
  const { relay, client } = start(Object.assign(new FakeRelay(), { refuse: new Unreachable("no network") }));
  await vi.advanceTimersByTimeAsync(3000);
  expect(client.isCutOff).toBe(true);
  relay.refuse = new TypeError("addTransceiver is not a function");
  await vi.advanceTimersByTimeAsync(5000);
  expect(client.isCutOff).toBe(false);
  client.stop();
});

test("a relay that restarted has forgotten the session: it is asked, and a new one opened before silence could tell", async () => {
  const { relay, client, kinds } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  client.nudge();
  await vi.advanceTimersByTimeAsync(100);
  expect(relay.sessions.length).toBe(1);
  // The teacher is not back yet: nothing is published, so nothing is missed.
  client.expect(false);
  relay.knows = false;
  client.nudge();
  await vi.advanceTimersByTimeAsync(100);
  expect(relay.sessions.length).toBe(2);
  expect(kinds().at(-1)).toBe("connected");
  // A relay that could not be asked says nothing.
  relay.knows = null;
  client.nudge();
  await vi.advanceTimersByTimeAsync(100);
  expect(relay.sessions.length).toBe(2);
  client.stop();
});
