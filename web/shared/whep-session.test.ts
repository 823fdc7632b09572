import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Slot } from "./protocol.ts";
import { WhepSession } from "./whep-session.ts";

/** As much of a connection as an offer takes. */
class FakeConnection {
  static made: FakeConnection[] = [];
  static failing = false;
  offers = 0;
  closed = false;
  localDescription: RTCSessionDescriptionInit | null = null;
  constructor() {
    FakeConnection.made.push(this);
  }
  addTransceiver(kind: string) {
    return { receiver: { track: { kind } } };
  }
  async createOffer() {
    this.offers += 1;
    if (FakeConnection.failing) throw new Error("no codecs");
    return { type: "offer", sdp: `offer ${FakeConnection.made.indexOf(this)}` };
  }
  async setLocalDescription(description: RTCSessionDescriptionInit) {
    this.localDescription = description;
  }
  async setRemoteDescription() {}
  close() {
    this.closed = true;
  }
}

const TARGET = { endpoint: "https://relay/whep/1", token: "T" };
let posted: { url: string; body: unknown }[];

beforeEach(() => {
  FakeConnection.made = [];
  FakeConnection.failing = false;
  posted = [];
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("window", { location: { href: "https://relay/" } });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    posted.push({ url, body: init.body });
    return new Response("answer", { status: 201, headers: { Location: "/session/secret" } });
  });
});
afterEach(() => {
  WhepSession.discard();
  vi.unstubAllGlobals();
});

async function open(): Promise<Slot[]> {
  const slots: Slot[] = [];
  await WhepSession.open(TARGET, (slot) => slots.push(slot));
  return slots;
}

test("a prepared offer is the one that is sent, once, and its tracks are told to whoever opens the session", async () => {
  WhepSession.prepare();
  WhepSession.prepare();
  expect(FakeConnection.made.map(({ offers }) => offers)).toEqual([1]);
  expect(posted).toEqual([]);
  expect((await open()).length).toBe(5);
  expect(posted).toEqual([{ url: TARGET.endpoint, body: "offer 0" }]);
  expect(FakeConnection.made[0]?.offers).toBe(1);
  // The next session is a new one.
  expect((await open()).length).toBe(5);
  expect(posted[1]?.body).toBe("offer 1");
});

test("a prepared offer that failed is heard of when the session is opened, and the next try begins anew", async () => {
  FakeConnection.failing = true;
  WhepSession.prepare();
  await expect(open()).rejects.toThrow("no codecs");
  expect(FakeConnection.made[0]?.closed).toBe(true);
  FakeConnection.failing = false;
  await open();
  expect(posted[0]?.body).toBe("offer 1");
});

test("what is discarded leaves no connection behind", () => {
  WhepSession.prepare();
  WhepSession.discard();
  expect(FakeConnection.made.map(({ closed }) => closed)).toEqual([true]);
});
