/**
 * Notices that a picture on screen stands still. A frozen picture is worse than none: a class goes on watching it. Frames
 * are counted where they are shown, not where they arrive.
 */

/** A shown picture counts as frozen after this long; with the look every 250 ms the words come within 2.5 s. */
export const FROZEN_AFTER_MS = 2200;
export const LOOK_EVERY_MS = 250;

/** Pure: when did frames last move? */
export class FreezeJudge {
  private readonly afterMs: number;
  private frames = -1;
  private movedAt = 0;
  private started = false;

  constructor(afterMs: number = FROZEN_AFTER_MS) {
    this.afterMs = afterMs;
  }

  /**
   * @param frames frames shown so far, any monotonic count
   * @param judged whether a standing picture would matter now (slot published, wanted, page visible)
   * @returns time of the last frame when frozen, else `null`
   */
  look(now: number, frames: number, judged: boolean): number | null {
    if (frames !== this.frames) {
      if (frames > 0) this.started = true;
      this.frames = frames;
      this.movedAt = now;
      return null;
    }
    if (!judged || !this.started) {
      this.movedAt = now;
      return null;
    }
    return now - this.movedAt >= this.afterMs ? this.movedAt : null;
  }

  /** A new lesson: no picture has been shown of it. */
  restart(): void {
    this.started = false;
  }

  /** Whether any frame has been shown. */
  get hasPicture(): boolean {
    return this.started;
  }
}

/** `HTMLMediaElement.HAVE_CURRENT_DATA`. */
const HAVE_CURRENT_DATA = 2;

interface OldVideo {
  webkitDecodedFrameCount?: number;
}

/** Counts the frames a video element shows, with the best means the browser has. */
export class FrameCounter {
  private readonly video: HTMLVideoElement;
  private presented = 0;
  private callback = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
    if (typeof video.requestVideoFrameCallback === "function") this.count();
  }

  get frames(): number {
    const { video } = this;
    if (typeof video.requestVideoFrameCallback === "function") return this.presented;
    const counted =
      typeof video.getVideoPlaybackQuality === "function"
        ? video.getVideoPlaybackQuality().totalVideoFrames
        : ((video as OldVideo).webkitDecodedFrameCount ?? 0);
    if (counted > 0) return counted;
    // Firefox before 132 counts no frames of a live stream. Its clock at least says that there is a picture.
    return video.readyState >= HAVE_CURRENT_DATA ? 1 + video.currentTime : 0;
  }

  stop(): void {
    if (this.callback !== 0) this.video.cancelVideoFrameCallback(this.callback);
  }

  private count(): void {
    this.callback = this.video.requestVideoFrameCallback(() => {
      this.presented += 1;
      this.count();
    });
  }
}
