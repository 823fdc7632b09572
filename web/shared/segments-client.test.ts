import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type SegmentSocket, SegmentsClient } from "./segments-client.ts";
import type { SegmentFrame } from "./segments-frame.ts";
import { fakeBrowser } from "./testing.ts";
import type { WhepState } from "./whep-client.ts";

class FakeSocket implements SegmentSocket {
  binaryType = "";
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: unknown[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  admit(): void {
    this.onopen?.(new Event("open"));
    this.say({ type: "rung", layer: "mid" });
  }
  say(word: unknown): void {
    this.onmessage?.({ data: JSON.stringify(word) } as MessageEvent);
  }
  chunk(slot: number): void {
    const bytes = new Uint8Array(21);
    bytes.set([1, slot, 1, 1]);
    this.onmessage?.({ data: bytes.buffer } as MessageEvent);
  }
  fail(code: number): void {
    this.onclose?.({ code } as CloseEvent);
  }
}

function start() {
  const sockets: FakeSocket[] = [];
  const states: WhepState[] = [];
  const frames: SegmentFrame[] = [];
  const client = new SegmentsClient({
    url: "ws://x/api/segments",
    token: "T",
    lesson: "L",
    onState: (state) => states.push(state),
    onFrame: (frame) => frames.push(frame),
    onFresh: () => undefined,
    onRung: () => undefined,
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    random: () => 0.5,
  });
  client.expect(true);
  client.start();
  const socket = (): FakeSocket => sockets[sockets.length - 1] as FakeSocket;
  return { client, sockets, socket, frames, kinds: () => states.map(({ kind }) => kind) };
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

test("who and what comes first, then the sizes that are shown", () => {
  const { client, socket, kinds } = start();
  client.want("slides_video", null);
  socket().admit();
  expect(socket().sent).toContainEqual({ type: "play", token: "T", lesson: "L" });
  expect(socket().sent[socket().sent.length - 1]).toEqual({
    type: "want",
    slot: "slides_video",
    layer: null,
  });
  expect(kinds()).toEqual(["connecting", "connected"]);
});

test("a slot that begins anew is switched off and on at its size", () => {
  const { client, socket } = start();
  socket().admit();
  client.want("program_video", "mid");
  client.restart(["program_video"]);
  expect(socket().sent.slice(-2)).toEqual([
    { type: "want", slot: "program_video", layer: null },
    { type: "want", slot: "program_video", layer: "mid" },
  ]);
});

test("a connection that brings nothing although the lesson runs is replaced", () => {
  const { sockets, socket, kinds } = start();
  socket().admit();
  for (let second = 0; second < 20; second += 1) {
    socket().chunk(0);
    vi.advanceTimersByTime(1000);
  }
  expect(sockets.length).toBe(1);
  vi.advanceTimersByTime(9000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets.length).toBe(2);
  expect(kinds().slice(-2)).toEqual(["waiting", "connecting"]);
});

test("a revoked link is not tried again, everything else is, for ever", () => {
  const { sockets, socket, kinds } = start();
  for (let outage = 0; outage < 30; outage += 1) {
    socket().fail(1006);
    vi.advanceTimersByTime(9000);
  }
  expect(sockets.length).toBe(31);
  socket().admit();
  socket().fail(4403);
  expect(kinds()[kinds().length - 1]).toBe("refused");
  vi.advanceTimersByTime(100_000);
  expect(sockets.length).toBe(31);
});
