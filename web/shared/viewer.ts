/**
 * A page that watches a lesson: WebSocket, media session, stage and reports put together. It holds the facts and tells the
 * page after every change; what to show is `lessonView`'s business, how is the page's.
 */
import { beginsWithWebRtc, MediaWays } from "./media-ways.ts";
import { playbackCodecs } from "./playback-codecs.ts";
import {
  AUDIO_SLOTS,
  type ClientMessage,
  type CodecAbility,
  type Hello,
  type Lang,
  type LayerName,
  PROTOCOL_VERSION,
  type ServerMessage,
  VIDEO_SLOTS,
  type VideoSlot,
} from "./protocol.ts";
import { rememberedSeat, rememberSeat } from "./seat.ts";
import { SignalClient, type SignalStatus, signalUrl } from "./signal-client.ts";
import { type Demand, Stage } from "./stage.ts";
import {
  initialFacts,
  isWithheld,
  reduceViewer,
  type ViewerEvent,
  type ViewerFacts,
  wantsMedia,
  wantsStill,
} from "./viewer-state.ts";
import {
  canWait,
  NO_SAVER,
  nextPlayout,
  PLAYOUT_EVERY_MS,
  type Saver,
  type ShownStill,
  StillKeeper,
} from "./weak-link.ts";
import type { PlayingSession, WhepState } from "./whep-client.ts";
import { WhepSession } from "./whep-session.ts";
import type { Flow } from "./whep-stats.ts";

export interface ViewerOptions {
  readonly token: string;
  readonly kind: "tv" | "browser";
  readonly language: () => Lang;
  readonly onChange: (facts: ViewerFacts) => void;
  /** An observer's name; asked at every connection. */
  readonly name?: () => string | null;
  /** Everything the relay says, after the facts have followed. */
  readonly onMessage?: (message: ServerMessage) => void;
  /** What a person allows this page to use; asked anew by `saverChanged`. */
  readonly saver?: () => Saver;
  /** The page shows stills of the slides (`still`). */
  readonly onStill?: (still: ShownStill | null) => void;
  /** A media session is connected, or was repaired. */
  readonly onSession?: (session: PlayingSession) => void;
}

const REPORT_EVERY_MS = 5000;
/** Changes are reported at once, but a flickering picture does not flood the relay. */
const REPORT_APART_MS = 1000;

