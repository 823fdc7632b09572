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
  remoteDescription: RTCSessionDescriptionInit | null = null;
  async setLocalDescription(description: RTCSessionDescriptionInit) {
    this.localDescription = description;
  }
  async setRemoteDescription(description: RTCSessionDescriptionInit) {
    if (this.remoteDescription !== null) throw new Error("an answer to no offer");
    this.remoteDescription = description;
  }
  close() {
    this.closed = true;
  }
}

const TARGET = { endpoint: "https://relay/whep/1", token: "T" };
const AHEAD = { endpoint: "https://relay/whep?stills=true", token: "T" };
let posted: { url: string; body: unknown }[];
/** What the relay says that the link shows now. */
let shownNow: string | null;

beforeEach(() => {
  FakeConnection.made = [];
  FakeConnection.failing = false;
  posted = [];
  shownNow = "1";
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("window", { location: { href: "https://relay/" } });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    posted.push({ url, body: init.body });
    if (new URL(url).pathname === "/whep") {
      if (shownNow === null) return new Response("{}", { status: 409 });
      const headers = { Location: "/session/ahead", "Nhipcau-Lesson": shownNow };
      return new Response("answer", { status: 201, headers });
    }
    return new Response("answer", {
      status: init.method === "POST" ? 201 : 200,
      headers: { Location: "/session/secret" },
    });
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

test("what comes from far away waits from its first packet on, the picture hardly less than the voice", async () => {
  class FakeReceiver {
    get jitterBufferTarget() {
      return null;
    }
  }
  vi.stubGlobal("RTCRtpReceiver", FakeReceiver);
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += 260));
  const session = await WhepSession.open(TARGET, () => {});
  expect(session.playoutMs).toBe(300);
  expect(session.receivers().map((receiver) => receiver.jitterBufferTarget)).toEqual([
    300, 300, 150, 150, 150,
  ]);
  vi.restoreAllMocks();
});

test("what is discarded leaves no connection behind", () => {
  WhepSession.prepare();
  WhepSession.discard();
  expect(FakeConnection.made.map(({ closed }) => closed)).toEqual([true]);
});

const asked = () => posted.map(({ url }) => new URL(url).pathname);

test("what was sent ahead and answered by the lesson that is wanted is watched, without asking again", async () => {
  WhepSession.prepare();
  WhepSession.sendAhead(AHEAD);
  WhepSession.sendAhead(AHEAD);
  expect((await open()).length).toBe(5);
  expect(asked()).toEqual(["/whep"]);
  expect(FakeConnection.made[0]?.closed).toBe(false);
  // The next session asks for its lesson by name.
  await open();
  expect(asked()).toEqual(["/whep", "/whep/1"]);
});

test("nothing was on the air when it was sent ahead: the same offer goes to the lesson that began meanwhile", async () => {
  shownNow = null;
  WhepSession.prepare();
  WhepSession.sendAhead(AHEAD);
  await open();
  expect(posted.map(({ body }) => body)).toEqual(["offer 0", "offer 0"]);
  expect(asked()).toEqual(["/whep", "/whep/1"]);
});

test("another lesson answered: it is given back, and the wanted one asked with a new offer", async () => {
  shownNow = "2";
  WhepSession.prepare();
  WhepSession.sendAhead(AHEAD);
  await open();
  expect(asked()).toEqual(["/whep", "/session/ahead", "/whep/1"]);
  expect(FakeConnection.made.map(({ closed }) => closed)).toEqual([true, false]);
});

test("what was sent ahead is given back when there is nothing to watch, a mere offer is kept", async () => {
  WhepSession.prepare();
  WhepSession.recall();
  expect(FakeConnection.made[0]?.closed).toBe(false);
  WhepSession.sendAhead(AHEAD);
  await vi.waitFor(() => expect(FakeConnection.made[0]?.remoteDescription).not.toBeNull());
  WhepSession.recall();
  expect(FakeConnection.made[0]?.closed).toBe(true);
  expect(asked()).toEqual(["/whep", "/session/ahead"]);
});
