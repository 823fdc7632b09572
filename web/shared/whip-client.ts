/**
 * Publishes a lesson for as long as it is asked to, whatever happens to the network or the relay.
 *
 * Holds what each slot shall carry and keeps one `WhipSession` alive with it. A lost session is
 * replaced with jittered back-off, for ever; a change of codec opens the new session before the old
 * one goes, so that classrooms see one short step and no gap.
 */
import { type BackoffPolicy, backoffMs, RECONNECT } from "./backoff.ts";
import { HttpRefusal } from "./http.ts";
import { type CodecName, type Problem, SLOTS, type Slot } from "./protocol.ts";
import { onWake } from "./wake.ts";
import { CodecChoice, canSend } from "./whip-codecs.ts";
import { HOST_SECTIONS, type Section, type SessionPlan, WhipSession } from "./whip-session.ts";
import type { UplinkSample } from "./whip-stats.ts";

export type WhipState =
  | { kind: "idle" }
  | { kind: "connecting" }
  | { kind: "publishing" }
  /** `attempt` counts from 1; `problem` is set when the relay said why (second host, draining). */
  | { kind: "reconnecting"; attempt: number; problem: Problem | null }
  /** Not tried again by itself: the link or the lesson is over. */
  | { kind: "refused"; problem: Problem };

export interface WhipClientOptions {
  /** Address that takes the offer: `{origin}/whip/{lesson}`. */
  readonly endpoint: string;
  readonly token: string;
  /** What is ever sent; the host's when absent. */
  readonly sections?: readonly Section[];
  readonly onState: (state: WhipState) => void;
  /** Once a second while publishing. */
  readonly onUplink: (sample: UplinkSample) => void;
  readonly backoff?: BackoffPolicy;
  /** Opens a session; tests bring their own. */
  readonly open?: (plan: SessionPlan) => Promise<PublishingSession>;
  /** Tells when trying at once is worth it; tests bring their own. */
  readonly watch?: typeof onWake;
}

/** What the client needs of a session. */
export type PublishingSession = Pick<WhipSession, "codec" | "setSource" | "sample" | "check" | "close">;

/** A session that stands, and what it was offered with. */
interface Opened {
  readonly session: PublishingSession;
  readonly sources: ReadonlyMap<Slot, MediaStreamTrack>;
}

/** Refusals that no amount of patience changes. */
const FINAL: ReadonlySet<string> = new Set([
  "unauthorized",
  "invitation_revoked",
  "invitation_expired",
  "forbidden",
  "lesson_unknown",
  "lesson_ended",
  "not_in_charge",
  "place_removed",
  "sdp_malformed",
  "sdp_unsupported",
]);

