/**
 * Everything by which a lesson's pictures and sound may come to this screen, and which of them is shown. `ladder.ts` decides, this
 * starts and stops, asks each way how it does, and gives the stage to the one that is shown.
 */

import { HlsWay, playsHls } from "./hls-way.ts";
import { type Health, type LadderState, look, noteHealth, startLadder, type Way } from "./ladder.ts";
import {
  type LayerName,
  type PathName,
  type Slot,
  type Slots,
  VIDEO_SLOTS,
  type VideoSlot,
} from "./protocol.ts";
import { rememberedSeat } from "./seat.ts";
import { playsSegments } from "./segments-codecs.ts";
import { playsOneElement } from "./segments-plan.ts";
import { SegmentsWay } from "./segments-way.ts";
import type { Demand, Stage } from "./stage.ts";
import { type PathHealth, type PlayingSession, WhepClient, type WhepState } from "./whep-client.ts";
import { comesUnseen, type Flow } from "./whep-stats.ts";

export interface MediaWaysOptions {
  readonly token: string;
  readonly lesson: string;
  readonly stage: Stage;
  /** A WebRTC session that began, for those who ask it for more. */
  readonly onSession?: (session: PlayingSession) => void;
  /** Whether a picture of this slot has been seen since the lesson opened. */
  readonly hasSeen: () => boolean;
  /** The state of the way that is shown, or of the one that is tried. */
  readonly onState: (state: WhepState) => void;
  readonly onFlow: (flow: Flow, silentMs: number, uncheckedMs: number | null) => void;
  /** What the lesson comes by now; `null` while nothing comes. */
  readonly onPath: (path: PathName | null) => void;
  /** The relay sends no picture because the link carries only sound. */
  readonly onSoundOnly: (soundOnly: boolean) => void;
}

const LOOK_EVERY_MS = 500;
/** Packets within this time: the way brings something. */
const FRESH_MS = 2500;
/** Chromium checks every 2.5 s. */
const CHECKED_MS = 6000;
/** Pictures come and are never seen: this browser does not decode what this way sends. */
const BLIND_MS = 8000;
const REMEMBER_KEY = "nhipcau.way";

interface Reading {
  readonly flow: Flow;
  readonly silentMs: number;
  readonly uncheckedMs: number | null;
  readonly connected: boolean;
}

