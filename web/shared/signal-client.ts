/**
 * The page's WebSocket to the relay. It reconnects for ever with jittered back-off, at once when the network or the machine
 * wakes, notices a half-dead connection by unanswered pings, and stops only when the relay says that trying again with this
 * link is pointless.
 */
import { type BackoffPolicy, backoffMs, RECONNECT } from "./backoff.ts";
import {
  type ClientMessage,
  type ClosingReason,
  type Hello,
  type Problem,
  parseServerMessage,
  type ServerMessage,
} from "./protocol.ts";
import { onWake } from "./wake.ts";

/** Why the relay wants no further attempt; `unauthorized` = it does not know the token. */
export type RefusalReason = ClosingReason | "unauthorized";

export type SignalStatus =
  | { kind: "connecting"; attempt: number }
  | { kind: "open" }
  | { kind: "waiting"; attempt: number; retryInMs: number }
  /** Not retried by itself; `problem` is the relay's own sentence when it sent one. */
  | { kind: "refused"; reason: RefusalReason; problem: Problem | null }
  | { kind: "stopped" };

/** The part of `WebSocket` the client uses; tests bring their own. */
export interface Socket {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface SignalClientOptions {
  url: string;
  /** Asked at every connection, so that a changed language or token travels with the next `hello`. */
  hello: () => Hello | Promise<Hello>;
  onMessage: (message: ServerMessage) => void;
  onStatus: (status: SignalStatus) => void;
  /** The relay speaks another version of the protocol: a page that can bear it should reload. */
  onOutdated?: () => void;
  /** A frame that is not in the protocol: it is dropped, the connection goes on. */
  onNonsense?: (problem: string) => void;
  backoff?: BackoffPolicy;
  openSocket?: (url: string) => Socket;
  random?: () => number;
}

/** From opening the socket to `welcome`. */
const WELCOME_WITHIN_MS = 10_000;
const PING_EVERY_MS = 10_000;
/** On a mountain link TCP may repair one frame for several seconds; sooner would cut living connections. */
const ANSWER_WITHIN_MS = 8000;

/** After a protocol error only a newer page or relay helps; asking more often than this is a loop. */
const OUTDATED_RETRY_MS = 60_000;

const PROTOCOL_ERROR = 4400;
const TOKEN_REFUSED = 4401;
const REVOKED = 4403;
const REPLACED = 4409;
const LESSON_DELETED = 4410;

/** `ws:` or `wss:` address of the relay that served this page. */
export function signalUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/api/ws`;
}

export class SignalClient {
  private readonly options: SignalClientOptions;
  private socket: Socket | null = null;
  private welcomed = false;
  private attempt = 0;
  private closing: { reason: ClosingReason; retry: boolean } | null = null;
  private problem: Problem | null = null;
  /** Ends a connection that does not answer, or the wait before the next attempt. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setTimeout> | undefined;
  private stopWatching: (() => void) | null = null;
  private running = false;

  constructor(options: SignalClientOptions) {
    this.options = options;
  }

  /** Connects, and from then on stays connected; calling it again changes nothing. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.attempt = 0;
    this.stopWatching = onWake(() => this.nudge());
    this.connect();
  }

  stop(): void {
    this.halt();
    this.options.onStatus({ kind: "stopped" });
  }

  /** Sends when connected; `false` when it could not (the caller's next report will carry newer facts anyway). */
  send(message: ClientMessage): boolean {
    if (this.socket === null || !this.welcomed) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** There is reason to believe that things changed: retry now, or check a connection that looks open. */
  nudge(): void {
    if (!this.running) return;
    if (this.socket === null) {
      clearTimeout(this.timer);
      this.connect();
    } else if (this.welcomed) {
      this.ping();
    }
  }

  private connect(): void {
    this.closing = null;
    this.problem = null;
    this.welcomed = false;
    this.options.onStatus({ kind: "connecting", attempt: this.attempt });
    const open = this.options.openSocket ?? ((url: string): Socket => new WebSocket(url));
    const socket = open(this.options.url);
    this.socket = socket;
    this.timer = setTimeout(() => this.drop(), WELCOME_WITHIN_MS);
    socket.onopen = () => this.greet(socket);
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.closed(event.code);
  }

  private greet(socket: Socket): void {
    const send = (hello: Hello): void => {
      if (socket === this.socket) socket.send(JSON.stringify(hello));
    };
    const hello = this.options.hello();
    // A hello that never comes is a connection that is never welcomed, and tried again.
    if (hello instanceof Promise) hello.then(send, () => undefined);
    else send(hello);
  }

  private receive(data: unknown): void {
    // Anything heard proves the connection alive: call off whoever was about to end it.
    if (this.welcomed) clearTimeout(this.timer);
    const read = parseServerMessage(typeof data === "string" ? data : "");
    if (!read.ok) {
      this.options.onNonsense?.(read.problem);
      return;
    }
    const message = read.value;
    if (message.type === "welcome") {
      clearTimeout(this.timer);
      this.welcomed = true;
      this.attempt = 0;
      this.options.onStatus({ kind: "open" });
      this.schedulePing();
    } else if (message.type === "closing") {
      this.closing = message;
    } else if (message.type === "error") {
      this.problem = { code: message.code, detail: message.detail, detail_vi: message.detail_vi };
    }
    this.options.onMessage(message);
  }

  private schedulePing(): void {
    clearTimeout(this.pingTimer);
    this.pingTimer = setTimeout(() => this.ping(), PING_EVERY_MS);
  }

  private ping(): void {
    this.send({ type: "ping", t: Date.now() });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drop(), ANSWER_WITHIN_MS);
    this.schedulePing();
  }

  /** Gives up on a socket that does not answer; its own `close` event may be minutes away. */
  private drop(): void {
    const socket = this.socket;
    this.detach();
    socket?.close();
    this.scheduleRetry();
  }

  private closed(code: number): void {
    this.detach();
    const refusal = refusalOf(code, this.closing);
    if (refusal === null) {
      this.scheduleRetry(code === PROTOCOL_ERROR ? OUTDATED_RETRY_MS : 0);
      if (code === PROTOCOL_ERROR) this.options.onOutdated?.();
      return;
    }
    this.halt();
    this.options.onStatus({ kind: "refused", reason: refusal, problem: this.problem });
  }

  private scheduleRetry(atLeastMs = 0): void {
    const policy = this.options.backoff ?? RECONNECT;
    const wait = backoffMs(policy, this.attempt, (this.options.random ?? Math.random)());
    const retryInMs = Math.max(wait, atLeastMs);
    this.attempt += 1;
    this.options.onStatus({ kind: "waiting", attempt: this.attempt, retryInMs });
    this.timer = setTimeout(() => this.connect(), retryInMs);
  }

  private detach(): void {
    clearTimeout(this.timer);
    clearTimeout(this.pingTimer);
    if (this.socket === null) return;
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket = null;
    this.welcomed = false;
  }

  private halt(): void {
    const socket = this.socket;
    this.running = false;
    this.detach();
    socket?.close();
    this.stopWatching?.();
    this.stopWatching = null;
  }
}

/** Why this closing forbids another attempt; `null` = try again. */
function refusalOf(
  code: number,
  closing: { reason: ClosingReason; retry: boolean } | null,
): RefusalReason | null {
  if (closing !== null && !closing.retry) return closing.reason;
  switch (code) {
    case TOKEN_REFUSED:
      return "unauthorized";
    case REVOKED:
      return "revoked";
    case REPLACED:
      return "replaced";
    case LESSON_DELETED:
      return "lesson_deleted";
    default:
      return null;
  }
}
