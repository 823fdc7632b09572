/**
 * Feeds a `MomentJudge` from a lesson's media: which frame each picture shows, which packet each voice plays, and the relay's
 * capture clocks for the connection they came by.
 */
import { decode, nullable, number, object, optional } from "./decode.ts";
import { inSightAt, type Moment, MomentJudge, type SlotClock, type SlotClocks } from "./lesson-moment.ts";
import { AUDIO_SLOTS, SLOTS, type Slot, VIDEO_SLOTS, type VideoSlot } from "./protocol.ts";
import type { Stage } from "./stage.ts";
import type { WhepSession } from "./whep-session.ts";

const LISTEN_EVERY_MS = 200;
/** Until the host's first reports have told, the relay is asked often. */
const ASK_FIRST_MS = 700;
const ASK_EVERY_MS = 5000;

const slotClock = object({ rtp: number, at: number, rate: number });
const clocksDecoder = object({
  server_time: number,
  slots: object({
    program_video: optional(nullable(slotClock)),
    slides_video: optional(nullable(slotClock)),
    extra_video: optional(nullable(slotClock)),
    program_audio: optional(nullable(slotClock)),
    extra_audio: optional(nullable(slotClock)),
  }),
});

/** When what a player of segments shows at `playerS`, seconds of its time, was captured; `null` where WebRTC plays. */
export type Position = (slot: VideoSlot, playerS: number) => number | null;

export class MediaClock {
  readonly judge = new MomentJudge(() => Date.now());
  private readonly stage: Stage;
  private session: WhepSession | null = null;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private readonly listening: ReturnType<typeof setInterval>;

  private readonly position: Position;
  /** Where in its player's time the frame stands that each picture shows. */
  private readonly frames = new Map<VideoSlot, { readonly source: string; readonly mediaTime: number }>();

  constructor(stage: Stage, position: Position) {
    this.stage = stage;
    this.position = position;
    for (const slot of VIDEO_SLOTS) this.watch(slot);
    this.listening = setInterval(() => this.listen(), LISTEN_EVERY_MS);
  }

  /** A media session is connected; its clocks are its own. */
  follow(session: WhepSession): void {
    this.session = session;
    void this.ask(session);
  }

  /** The moment of the lesson in sight now. */
  moment(): Moment {
    const now = performance.now();
    const { session } = this;
    this.lookAtPlayers(now);
    if (session !== null) {
      for (const slot of VIDEO_SLOTS) {
        const newest = newestSource(session.receiver(slot));
        if (newest === null) continue;
        const seenAt = Math.min(now, sincePageBegan(newest.timestamp));
        this.judge.noteDelivered({ slot, rtp: newest.rtpTimestamp, seenAt, session });
      }
    }
    return this.judge.moment(now);
  }

  stop(): void {
    clearInterval(this.listening);
    clearTimeout(this.asking);
  }

  private async ask(session: WhepSession): Promise<void> {
    clearTimeout(this.asking);
    let known = false;
    try {
      const found = decode(clocksDecoder, await session.clocks());
      if (session !== this.session) return;
      if (found.ok) {
        const clocks: { [S in Slot]?: SlotClock } = {};
        for (const slot of SLOTS) {
          const clock = found.value.slots[slot];
          if (clock !== undefined && clock !== null) clocks[slot] = clock;
        }
        this.judge.setClocks(session, clocks satisfies SlotClocks);
        this.judge.setServerTime(found.value.server_time, performance.now());
        known = Object.keys(clocks).length > 0;
      }
    } catch {
      // The network is away: what was told last still holds for frames of this connection.
      known = true;
    }
    if (session === this.session) {
      this.asking = setTimeout(() => void this.ask(session), known ? ASK_EVERY_MS : ASK_FIRST_MS);
    }
  }

  private watch(slot: VideoSlot): void {
    const video = this.stage.video(slot);
    if (typeof video.requestVideoFrameCallback !== "function") return;
    const onFrame = (_now: number, frame: VideoFrameCallbackMetadata): void => {
      const { session } = this;
      if (session !== null && isOf(video, session.track(slot))) {
        // Firefox names no RTP time of a frame; the packet that was delivered last is at most a frame apart.
        const rtp = frame.rtpTimestamp ?? newestRtp(session.receiver(slot));
        if (rtp !== null) this.judge.note({ slot, rtp, seenAt: performance.now(), session });
      }
      this.frames.set(slot, { source: video.currentSrc, mediaTime: frame.mediaTime });
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  }

  private lookAtPlayers(now: number): void {
    for (const slot of VIDEO_SLOTS)
      this.judge.notePosition(slot, this.position(slot, this.playerTime(slot)), now);
  }

  private playerTime(slot: VideoSlot): number {
    const video = this.stage.video(slot);
    const frame = this.frames.get(slot);
    return inSightAt(video.currentTime, frame?.source === video.currentSrc ? frame.mediaTime : null);
  }

  private listen(): void {
    this.lookAtPlayers(performance.now());
    const { session } = this;
    if (session === null) return;
    for (const slot of AUDIO_SLOTS) {
      const rtp = newestRtp(session.receiver(slot));
      if (rtp !== null) this.judge.note({ slot, rtp, seenAt: performance.now(), session });
    }
  }
}

function isOf(video: HTMLVideoElement, track: MediaStreamTrack | null): boolean {
  const { srcObject } = video;
  return track !== null && srcObject instanceof MediaStream && srcObject.getVideoTracks()[0] === track;
}

/** Browsers disagree whether a source's time counts from 1970 or from when the page began. */
function sincePageBegan(timestamp: number): number {
  const { timeOrigin } = performance;
  return timestamp > timeOrigin / 2 ? timestamp - timeOrigin : timestamp;
}

function newestRtp(receiver: RTCRtpReceiver | null): number | null {
  return newestSource(receiver)?.rtpTimestamp ?? null;
}

/** The packet that was delivered last. */
function newestSource(receiver: RTCRtpReceiver | null): RTCRtpContributingSource | null {
  if (receiver === null || typeof receiver.getSynchronizationSources !== "function") return null;
  return receiver.getSynchronizationSources()[0] ?? null;
}
