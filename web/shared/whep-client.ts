/**
 * Watches a lesson for as long as it is asked to, whatever happens to the network or the relay: opens a `WhepSession`,
 * notices when nothing arrives any more, tries an ICE restart, then a new session, with jittered back-off, for ever.
 */
import { type BackoffPolicy, backoffMs } from "./backoff.ts";
import { HttpRefusal, Unreachable } from "./http.ts";
import type { Problem, Slot } from "./protocol.ts";
import { onWake } from "./wake.ts";
import { type RestartOutcome, WhepSession, type WhepTarget } from "./whep-session.ts";
import type { Flow } from "./whep-stats.ts";

export type WhepState =
  | { kind: "stopped" }
  | { kind: "connecting"; attempt: number }
  /** `peer` names the session in `demand`. */
  | { kind: "connected"; peer: string }
  | { kind: "repairing" }
  | { kind: "waiting"; attempt: number; retryInMs: number; problem: Problem | null }
  /** Patience does not help: link revoked, lesson over, nothing this browser can play. */
  | { kind: "refused"; problem: Problem | null; status: number };

/** What the client needs of a session; tests bring their own. */
export interface PlayingSession {
  readonly peer: string;
  readonly pc: Pick<RTCPeerConnection, "connectionState" | "iceConnectionState">;
  flow(): Promise<Flow>;
  restartIce(): Promise<RestartOutcome>;
  /** Whether the relay knows this session; `null`: it could not be asked. */
  isKnown?(): Promise<boolean | null>;
  /** Its receivers, where the browser has them one by one. */
  receivers?(): readonly RTCRtpReceiver[];
  /** What its voice waits since the beginning (`firstPlayout`). */
  readonly playoutMs?: number;
  /** Ends the session at the relay but keeps its last pictures. */
  leave(): void;
  close(): void;
}

export interface PathHealth {
  /** For how long no media packet has arrived; 0 while nothing is expected. */
  readonly silentMs: number;
  /** For how long the relay has left our liveness checks unanswered; `null` where the browser does not count them. */
  readonly uncheckedMs: number | null;
  /** ICE has found a pair that works. */
  readonly connected: boolean;
}

export interface WhepClientOptions extends WhepTarget {
  readonly onState: (state: WhepState) => void;
  /** A new track for a slot; it replaces the one before, which may still show the last picture. */
  readonly onTrack: (slot: Slot, track: MediaStreamTrack) => void;
  /** Once a second while a session exists. */
  readonly onFlow: (flow: Flow, path: PathHealth) => void;
  /** A session is connected, or was repaired. */
  readonly onSession?: (session: PlayingSession) => void;
  readonly backoff?: BackoffPolicy;
  readonly open?: (target: WhepTarget, onTrack: WhepClientOptions["onTrack"]) => Promise<PlayingSession>;
  readonly random?: () => number;
}

const LOOK_EVERY_MS = 1000;
/** A class that has lost its lesson is not made to wait for it: a request a second and a half is nothing even from two hundred. */
const AFTER_OUTAGE: BackoffPolicy = { firstMs: 500, maxMs: 1600 };
/** ICE and DTLS together; a loaded server or a 400 ms path needs a few seconds, more means a blocked network. */
const CONNECT_WITHIN_MS = 10_000;
/** Sound is 50 packets a second, so this much silence while something is published is suspicious… */
const SILENT_MS = 3000;
/**
 * …but only the path's own liveness checks (Chromium: one in 2.5 s) tell a broken path from a teacher who lost hers; two
 * hundred classrooms must not all restart ICE because one laptop went to sleep.
 */
const UNCHECKED_MS = 5000;
/** Browsers that do not count checks get a longer patience instead. */
const SILENT_UNKNOWN_MS = 8000;
const REPAIRED_WITHIN_MS = 4000;

