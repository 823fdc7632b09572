/**
 * The moment of the lesson that somebody sees: capture time on the relay's clock, whatever buffers lie between. The relay says
 * for each slot which RTP time was taken when (`PROTOCOL.md`, "Capture time"); the browser says which RTP time is on the
 * screen. Pure; `MediaClock` feeds it.
 */
import type { Slot } from "./protocol.ts";

/** One slot's clocks: RTP time `rtp` was captured at `at` (Unix milliseconds of the relay's clock). */
export interface SlotClock {
  readonly rtp: number;
  readonly at: number;
  /** Ticks a second. */
  readonly rate: number;
}

export type SlotClocks = { readonly [S in Slot]?: SlotClock };

export type Moment = {
  /** Unix milliseconds of the relay's clock. */
  readonly ms: number;
  /**
   * `picture`, `voice`: capture time of what is being seen or heard. `held`: of the last thing seen before everything stood
   * still. `clock`: nothing was ever playing; the relay's clock.
   */
  readonly q: "picture" | "voice" | "held" | "clock";
};

/** What was seen or heard last of a slot. */
export interface Playing {
  readonly slot: Slot;
  /** RTP time of the frame or packet. */
  readonly rtp: number;
  /** When it was seen, monotonic milliseconds. */
  readonly seenAt: number;
  /** Which connection it came by: clocks of another one say nothing about it. */
  readonly session: object;
}

/** Half the range of a 32-bit clock. */
const HALF = 2 ** 31;

/** Capture time of RTP time `rtp`, which may be up to hours to either side of the clock's own. */
export function capturedAt(clock: SlotClock, rtp: number): number {
  const ahead = (((rtp - clock.rtp) % (2 * HALF)) + 2 * HALF) % (2 * HALF);
  const ticks = ahead >= HALF ? ahead - 2 * HALF : ahead;
  return clock.at + (ticks * 1000) / clock.rate;
}

/** A frame is in sight for this long; a picture that is further from its player's clock stands, or has just been moved. */
const IN_SIGHT_S = 0.15;

/**
 * Where in a player's time the picture in sight stands, seconds. The player's clock runs on with the voice while the picture stands, and
 * jumps before the picture does.
 *
 * @param frameS the newest frame's media time; `null` where the browser does not tell
 */
export function inSightAt(playerS: number, frameS: number | null): number {
  return frameS === null || Math.abs(playerS - frameS) <= IN_SIGHT_S ? playerS : frameS;
}

/** A picture that moves changes at least this often, also at the lowest layer's 5 frames a second on a bad link. */
const MOVING_MS = 1500;
const SOUNDING_MS = 1000;

/** A busy page hears of frames late; what the browser has delivered meanwhile counts from this lead on. */
const LATE_MS = 120;
/**
 * Picture and voice are told apart by a fraction of a second. What somebody sees next is not earlier than what she saw before, or her
 * rows would change places; a greater step back is a real one.
 */
const STEP_BACK_MS = 1000;

/** Cameras before slides: a slide may rightly stand for minutes. */
const ORDER = ["program_video", "extra_video", "slides_video", "program_audio", "extra_audio"] as const;

export class MomentJudge {
  private readonly playing = new Map<Slot, Playing>();
  /** Of players that know when what they show was captured. */
  private readonly positions = new Map<Slot, { readonly ms: number; readonly changedAt: number }>();
  private clocks: SlotClocks = {};
  private session: object | null = null;
  private last: number | null = null;
  /** The moment told last. */
  private told: number | null = null;
  private shown: readonly Slot[] = [];
  /** Relay's clock minus monotonic clock. */
  private offset: number | null = null;
  private readonly fallback: () => number;

  /** @param fallback the machine's own wall clock, for a page that has never heard the relay's */
  constructor(fallback: () => number) {
    this.fallback = fallback;
  }

  /** Pictures in sight. */
  setShown(shown: readonly Slot[]): void {
    this.shown = shown;
  }

  setClocks(session: object, clocks: SlotClocks): void {
    this.session = session;
    this.clocks = clocks;
  }

  /** The relay's clock showed `serverTime` at `now`. */
  setServerTime(serverTime: number, now: number): void {
    this.offset = serverTime - now;
  }

  note(playing: Playing): void {
    const before = this.playing.get(playing.slot);
    // A packet that is heard of again is not heard again.
    if (before?.session === playing.session && before.rtp === playing.rtp) return;
    this.playing.set(playing.slot, playing);
    const at = this.captured(playing);
    if (at !== null) this.last = at;
  }

  /** The newest frame that was delivered to a slot, perhaps shown already though the page has not heard of it. */
  noteDelivered(delivered: Playing): void {
    const before = this.playing.get(delivered.slot);
    const [shown, newer] = [before && this.captured(before), this.captured(delivered)];
    if (shown === undefined || shown === null || newer === null || newer - shown < LATE_MS) return;
    this.note(delivered);
  }

  /** A player of segments shows what was captured at `ms`; `null`: it does not play this slot. To be called a few times a second. */
  notePosition(slot: Slot, ms: number | null, now: number): void {
    if (ms === null) {
      this.positions.delete(slot);
      return;
    }
    if (this.positions.get(slot)?.ms === ms) return;
    this.positions.set(slot, { ms, changedAt: now });
    this.last = ms;
  }

  /** The moment of the lesson in sight. @param now any monotonic milliseconds, the same for all calls */
  moment(now: number): Moment {
    const found = this.inSight(now);
    const { told } = this;
    const ms = told !== null && found.ms < told && told - found.ms < STEP_BACK_MS ? told : found.ms;
    this.told = ms;
    return { ms, q: found.q };
  }

  private inSight(now: number): Moment {
    for (const slot of ORDER) {
      const position = this.shown.some((one) => one === slot) ? this.positions.get(slot) : undefined;
      if (position !== undefined && now - position.changedAt <= MOVING_MS)
        return { ms: Math.round(position.ms), q: "picture" };
      const playing = this.playing.get(slot);
      const isVoice = slot.endsWith("_audio");
      if (playing === undefined || (!isVoice && !this.shown.includes(slot))) continue;
      const age = now - playing.seenAt;
      if (age > (isVoice ? SOUNDING_MS : MOVING_MS)) continue;
      const at = this.captured(playing);
      if (at === null) continue;
      return { ms: Math.round(at), q: isVoice ? "voice" : "picture" };
    }
    if (this.last !== null) return { ms: Math.round(this.last), q: "held" };
    return { ms: Math.round(this.serverNow(now)), q: "clock" };
  }

  /** The relay's clock as far as it is known here; the machine's own before. */
  serverNow(now: number): number {
    return this.offset === null ? this.fallback() : now + this.offset;
  }

  private captured(playing: Playing): number | null {
    const clock = this.clocks[playing.slot];
    return clock === undefined || playing.session !== this.session ? null : capturedAt(clock, playing.rtp);
  }
}
