/** The segments way of a lesson: one connection, one player for each element, put on the stage when it is shown. */
import type { LayerName, Slot, Slots, VideoSlot } from "./protocol.ts";
import { AUDIO_SLOTS, VIDEO_SLOTS } from "./protocol.ts";
import { SegmentsClient, segmentsUrl } from "./segments-client.ts";
import type { SegmentFrame } from "./segments-frame.ts";
import { type PlannedElement, planElements, slotsOf } from "./segments-plan.ts";
import { SegmentsPlayer, type TrackKind } from "./segments-player.ts";
import type { Demand, Stage } from "./stage.ts";
import type { WhepState } from "./whep-client.ts";
import type { Flow } from "./whep-stats.ts";

export interface SegmentsWayOptions {
  readonly token: string;
  readonly lesson: string;
  readonly seat: string | null;
  readonly stage: Stage;
  readonly single: boolean;
  readonly onState: (state: WhepState) => void;
  /** Once a second. */
  readonly onFlow: (flow: Flow, silentMs: number) => void;
  readonly onRung: (layer: LayerName | null) => void;
}

const TICK_MS = 250;
/** Chunks kept of a sound before it is shown (about a second), and of a picture since its keyframe. */
const REMEMBERED_SOUND = 6;
const REMEMBERED_MOST = 100;

interface Playing {
  readonly plan: PlannedElement;
  readonly player: SegmentsPlayer;
}

export class SegmentsWay {
  private readonly options: SegmentsWayOptions;
  private readonly client: SegmentsClient;
  private readonly playing = new Map<VideoSlot, Playing>();
  private readonly counted = new Map<string, number>();
  /** What came before this way was shown: the latest beginning of each slot. */
  private readonly cache = new Map<Slot, SegmentFrame[]>();
  private slots: Slots = {};
  private shownPictures: readonly VideoSlot[] = VIDEO_SLOTS;
  private demand: Demand = {};
  private onStage = false;
  private ticks = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  /** When the lesson's timeline began, on the relay's wall clock. */
  private timelineBeganMs: number | null = null;

  constructor(options: SegmentsWayOptions) {
    this.options = options;
    this.client = new SegmentsClient({
      url: segmentsUrl(window.location),
      token: options.token,
      lesson: options.lesson,
      seat: options.seat,
      onState: options.onState,
      onFrame: (frame) => this.take(frame),
      onFresh: () => this.cache.clear(),
      onRung: options.onRung,
      onClock: (timeline, at) => {
        this.timelineBeganMs = at - timeline * 1000;
      },
    });
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.client.start();
  }

  stop(): void {
    clearInterval(this.timer);
    this.client.stop();
    this.leaveStage();
    this.playing.clear();
  }

  /** The stage belongs to another way. */
  leaveStage(): void {
    this.playing.forEach(({ player }, picture) => {
      player.dispose();
      if (this.onStage) this.options.stage.setSource(picture, null);
    });
    this.onStage = false;
  }

  nudge(): void {
    this.client.nudge();
  }

  /** What is published. */
  setSlots(slots: Slots): void {
    this.slots = slots;
    this.client.expect(Object.keys(slots).length > 0);
    this.replan();
  }

  /** The sizes the layout shows. */
  setDemand(demand: Demand): void {
    this.demand = { ...this.demand, ...demand };
    this.shownPictures = VIDEO_SLOTS.filter((slot) => this.demand[slot] !== null);
    this.replan();
  }

  /** The stage belongs to this way now. */
  show(): void {
    this.onStage = true;
    this.playing.forEach(({ plan, player }, picture) => {
      this.options.stage.setSource(picture, {
        sounds: plan.sound !== null,
        play: () => player.play(),
      });
      player.tick(Date.now());
    });
    this.cache.forEach((frames) => {
      for (const frame of frames) this.give(frame);
    });
    this.cache.clear();
  }