export class WhepClient {
  private readonly options: WhepClientOptions;
  private session: PlayingSession | null = null;
  /** The last session that brought pictures: closing it would turn the last picture black before the next arrives. */
  private retired: PlayingSession | null = null;
  /** Grows with every start, stop and new session: whoever wakes up under another number has nothing to do. */
  private run = 0;
  private running = false;
  private attempt = 0;
  private expecting = false;
  private heardAt = 0;
  private checkedAt = 0;
  private openedAt = 0;
  private heard = { packets: -1, checks: -1 };
  private repairing = false;
  /** The session was found broken and has not been heard since. */
  private broken = false;
  /** The last request for this session reached nobody, or has not been answered yet. */
  private unreached = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setInterval> | undefined;
  private stopWatching: (() => void) | null = null;

  constructor(options: WhepClientOptions) {
    this.options = options;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.attempt = 0;
    this.lookTimer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.stopWatching = onWake(() => this.nudge());
    void this.connect();
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

  /** The relay cannot even be asked: it is not this way that fails, it is the link. */
  get isCutOff(): boolean {
    return this.unreached;
  }

  /** There is reason to believe that the path changed (wake, network, relay restarted): retry or check now. */
  nudge(): void {
    if (!this.running || this.repairing) return;
    if (this.session === null) {
      if (this.retryTimer !== undefined) void this.connect();
    } else if (Date.now() - this.heardAt > LOOK_EVERY_MS * 2) {
      void this.repair(this.session);
    } else {
      void this.verify(this.session);
    }
  }

  /** A relay that was restarted has forgotten us, and while the teacher is not back either, silence does not say so. */
  private async verify(session: PlayingSession): Promise<void> {
    const known = (await session.isKnown?.()) ?? null;
    if (known === false && session === this.session && !this.repairing) await this.connect();
  }

  private async connect(): Promise<void> {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.drop();
    const run = this.run;
    this.options.onState({ kind: "connecting", attempt: this.attempt });
    const open = this.options.open ?? ((target, onTrack) => WhepSession.open(target, onTrack));
    try {
      const session = await open(this.options, (slot, track) => {
        if (run === this.run) this.options.onTrack(slot, track);
      });
      if (run !== this.run) {
        session.close();
        return;
      }
      this.adopt(session);
    } catch (error) {
      if (run === this.run) this.failed(error);
    }
  }

  private adopt(session: PlayingSession): void {
    this.session = session;
    this.repairing = false;
    this.broken = false;
    this.unreached = false;
    this.heard = { packets: -1, checks: -1 };
    this.heardAt = Date.now();
    this.checkedAt = this.heardAt;
    this.openedAt = this.heardAt;
    this.options.onState({ kind: "connected", peer: session.peer });
    this.options.onSession?.(session);
  }

  private failed(error: unknown): void {
    const refusal = error instanceof HttpRefusal ? error : null;
    this.unreached = error instanceof Unreachable;
    if (refusal !== null && isFinal(refusal.status)) {
      this.halt();
      this.options.onState({ kind: "refused", problem: refusal.problem, status: refusal.status });
      return;
    }
    this.retryLater(refusal?.problem ?? null, refusal?.retryAfterMs ?? 0);
  }

  private retryLater(problem: Problem | null, atLeastMs: number): void {
    const wait = backoffMs(
      this.options.backoff ?? AFTER_OUTAGE,
      this.attempt,
      (this.options.random ?? Math.random)(),
    );
    const retryInMs = Math.max(wait, atLeastMs);
    this.attempt += 1;
    this.options.onState({ kind: "waiting", attempt: this.attempt, retryInMs, problem });
    this.retryTimer = setTimeout(() => void this.connect(), retryInMs);
  }

  /** Reads what arrived and acts on silence. */
  private async look(): Promise<void> {
    const session = this.session;
    if (session === null) return;
    let flow: Flow;
    try {
      flow = await session.flow();
    } catch {
      return;
    }
    if (session !== this.session) return;
    const now = Date.now();
    const hears = flow.packets > this.heard.packets;
    if (hears) {
      this.heardAt = now;
      this.unreached = false;
    }
    if (flow.packets > 0) {
      this.attempt = 0;
      this.forgetRetired();
    }
    if (flow.checks > this.heard.checks) this.checkedAt = now;
    this.heard = { packets: flow.packets, checks: flow.checks };
    if (!this.expecting) this.heardAt = now;
    this.options.onFlow(flow, {
      silentMs: now - this.heardAt,
      uncheckedMs: flow.checks < 0 ? null : now - this.checkedAt,
      connected: isUp(session.pc.iceConnectionState),
    });
    if (this.repairing) return;
    if (!this.isBroken(session, flow, now)) {
      // The link came back by itself, while nobody could be asked.
      if (this.broken && hears) this.adopt(session);
      return;
    }
    if (flow.packets === 0 && flow.checks <= 0) {
      // It never stood: a restart over the same blocked path would fail the same way.
      this.drop();
      this.retryLater(null, 0);
    } else {
      void this.repair(session);
    }
  }

  private isBroken(session: PlayingSession, flow: Flow, now: number): boolean {
    const { pc } = session;
    if (pc.connectionState === "failed" || pc.iceConnectionState === "failed") return true;
    if (pc.iceConnectionState === "disconnected") return true;
    if (pc.iceConnectionState === "new" || pc.iceConnectionState === "checking") {
      return now - this.openedAt > CONNECT_WITHIN_MS;
    }
    const silentMs = now - this.heardAt;
    if (flow.checks < 0) return this.expecting && silentMs > SILENT_UNKNOWN_MS;
    return now - this.checkedAt > UNCHECKED_MS && (!this.expecting || silentMs > SILENT_MS);
  }

  /** An ICE restart keeps keys and picture when only the path changed; when it does not help, a new session does. */
  private async repair(session: PlayingSession): Promise<void> {
    this.repairing = true;
    this.broken = true;
    this.options.onState({ kind: "repairing" });
    const before = this.heard;
    // Until the relay has answered there is no telling the way from the link.
    this.unreached = true;
    const outcome = await session.restartIce();
    if (session !== this.session) return;
    this.unreached = outcome === "unreachable";
    if (outcome === "unreachable") {
      // The link is gone, and with it no reason to believe that the relay forgot us: it goes on sending the voice, and whatever
      // gets through first is heard at once. Asked again with the next look.
      this.repairing = false;
      return;
    }
    if (outcome === "restarted" && (await this.hearsAgain(session, before))) {
      if (session !== this.session) return;
      this.adopt(session);
      return;
    }
    if (session === this.session) await this.connect();
  }

  private async hearsAgain(
    session: PlayingSession,
    before: { packets: number; checks: number },
  ): Promise<boolean> {
    for (let waited = 0; waited < REPAIRED_WITHIN_MS; waited += 250) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (session !== this.session) return false;
      const flow = await session.flow();
      if (flow.packets > before.packets) return true;
      if (!this.expecting && flow.checks > before.checks) return true;
    }
    return false;
  }

  /** Leaves the present session; nobody may act for it any more. */
  private drop(): void {
    this.run += 1;
    this.repairing = false;
    const { session } = this;
    this.session = null;
    if (session === null) return;
    if (this.heard.packets > 0 && this.retired === null) {
      session.leave();
      this.retired = session;
    } else {
      session.close();
    }
  }

  private forgetRetired(): void {
    this.retired?.close();
    this.retired = null;
  }

  private halt(): void {
    this.running = false;
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    clearInterval(this.lookTimer);
    this.stopWatching?.();
    this.stopWatching = null;
    this.drop();
    this.forgetRetired();
  }
}

function isUp(state: RTCIceConnectionState): boolean {
  return state === "connected" || state === "completed";
}

/**
 * Answers that come back the same however often one asks. Not 404 and 409: the lesson may just be changing its state, and
 * whoever started us stops us when it is over.
 */
function isFinal(status: number): boolean {
  return [400, 401, 403, 413, 415, 422].indexOf(status) >= 0;
}