export class MediaWays {
  private readonly options: MediaWaysOptions;
  private readonly states: { [W in Way]?: WhepState } = {};
  private readonly readings: { [W in Way]?: Reading } = {};
  /** When a way first brought anything in this run. */
  private readonly begunAt: { [W in Way]?: number } = {};
  private readonly tracks = new Map<Slot, MediaStreamTrack>();
  private ladder: LadderState;
  private whep: WhepClient | null = null;
  private segments: SegmentsWay | null = null;
  private hls: HlsWay | null = null;
  private slots: Slots = {};
  private demand: Demand = {};
  private path: PathName | null = null;
  private shownAt = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: MediaWaysOptions) {
    this.options = options;
    this.ladder = startLadder(
      { webrtc: hasWebRtc(), segments: playsSegments(), hls: playsHls() },
      remembered(),
      Date.now(),
    );
  }

  start(): void {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.follow();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const way of ["webrtc", "segments", "hls"] as const) this.end(way);
    this.options.onState({ kind: "stopped" });
    this.setPath(null);
  }

  /** What is published now. */
  setSlots(slots: Slots): void {
    this.slots = slots;
    this.whep?.expect(this.expecting);
    this.segments?.setSlots(slots);
    this.hls?.setSlots(slots);
  }

  setDemand(demand: Demand): void {
    this.demand = { ...this.demand, ...demand };
    this.segments?.setDemand(demand);
  }

  /** The path may have changed: retry or check now. */
  nudge(): void {
    this.whep?.nudge();
    this.segments?.nudge();
  }

  /** Names the WebRTC session in `demand` while that is what is shown. */
  get peer(): string | null {
    const { webrtc } = this.states;
    return webrtc?.kind === "connected" ? webrtc.peer : null;
  }

  /** When what a player of segments shows at `playerS` was captured, on the relay's clock; `null` for other ways, which are asked by RTP time. */
  captureTime(picture: VideoSlot, playerS: number): number | null {
    return this.onStage === "segments" ? (this.segments?.captureTime(picture, playerS) ?? null) : null;
  }

  private get expecting(): boolean {
    return Object.keys(this.slots).length > 0;
  }

  private look(): void {
    const now = Date.now();
    for (const way of this.ladder.running) {
      const health = this.healthOf(way, now);
      if (health !== null) this.ladder = noteHealth(this.ladder, way, health, now);
    }
    this.ladder = look(this.ladder, now);
    this.follow();
  }

  /** `null`: too early to say. */
  private healthOf(way: Way, now: number): Health | null {
    const state = this.states[way];
    if (state?.kind === "refused") return "bad";
    const reading = this.readings[way];
    const cutOff = way === "webrtc" && this.whep?.isCutOff === true;
    if (reading === undefined) return cutOff ? "cut" : way === "webrtc" ? "bad" : null;
    const fresh = reading.flow.packets > 0 && reading.silentMs < FRESH_MS;
    if (cutOff && !fresh) return "cut";
    if (way === "webrtc") {
      const checked = reading.uncheckedMs === null ? reading.connected : reading.uncheckedMs < CHECKED_MS;
      if (!fresh && !(reading.connected && checked)) return "bad";
    } else if (state?.kind !== "connected") {
      return fresh ? "good" : "bad";
    }
    if (!fresh) return "idle";
    const begun = this.begunAt[way] ?? now;
    this.begunAt[way] = begun;
    return this.isBlind(way, reading, now - begun) ? "bad" : "good";
  }

  /** Whether pictures ought to be seen by now and are not. */
  private isBlind(way: Way, reading: Reading, forMs: number): boolean {
    const wanted = VIDEO_SLOTS.some((slot) => this.slots[slot] !== undefined && this.demand[slot] !== null);
    if (!wanted || forMs < BLIND_MS || document.visibilityState !== "visible") return false;
    if (way === "webrtc") return comesUnseen(reading.flow);
    return this.ladder.shown === way && Date.now() - this.shownAt > BLIND_MS && !this.options.hasSeen();
  }

  /** Starts and stops ways as the ladder says, and shows the one it names. */
  private follow(): void {
    const { running } = this.ladder;
    for (const way of ["webrtc", "segments", "hls"] as const) {
      const runs = running.indexOf(way) >= 0;
      if (runs && !this.isRunning(way)) this.begin(way);
      if (!runs && this.isRunning(way)) this.end(way);
    }
    this.showWay(this.ladder.shown);
    this.tell();
  }

  private isRunning(way: Way): boolean {
    return (way === "webrtc" ? this.whep : way === "segments" ? this.segments : this.hls) !== null;
  }

  private begin(way: Way): void {
    const { token, lesson, stage } = this.options;
    // While a lesson is locked only those who were there come back in.
    const seat = rememberedSeat(token);
    const query = seat === null ? "" : `?seat=${encodeURIComponent(seat)}`;
    delete this.readings[way];
    delete this.begunAt[way];
    const onState = (state: WhepState): void => {
      this.states[way] = state;
      this.tell();
    };
    if (way === "webrtc") {
      this.whep = new WhepClient({
        endpoint: `${window.location.origin}/whep/${lesson}${query}`,
        token,
        onState,
        ...(this.options.onSession === undefined ? {} : { onSession: this.options.onSession }),
        onTrack: (slot, track) => {
          this.tracks.set(slot, track);
          if (this.shown === "webrtc" || this.shown === null) stage.setTrack(slot, track);
        },
        onFlow: (flow, health) => this.read("webrtc", flow, health),
      });
      this.whep.expect(this.expecting);
      this.whep.start();
      return;
    }
    const onFlow = (flow: Flow, silentMs: number): void =>
      this.read(way, flow, { silentMs, uncheckedMs: null, connected: true });
    if (way === "segments") {
      this.segments = new SegmentsWay({
        token,
        lesson,
        seat,
        stage,
        single: playsOneElement(navigator.userAgent),
        onState,
        onFlow,
        onRung: (layer: LayerName | null) => this.options.onSoundOnly(layer === null),
      });
      this.segments.setDemand(this.demand);
      this.segments.setSlots(this.slots);
      this.segments.start();
      return;
    }
    this.hls = new HlsWay({ token, lesson, seat, stage, onState, onFlow });
    this.hls.setSlots(this.slots);
    this.hls.start();
  }

  private end(way: Way): void {
    delete this.states[way];
    delete this.readings[way];
    if (way === "webrtc") {
      this.whep?.stop();
      this.whep = null;
      this.tracks.clear();
    } else if (way === "segments") {
      this.segments?.stop();
      this.segments = null;
      this.options.onSoundOnly(false);
    } else {
      this.hls?.stop();
      this.hls = null;
    }
  }

  private get shown(): Way | null {
    return this.onStage;
  }

  private onStage: Way | null = null;

  private showWay(way: Way | null): void {
    if (way === null || way === this.onStage) return;
    const { stage } = this.options;
    this.shownAt = Date.now();
    const before = this.onStage;
    this.onStage = way;
    if (before === "segments") this.segments?.leaveStage();
    if (before === "hls") this.hls?.leaveStage();
    if (way === "webrtc") {
      // Before anything was shown, tracks went to the stage as they came.
      if (before !== null) {
        this.tracks.forEach((track, slot) => {
          stage.setTrack(slot, track);
        });
      }
    } else {
      stage.dropTracks();
      if (way === "segments") this.segments?.show();
      else this.hls?.show();
    }
    remember(way);
  }

  private read(way: Way, flow: Flow, health: PathHealth): void {
    this.readings[way] = { flow, ...health };
    if (way === (this.onStage ?? this.ladder.running[0])) {
      this.options.onFlow(flow, health.silentMs, health.uncheckedMs);
    }
    this.setPath(this.pathNow());
  }

  private pathNow(): PathName | null {
    switch (this.onStage) {
      case null:
        return null;
      case "webrtc": {
        const protocol = this.readings.webrtc?.flow.protocol ?? null;
        return protocol === null ? "webrtc" : protocol === "tcp" ? "webrtc_tcp" : "webrtc_udp";
      }
      default:
        return this.onStage;
    }
  }

  private setPath(path: PathName | null): void {
    if (path === this.path) return;
    this.path = path;
    this.options.onPath(path);
  }

  /** The state of the way that is shown; while none is, of one that may still come. */
  private tell(): void {
    const { running } = this.ladder;
    const shown =
      this.onStage !== null && running.indexOf(this.onStage) >= 0 ? this.states[this.onStage] : undefined;
    const tried = running.map((way) => this.states[way]).filter((state) => state !== undefined);
    const hopeful = tried.filter((state) => state.kind !== "refused");
    const state = shown ?? hopeful[0] ?? tried[0];
    if (state !== undefined) this.options.onState(state);
  }
}

function hasWebRtc(): boolean {
  return typeof RTCPeerConnection === "function";
}

/** Whether a lesson is looked for by WebRTC first. */
export function beginsWithWebRtc(): boolean {
  const way = remembered();
  return hasWebRtc() && (way === null || way === "webrtc");
}

/** Whether this browser can show a lesson in any way. */
export function canWatch(): boolean {
  return hasWebRtc() || playsSegments() || playsHls();
}

function remembered(): Way | null {
  try {
    const way = localStorage.getItem(REMEMBER_KEY);
    return way === "webrtc" || way === "segments" || way === "hls" ? way : null;
  } catch {
    return null;
  }
}

function remember(way: Way): void {
  try {
    localStorage.setItem(REMEMBER_KEY, way);
  } catch {
    // Without storage the way is found anew each time.
  }
}