export class Viewer {
  readonly stage: Stage;
  private readonly options: ViewerOptions;
  private readonly signal: SignalClient;
  private ways: MediaWays | null = null;
  private watchedLesson: string | null = null;
  private current: ViewerFacts;
  private codecs: Promise<CodecAbility[]> = Promise.resolve([]);
  private peer: string | null = null;
  /** What the relay has been told to send to `peer`. */
  private readonly demanded = new Map<VideoSlot, LayerName | null>();
  private flow: Flow | null = null;
  private reported = { at: 0, text: "" };
  /** The loudest that came out since the last report. */
  private loudest: number | null = null;
  private reportTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly stills: StillKeeper;
  private session: PlayingSession | null = null;
  private playoutTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ViewerOptions) {
    this.options = options;
    this.current = initialFacts(Date.now());
    this.stills = new StillKeeper({
      token: options.token,
      onChange: (still) => options.onStill?.(still),
    });
    this.stage = new Stage({
      onPicture: (slot, picture) => this.apply({ type: "picture", slot, picture }),
      onSound: (sound) => this.apply({ type: "sound", sound }),
      onDemand: (demand) => this.sendDemand(demand),
    });
    this.signal = new SignalClient({
      url: signalUrl(window.location),
      hello: () => this.hello(),
      onMessage: (message) => this.receive(message),
      onStatus: (status) => this.signalChanged(status),
      onOutdated: reloadNowAndThen,
    });
  }

  get facts(): ViewerFacts {
    return this.current;
  }

  /** Connects and stays connected; meanwhile asks the browser what it can decode. */
  start(): void {
    this.signal.start();
    this.codecs = playbackCodecs(this.options.kind);
    WhepSession.prepare();
    // A room's screen is there to show whatever is on the air.
    if (this.options.kind === "tv" && beginsWithWebRtc()) this.sendAhead();
    this.scheduleReport(REPORT_EVERY_MS);
    this.playoutTimer = setInterval(() => this.stepPlayout(), PLAYOUT_EVERY_MS);
    window.addEventListener("pagehide", this.leave);
    document.addEventListener("visibilitychange", this.visibilityChanged);
  }

  private sendAhead(): void {
    const { kbps, mb } = this.options.saver?.() ?? NO_SAVER;
    const stills = this.options.onStill !== undefined;
    const ceilings = `${kbps === null ? "" : `&ceiling_kbps=${kbps}`}${mb === null ? "" : `&ceiling_mb=${mb}`}`;
    WhepSession.sendAhead({
      endpoint: `${window.location.origin}/whep?stills=${stills}&can_wait=${canWait()}${ceilings}`,
      token: this.options.token,
    });
  }

  /** `false` when there is no connection now. */
  send(message: ClientMessage): boolean {
    return this.signal.send(message);
  }

  /** Ends everything; the viewer cannot be started again. */
  stop(): void {
    window.removeEventListener("pagehide", this.leave);
    document.removeEventListener("visibilitychange", this.visibilityChanged);
    clearTimeout(this.reportTimer);
    clearInterval(this.playoutTimer);
    this.signal.stop();
    this.stills.clear();
    this.closeMedia();
    WhepSession.discard();
    this.stage.dispose();
  }

  private readonly leave = (): void => {
    this.closeMedia();
    WhepSession.recall();
  };

  private readonly visibilityChanged = (): void => {
    this.reportIfChanged();
    // A page restored from the back-forward cache was closed by `leave`.
    if (document.visibilityState === "visible") this.followLesson();
  };

  private async hello(): Promise<Hello> {
    const codecs = await this.codecs;
    const { token, kind, language, name } = this.options;
    const seat = rememberedSeat(token);
    const called = name?.() ?? null;
    return {
      type: "hello",
      v: PROTOCOL_VERSION,
      token,
      lang: language(),
      device: { kind, codecs },
      ...(seat === null ? {} : { seat }),
      ...(called === null ? {} : { name: called }),
    };
  }

  private apply(event: ViewerEvent): void {
    const before = this.current;
    this.current = reduceViewer(before, event);
    if (this.current === before) return;
    this.options.onChange(this.current);
    this.reportIfChanged();
    this.followStill();
  }

  /** A person changed what this page may use. */
  saverChanged(): void {
    this.sendTerms();
  }

  private followStill(): void {
    const { lesson, still } = this.current;
    if (this.options.onStill === undefined) return;
    if (wantsStill(this.current)) this.stills.want(lesson?.id ?? null, still);
    else if (still === null || !wantsMedia(this.current)) this.stills.clear();
  }

  private sendTerms(): void {
    const { peer } = this;
    if (peer === null) return;
    const { kbps, mb } = this.options.saver?.() ?? NO_SAVER;
    const stills = this.options.onStill !== undefined;
    this.signal.send({
      type: "terms",
      peer,
      stills,
      can_wait: canWait(),
      ceiling_kbps: kbps,
      ceiling_mb: mb,
    });
  }

  /** Brings the receivers' waiting closer to what the relay asks for. In the end all wait alike: lips and voice stay together. */
  private stepPlayout(): void {
    // Until the relay has said what this link is like, it is what the session began with.
    const wanted = this.current.link?.playout_ms ?? this.session?.playoutMs ?? 0;
    for (const receiver of this.session?.receivers?.() ?? []) {
      if (!("jitterBufferTarget" in receiver)) continue;
      const now = receiver.jitterBufferTarget ?? 0;
      const next = nextPlayout(now, wanted);
      if (next !== now) receiver.jitterBufferTarget = next === 0 ? null : next;
    }
  }

  private signalChanged(status: SignalStatus): void {
    this.apply({ type: "signal", status, at: Date.now() });
    if (status.kind === "refused") {
      this.closeMedia();
      WhepSession.recall();
    }
  }

  private receive(message: ServerMessage): void {
    this.apply({ type: "message", message, at: Date.now() });
    if (message.type === "welcome" || message.type === "lesson") this.followLesson();
    // A relay that greets us anew may be a new process, which knows nothing of our media session.
    if (message.type === "welcome") {
      if (message.seat !== undefined) rememberSeat(this.options.token, message.seat);
      this.ways?.nudge();
      this.repeatDemand();
      this.sendTerms();
    }
    if (message.type === "media" || message.type === "floor" || message.type === "lesson") {
      const { slots } = this.current;
      this.stage.setSlots(slots);
      this.ways?.setSlots(slots);
    }
    this.options.onMessage?.(message);
  }

  /** Opens, keeps or closes the media session as the lesson asks. */
  private followLesson(): void {
    const { lesson, media } = this.current;
    if (!wantsMedia(this.current) || lesson === null) {
      this.closeMedia();
      WhepSession.recall();
      return;
    }
    if (this.ways !== null && this.watchedLesson === lesson.id && media.kind !== "refused") return;
    this.closeMedia();
    this.watchedLesson = lesson.id;
    const ways = new MediaWays({
      token: this.options.token,
      lesson: lesson.id,
      stage: this.stage,
      onSession: (session) => {
        this.session = session;
        this.options.onSession?.(session);
      },
      hasSeen: () => VIDEO_SLOTS.some((slot) => this.current.pictures[slot]?.seen === true),
      onState: (state) => {
        if (ways === this.ways) this.mediaChanged(state);
      },
      onFlow: (flow, silentMs, uncheckedMs) => {
        this.flow = flow;
        for (const slot of AUDIO_SLOTS) {
          const level = flow.slots[slot]?.level ?? null;
          if (level !== null) this.loudest = Math.max(this.loudest ?? 0, level);
        }
        this.stage.noteFlow(flow);
        this.apply({ type: "flow", silentMs, uncheckedMs, at: Date.now() });
      },
      onPath: (path) => this.apply({ type: "path", path }),
      onSoundOnly: (soundOnly) => this.apply({ type: "sound_only", soundOnly }),
    });
    this.ways = ways;
    ways.setSlots(this.current.slots);
    ways.start();
  }

  /** When what a player of segments shows at `playerS` was captured, on the relay's clock; `null` where WebRTC plays or nothing is known. */
  captureTime(picture: VideoSlot, playerS: number): number | null {
    return this.ways?.captureTime(picture, playerS) ?? null;
  }

  private mediaChanged(state: WhepState): void {
    const peer = this.ways?.peer ?? null;
    const isNew = peer !== this.peer;
    this.peer = peer;
    this.apply({ type: "media", state });
    if (!isNew || peer === null) return;
    this.repeatDemand();
    this.sendTerms();
  }

  /** A new session or a new greeting: the relay knows nothing of our sizes. */
  private repeatDemand(): void {
    this.demanded.clear();
    this.stage.repeatDemand();
  }

  private closeMedia(): void {
    const { ways } = this;
    this.ways = null;
    this.watchedLesson = null;
    this.flow = null;
    if (ways === null) return;
    ways.stop();
    this.peer = null;
    this.apply({ type: "media", state: { kind: "stopped" } });
    this.apply({ type: "path", path: null });
    this.stage.clear();
  }

  private sendDemand(demand: Demand): void {
    this.ways?.setDemand(demand);
    const { peer } = this;
    if (peer === null) return;
    for (const slot of VIDEO_SLOTS) {
      const layer = demand[slot];
      if (layer === undefined) continue;
      if (this.demanded.has(slot) && this.demanded.get(slot) === layer) continue;
      if (this.signal.send({ type: "demand", peer, slot, layer })) this.demanded.set(slot, layer);
    }
  }

  /** What the media session of now has received so far; `null` before its first second. */
  get received(): Flow | null {
    return this.flow;
  }

  private reportIfChanged(): void {
    const now = Date.now();
    if (this.reportText() === this.reported.text) return;
    this.scheduleReport(Math.max(0, this.reported.at + REPORT_APART_MS - now));
  }

  private scheduleReport(inMs: number): void {
    clearTimeout(this.reportTimer);
    this.reportTimer = setTimeout(() => this.report(), inMs);
  }

  private report(): void {
    this.reported = { at: Date.now(), text: this.reportText() };
    this.scheduleReport(REPORT_EVERY_MS);
    const { loudest } = this;
    this.loudest = null;
    if (this.ways === null) return;
    this.signal.send({
      type: "report",
      frames_decoded: this.flow?.frames ?? 0,
      frozen: isFrozen(this.current),
      audio_level: loudest,
      muted: this.current.sound === "blocked" || this.current.sound === "muted",
      visible: document.visibilityState === "visible",
      path: this.current.path ?? "webrtc",
    });
  }

  /** What makes a report worth sending before its time. */
  private reportText(): string {
    const { sound, path } = this.current;
    return `${isFrozen(this.current)} ${sound} ${path} ${document.visibilityState}`;
  }
}

const RELOAD_KEY = "nhipcau.reloaded-at";
const RELOADS_APART_MS = 10 * 60_000;

/** A page older than its relay gets the newer one; a fault that reloading does not cure must not make it blink for ever. */
function reloadNowAndThen(): void {
  try {
    const reloadedAt = Number(sessionStorage.getItem(RELOAD_KEY) ?? 0);
    if (Date.now() - reloadedAt < RELOADS_APART_MS) return;
    sessionStorage.setItem(RELOAD_KEY, String(Date.now()));
  } catch {
    // Without storage nobody could tell the first reload from the hundredth.
    return;
  }
  window.location.reload();
}

function isFrozen(facts: ViewerFacts): boolean {
  const { program_video, slides_video, extra_video } = facts.pictures;
  const standing = (
    [
      ["program_video", program_video],
      ["slides_video", slides_video],
      ["extra_video", extra_video],
    ] as const
  ).some(
    ([slot, picture]) => picture !== undefined && picture.frozenSince !== null && !isWithheld(facts, slot),
  );
  return standing || facts.silentSince !== null;
}
