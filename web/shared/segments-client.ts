/**
 * A lesson over a WebSocket, for browsers without WebRTC or behind networks that let none through. Like the other connections it
 * comes back for ever with jittered back-off and stops only where the relay says that the link is dead.
 */
import { type BackoffPolicy, backoffMs, RECONNECT } from "./backoff.ts";
import { decode } from "./decode.ts";
import {
  type LayerName,
  type Problem,
  type SegmentsWord,
  SLOT_ORDER,
  type Slot,
  segmentsWordDecoder,
} from "./protocol.ts";
import { readSegmentFrame, type SegmentFrame } from "./segments-frame.ts";
import { onWake } from "./wake.ts";
import type { WhepState } from "./whep-client.ts";

/** The part of `WebSocket` the client uses; tests bring their own. */
export interface SegmentSocket {
  binaryType: string;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface SegmentsClientOptions {
  readonly url: string;
  readonly token: string;
  readonly lesson: string;
  /** An observer's seat: lets her player into a locked lesson. */
  readonly seat?: string | null;
  readonly onState: (state: WhepState) => void;
  readonly onFrame: (frame: SegmentFrame) => void;
  /** A new connection: initialisation segments and keyframes follow. */
  readonly onFresh: () => void;
  /** The highest layer the relay trusts this link with; `null`: sound alone. */
  readonly onRung: (layer: LayerName | null) => void;
  /** Where the lesson's timeline is (seconds) on the relay's wall clock (milliseconds since 1970). */
  readonly onClock?: (timeline: number, at: number) => void;
  readonly backoff?: BackoffPolicy;
  readonly openSocket?: (url: string) => SegmentSocket;
  readonly random?: () => number;
}

const OPEN_WITHIN_MS = 8000;
/** Sound comes five times a second: this much silence while something is published is a dead connection. */
const SILENT_MS = 6000;
const LOOK_EVERY_MS = 1000;
/** The lesson has left the air; the signalling WebSocket says when it is on again, this is for a race between both. */
const OFF_AIR_RETRY_MS = 2000;
const PROTOCOL_RETRY_MS = 60_000;

const PROTOCOL_ERROR = 4400;
const TOKEN_REFUSED = 4401;
const REVOKED = 4403;
const OFF_AIR = 4410;

/** `ws:` or `wss:` address of the relay that served this page. */
export function segmentsUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/api/segments`;
}

export class SegmentsClient {
  private readonly options: SegmentsClientOptions;
  private readonly wanted = new Map<Slot, LayerName | null>();
  private socket: SegmentSocket | null = null;
  private running = false;
  private attempt = 0;
  private expecting = false;
  private heardAt = 0;
  private problem: Problem | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setInterval> | undefined;
  private stopWatching: (() => void) | null = null;

  constructor(options: SegmentsClientOptions) {
    this.options = options;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.attempt = 0;
    this.lookTimer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.stopWatching = onWake(() => this.nudge());
    this.connect();
  }

  stop(): void {
    this.halt();
    this.options.onState({ kind: "stopped" });
  }

  /** Whether anything is published: silence is suspicious only then. */
  expect(something: boolean): void {
    if (something && !this.expecting) this.heardAt = Date.now();
    this.expecting = something;
  }

  /** There is reason to believe that things changed: retry now. */
  nudge(): void {
    if (!this.running || this.socket !== null) return;
    this.connect();
  }

  /** For how long nothing has come. */
  get silentMs(): number {
    return this.expecting ? Date.now() - this.heardAt : 0;
  }

  /** The size a slot is shown at; `null` = not shown. */
  want(slot: Slot, layer: LayerName | null): void {
    if (this.wanted.has(slot) && this.wanted.get(slot) === layer) return;
    this.wanted.set(slot, layer);
    this.say(slot, layer);
  }

  /** Begins slots anew: initialisation segment and keyframe come again. */
  restart(slots: readonly Slot[]): void {
    for (const slot of slots) {
      const layer = this.wanted.get(slot) ?? "high";
      if (this.wanted.get(slot) === null) continue;
      this.say(slot, null);
      this.say(slot, layer);
    }
  }

  private say(slot: Slot, layer: LayerName | null): void {
    if (this.socket === null) return;
    try {
      this.socket.send(JSON.stringify({ type: "want", slot, layer }));
    } catch {
      // Not open yet: `opened` says all of it.
    }
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.problem = null;
    this.options.onState({ kind: "connecting", attempt: this.attempt });
    const open = this.options.openSocket ?? ((url: string): SegmentSocket => new WebSocket(url));
    const socket = open(this.options.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.timer = setTimeout(() => this.drop(), OPEN_WITHIN_MS);
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.closed(event.code);
  }

  private opened(socket: SegmentSocket): void {
    const { token, lesson, seat } = this.options;
    socket.send(JSON.stringify({ type: "play", token, lesson, seat: seat ?? undefined }));
    for (const slot of SLOT_ORDER) {
      const layer = this.wanted.get(slot);
      if (layer !== undefined) this.say(slot, layer);
    }
  }

  private receive(data: unknown): void {
    this.heardAt = Date.now();
    if (data instanceof ArrayBuffer) {
      const frame = readSegmentFrame(data);
      if (frame !== null) this.options.onFrame(frame);
      return;
    }
    const word = readWord(data);
    if (word === null) return;
    switch (word.type) {
      case "rung":
        if (this.timer !== undefined) this.admitted();
        this.options.onRung(word.layer);
        break;
      case "clock":
        this.options.onClock?.(word.timeline / 1e6, word.at);
        break;
      case "error":
        this.problem = { code: word.code, detail: word.detail, detail_vi: word.detail_vi };
        break;
      case "closing":
        break;
    }
  }

  /** The first word of the relay: we are in. */
  private admitted(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.attempt = 0;
    this.options.onFresh();
    this.options.onState({ kind: "connected", peer: "" });
  }

  private look(): void {
    if (this.socket !== null && this.timer === undefined && this.silentMs > SILENT_MS) this.drop();
  }

  private closed(code: number): void {
    this.detach();
    if (code === TOKEN_REFUSED || code === REVOKED) {
      const { problem } = this;
      this.halt();
      this.options.onState({ kind: "refused", problem, status: code === TOKEN_REFUSED ? 401 : 403 });
      return;
    }
    this.retryLater(code === OFF_AIR ? OFF_AIR_RETRY_MS : code === PROTOCOL_ERROR ? PROTOCOL_RETRY_MS : 0);
  }

  private drop(): void {
    const { socket } = this;
    this.detach();
    socket?.close();
    this.retryLater(0);
  }

  private retryLater(atLeastMs: number): void {
    const policy = this.options.backoff ?? RECONNECT;
    const wait = backoffMs(policy, this.attempt, (this.options.random ?? Math.random)());
    const retryInMs = Math.max(wait, atLeastMs);
    this.attempt += 1;
    this.options.onState({ kind: "waiting", attempt: this.attempt, retryInMs, problem: this.problem });
    this.timer = setTimeout(() => this.connect(), retryInMs);
  }

  private detach(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.socket === null) return;
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket = null;
  }

  private halt(): void {
    const { socket } = this;
    this.running = false;
    this.detach();
    clearInterval(this.lookTimer);
    socket?.close();
    this.stopWatching?.();
    this.stopWatching = null;
  }
}

function readWord(data: unknown): SegmentsWord | null {
  let json: unknown;
  try {
    json = JSON.parse(String(data));
  } catch {
    return null;
  }
  const word = decode(segmentsWordDecoder, json);
  return word.ok ? word.value : null;
}