export class WhipClient {
  readonly #options: WhipClientOptions;
  readonly #sources = new Map<Slot, MediaStreamTrack>();
  readonly #codec = new CodecChoice("vp8");
  #session: PublishingSession | null = null;
  /** Grows with every start and stop: whoever wakes up under another number has nothing to do. */
  #run = 0;
  #running = false;
  #ticker: ReturnType<typeof setInterval> | null = null;
  /** Ends the wait before the next attempt. */
  #wake: (() => void) | null = null;
  /** Tells the loop that the session is gone. */
  #lost: (() => void) | null = null;
  #changingCodec = false;
  #line: { kbps: number; at: number } | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(options: WhipClientOptions) {
    this.#options = options;
  }

  /** Codec of the pictures we send, or would send. */
  get codec(): CodecName {
    return this.#session?.codec ?? this.#codec.current;
  }

  /** Publishes until `stop`; a second call changes nothing. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#run += 1;
    this.#ticker = setInterval(() => void this.#tick(), TICK_MS);
    this.#stopWatching = (this.#options.watch ?? onWake)(() => this.nudge());
    void this.#keepPublishing(this.#run);
  }

  /** Ends publishing; the relay is told. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    const session = this.#session;
    this.#halt();
    this.#options.onState({ kind: "idle" });
    await session?.close();
  }

  /** What `slot` carries from now on; remembered over reconnections. */
  async setSource(slot: Slot, track: MediaStreamTrack | null): Promise<void> {
    if (track === null) this.#sources.delete(slot);
    else this.#sources.set(slot, track);
    await this.#session?.setSource(slot, track);
  }

  /** The server's wish; followed when the browser can send it and a running lesson may change. */
  preferCodec(wish: CodecName): void {
    if (!canSend(RTCRtpSender.getCapabilities("video")?.codecs ?? [], wish)) return;
    this.#codec.wish(wish, performance.now(), this.#session !== null);
    void this.#followCodec();
  }

  /** Something changed for the better (network back, WebSocket reopened): look now instead of waiting. */
  nudge(): void {
    if (this.#wake !== null) this.#wake();
    else this.#session?.check();
  }

  async #keepPublishing(run: number): Promise<void> {
    this.#options.onState({ kind: "connecting" });
    let failures = 0;
    while (this.#run === run) {
      let problem: Problem | null = null;
      try {
        const opened = await this.#openSession();
        const { session } = opened;
        if (this.#run !== run) return session.close();
        this.#adopt(opened);
        failures = 0;
        this.#options.onState({ kind: "publishing" });
        await new Promise<void>((resolve) => {
          this.#lost = resolve;
        });
        this.#lost = null;
        this.#session = null;
        await session.close();
      } catch (error) {
        problem = error instanceof HttpRefusal ? error.problem : null;
      }
      if (this.#run !== run) return;
      if (problem !== null && FINAL.has(problem.code)) {
        this.#halt();
        this.#options.onState({ kind: "refused", problem });
        return;
      }
      failures += 1;
      this.#options.onState({ kind: "reconnecting", attempt: failures, problem });
      await this.#pause(backoffMs(this.#options.backoff ?? RECONNECT, failures - 1, Math.random()));
    }
  }

  async #openSession(): Promise<Opened> {
    const sources = new Map(this.#sources);
    const opened: { session: PublishingSession | null } = { session: null };
    const isCurrent = (): boolean => opened.session !== null && opened.session === this.#session;
    const open = this.#options.open ?? ((plan: SessionPlan) => WhipSession.open(plan));
    opened.session = await open({
      endpoint: this.#options.endpoint,
      token: this.#options.token,
      codec: this.#codec.current,
      sections: this.#options.sections ?? HOST_SECTIONS,
      sources,
      startKbps: this.#knownLine(),
      onFlow: (flowing) => {
        // While another codec's session takes over, the relay lets the old one fall silent: no news.
        if (!isCurrent() || this.#changingCodec) return;
        this.#options.onState(
          flowing ? { kind: "publishing" } : { kind: "reconnecting", attempt: 1, problem: null },
        );
      },
      onLost: () => {
        if (isCurrent() && !this.#changingCodec) this.#lost?.();
      },
    });
    return { session: opened.session, sources };
  }

  /** From here on the session hears of every change; what changed while the offer travelled it is told now, all at once. */
  #adopt({ session, sources }: Opened): void {
    this.#session = session;
    for (const slot of SLOTS) {
      const track = this.#sources.get(slot) ?? null;
      if (track !== (sources.get(slot) ?? null)) void session.setSource(slot, track);
    }
  }

  async #tick(): Promise<void> {
    this.#codec.settle(performance.now());
    void this.#followCodec();
    const session = this.#session;
    const sample = await session?.sample();
    if (!sample || session !== this.#session) return;
    if (sample.availableKbps !== null) this.#line = { kbps: sample.availableKbps, at: performance.now() };
    this.#options.onUplink(sample);
  }

  /** A careful share of what the line carried a moment ago; an older measure may be of another network. */
  #knownLine(): number | null {
    if (this.#line === null || performance.now() - this.#line.at > LINE_KNOWN_MS) return null;
    return Math.min(LINE_START_MAX_KBPS, this.#line.kbps * 0.7);
  }

  /** Moves a running lesson to the chosen codec: the new session stands before the old one goes. */
  async #followCodec(): Promise<void> {
    const old = this.#session;
    if (old === null || this.#changingCodec || old.codec === this.#codec.current) return;
    const run = this.#run;
    this.#changingCodec = true;
    try {
      const opened = await this.#openSession();
      if (this.#run !== run) return await opened.session.close();
      this.#adopt(opened);
      await old.close();
    } catch {
      // The relay may already have dropped the old session for the new one: begin afresh, in the new codec.
      this.#lost?.();
    } finally {
      this.#changingCodec = false;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }

  #halt(): void {
    this.#running = false;
    this.#run += 1;
    this.#session = null;
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.#wake?.();
    this.#lost?.();
  }
}

const TICK_MS = 1000;
const LINE_KNOWN_MS = 20_000;
/** Enough for all three layers and slides. */
const LINE_START_MAX_KBPS = 3000;