  /** When what a player shows at `playerS` was captured, on the relay's wall clock; `null` while unknown. */
  captureTime(picture: VideoSlot, playerS: number): number | null {
    const playing = this.playing.get(picture);
    if (!this.onStage || playing?.player.isOpen !== true || this.timelineBeganMs === null) return null;
    return this.timelineBeganMs + playerS * 1000;
  }

  private replan(): void {
    const plans = planElements(this.slots, this.shownPictures, this.options.single);
    this.playing.forEach(({ player }, picture) => {
      if (plans.some((plan) => plan.picture === picture)) return;
      player.dispose();
      this.playing.delete(picture);
      if (this.onStage) this.options.stage.setSource(picture, null);
    });
    for (const plan of plans) this.follow(plan);
    const wanted = new Set(plans.reduce<string[]>((all, plan) => all.concat(slotsOf(plan)), []));
    for (const slot of VIDEO_SLOTS)
      this.client.want(slot, wanted.has(slot) ? (this.demand[slot] ?? "high") : null);
    for (const slot of AUDIO_SLOTS) this.client.want(slot, wanted.has(slot) ? "high" : null);
  }

  private follow(plan: PlannedElement): void {
    const { picture } = plan;
    const known = this.playing.get(picture);
    const player =
      known?.player ??
      new SegmentsPlayer({
        element: this.options.stage.video(picture),
        onNeedsStart: () => {
          const now = this.playing.get(picture);
          if (now !== undefined) this.client.restart(slotsOf(now.plan));
        },
        onBlocked: () => this.options.stage.noteBlocked(picture),
      });
    this.playing.set(picture, { plan, player });
    const changed = known === undefined || known.plan.sound !== plan.sound;
    if (this.onStage && changed) {
      this.options.stage.setSource(picture, { sounds: plan.sound !== null, play: () => player.play() });
    }
    player.setTracks(plan.sound !== null, plan.shows);
  }

  private take(frame: SegmentFrame): void {
    const { slot } = frame;
    if (frame.kind === "chunk") {
      this.counted.set(slot, (this.counted.get(slot) ?? 0) + 1);
    }
    // Before it is shown nothing is given to an element: WebRTC may still be on it.
    if (this.onStage) this.give(frame);
    else this.remember(frame);
  }

  private remember(frame: SegmentFrame): void {
    const known = this.cache.get(frame.slot) ?? [];
    const inits = known.filter(({ kind }) => kind === "init");
    const isSound = (AUDIO_SLOTS as readonly string[]).indexOf(frame.slot) >= 0;
    let next: SegmentFrame[];
    if (frame.kind === "init") next = [frame];
    else if (isSound) next = [...inits, ...known.slice(inits.length).slice(-REMEMBERED_SOUND), frame];
    else if (frame.start) next = [...inits, frame];
    else next = [...known.slice(0, REMEMBERED_MOST), frame];
    this.cache.set(frame.slot, next);
  }

  private give(frame: SegmentFrame): void {
    const { slot } = frame;
    this.playing.forEach(({ plan, player }) => {
      if (slotsOf(plan).indexOf(slot) < 0) return;
      const kind: TrackKind = slot === plan.sound ? "audio" : "video";
      if (frame.kind === "init") player.init(kind, frame.mime, frame.bytes);
      else player.chunk(kind, frame.start, frame.bytes);
    });
  }

  private tick(): void {
    const now = Date.now();
    if (this.onStage) {
      this.playing.forEach(({ player }) => {
        player.tick(now);
      });
    }
    this.ticks += 1;
    if (this.ticks % 4 === 0) this.options.onFlow(this.flow(), this.client.silentMs);
  }

  private flow(): Flow {
    const slots: { [slot: string]: { packets: number; bytes: number; frames: number; level: null } } = {};
    let packets = 0;
    this.counted.forEach((count, slot) => {
      slots[slot] = { packets: count, bytes: 0, frames: 0, level: null };
      packets += count;
    });
    return { slots, packets, lost: 0, frames: 0, checks: -1, protocol: null };
  }
}
