import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Hello, ServerMessage } from "./protocol.ts";
import { SignalClient, type SignalStatus, type Socket, signalUrl } from "./signal-client.ts";
import { fakeBrowser } from "./testing.ts";

class FakeSocket implements Socket {
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: string[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
  welcome(): void {
    this.onopen?.(new Event("open"));
    this.say({ type: "welcome", v: 1, role: "place", lesson: null, place: null, server_time: 0 });
  }
  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  fail(code = 1006): void {
    this.onclose?.({ code } as CloseEvent);
  }
}

const HELLO: Hello = { type: "hello", v: 1, token: "T", lang: "vi", device: { kind: "tv", codecs: [] } };

function start(hello: () => Hello | Promise<Hello> = () => HELLO) {
  const sockets: FakeSocket[] = [];
  const statuses: SignalStatus[] = [];
  const messages: ServerMessage[] = [];
  let outdated = 0;
  const client = new SignalClient({
    url: "ws://x/api/ws",
    hello,
    onMessage: (message) => messages.push(message),
    onStatus: (status) => statuses.push(status),
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    onOutdated: () => {
      outdated += 1;
    },
    random: () => 0.5,
  });
  client.start();
  const socket = (): FakeSocket => {
    const last = sockets[sockets.length - 1];
    if (last === undefined) throw new Error("no socket was opened");
    return last;
  };
  return {
    client,
    sockets,
    socket,
    statuses,
    messages,
    outdated: () => outdated,
    status: () => statuses[statuses.length - 1],
  };
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

test("the first thing sent is hello, and welcome opens the connection", () => {
  const { socket, status } = start();
  socket().welcome();
  expect(socket().sent.map((text) => JSON.parse(text))).toEqual([HELLO]);
  expect(status()).toEqual({ kind: "open" });
});

test("an outage of a night is survived: it tries for ever, at most eight seconds apart", () => {
  const { sockets, socket, status } = start();
  for (let tries = 0; tries < 2000; tries += 1) {
    socket().fail();
    vi.advanceTimersByTime(8000);
  }
  expect(sockets.length).toBeGreaterThan(1999);
  socket().welcome();
  expect(status()).toEqual({ kind: "open" });
});

test("a server that accepts and hangs up is not hammered", () => {
  const { socket, statuses } = start();
  for (let tries = 0; tries < 6; tries += 1) {
    socket().onopen?.(new Event("open"));
    socket().fail();
    vi.advanceTimersByTime(8000);
  }
  const waits = statuses.flatMap((status) => (status.kind === "waiting" ? [status.retryInMs] : []));
  expect(waits).toEqual([375, 750, 1500, 3000, 6000, 6000]);
});

test("after a welcome the waiting starts small again", () => {
  const { socket, status } = start();
  for (let tries = 0; tries < 5; tries += 1) {
    socket().fail();
    vi.advanceTimersByTime(8000);
  }
  socket().welcome();
  socket().fail(1012);
  expect(status()).toEqual({ kind: "waiting", attempt: 1, retryInMs: 375 });
});

test("when the network comes back it tries at once", () => {
  const { sockets, socket } = start();
  for (let tries = 0; tries < 5; tries += 1) {
    socket().fail();
    vi.advanceTimersByTime(8000);
  }
  socket().fail();
  const before = sockets.length;
  browser.wake();
  expect(sockets.length).toBe(before + 1);
});

test("a machine that slept checks its connection when it wakes", () => {
  const { socket } = start();
  socket().welcome();
  vi.advanceTimersByTime(2000);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(2000);
  expect(socket().sent.some((text) => text.includes('"ping"'))).toBe(true);
});

test("a connection that stops answering is given up and replaced", () => {
  const { sockets, socket } = start();
  socket().welcome();
  const dead = socket();
  vi.advanceTimersByTime(19_000);
  expect(dead.closed).toBe(true);
  expect(sockets.length).toBe(2);
});

test("a connection that answers is kept", () => {
  const { sockets, socket } = start();
  socket().welcome();
  for (let minute = 0; minute < 60; minute += 1) {
    vi.advanceTimersByTime(5000);
    socket().say({ type: "pong" });
  }
  expect(sockets.length).toBe(1);
});

test("a refused or revoked link is not tried again", () => {
  for (const [code, reason] of [
    [4401, "unauthorized"],
    [4403, "revoked"],
    [4409, "replaced"],
    [4410, "lesson_deleted"],
  ] as const) {
    const { sockets, socket, status } = start();
    socket().fail(code);
    vi.advanceTimersByTime(600_000);
    browser.wake();
    expect(status()).toEqual({ kind: "refused", reason, problem: null });
    expect(sockets.length).toBe(1);
  }
});

test("the relay's own words about a refusal are kept", () => {
  const { socket, status } = start();
  const problem = { code: "invitation_revoked", detail_vi: "Liên kết đã bị thu hồi.", detail: "revoked" };
  socket().say({ type: "error", ...problem });
  socket().fail(4401);
  expect(status()).toEqual({ kind: "refused", reason: "unauthorized", problem });
});

test("closing without retry ends it, closing with retry does not", () => {
  const ended = start();
  ended.socket().welcome();
  ended.socket().say({ type: "closing", reason: "replaced", retry: false });
  ended.socket().fail(1000);
  expect(ended.status()).toEqual({ kind: "refused", reason: "replaced", problem: null });

  const drained = start();
  drained.socket().welcome();
  drained.socket().say({ type: "closing", reason: "draining", retry: true });
  drained.socket().fail(1012);
  expect(drained.status()?.kind).toBe("waiting");
});

test("nonsense from the network is dropped and the connection goes on", () => {
  const { socket, messages, status } = start();
  socket().welcome();
  for (const data of [
    "",
    "{",
    "[]",
    "null",
    '{"type":"party"}',
    '{"type":"lesson","lesson":7}',
    new ArrayBuffer(3),
  ]) {
    socket().onmessage?.({ data } as MessageEvent);
  }
  expect(messages.map(({ type }) => type)).toEqual(["welcome"]);
  expect(status()).toEqual({ kind: "open" });
});

test("a relay of another version is told to the page and not asked in a loop", () => {
  const { sockets, socket, outdated } = start();
  for (let minute = 0; minute < 10; minute += 1) {
    socket().welcome();
    socket().fail(4400);
    vi.advanceTimersByTime(60_000);
  }
  expect(outdated()).toBe(10);
  expect(sockets.length).toBe(11);
});

test("stopping is final", () => {
  const { client, sockets, socket } = start();
  socket().welcome();
  client.stop();
  vi.advanceTimersByTime(600_000);
  expect(sockets.length).toBe(1);
  expect(client.send({ type: "lesson.start" })).toBe(false);
});

test("a page served over TLS talks over TLS", () => {
  expect(signalUrl({ protocol: "https:", host: "cau.example" })).toBe("wss://cau.example/api/ws");
  expect(signalUrl({ protocol: "http:", host: "10.0.0.2:8080" })).toBe("ws://10.0.0.2:8080/api/ws");
});

test("a hello that is ready only after its connection has gone is not said on the next one, which says its own", async () => {
  const waiting: ((hello: Hello) => void)[] = [];
  const { sockets } = start(() => new Promise((resolve) => waiting.push(resolve)));
  sockets[0]?.onopen?.({} as Event);
  sockets[0]?.fail();
  while (sockets.length < 2) await vi.advanceTimersByTimeAsync(100);
  sockets[1]?.onopen?.({} as Event);
  waiting[0]?.(HELLO);
  await Promise.resolve();
  expect([sockets[0]?.sent.length, sockets[1]?.sent.length]).toEqual([0, 0]);
  waiting[1]?.(HELLO);
  await Promise.resolve();
  expect(sockets[1]?.sent.length).toBe(1);
});
