/**
 * One element that plays what `/api/segments` brings, close to now: sound and picture go into source buffers as they come, and the
 * playing position is kept a little behind the newest. Runs in browsers back to Chromium 53.
 */

export type TrackKind = "audio" | "video";

export interface PlayerOptions {
  readonly element: HTMLMediaElement;
  /** Everything must begin anew with initialisation segment and keyframe: the buffer was lost, or the tracks are others. */
  readonly onNeedsStart: () => void;
  /** The browser wants a key or click before it plays sound. */
  readonly onBlocked: () => void;
}

/** How far behind the newest the picture plays, seconds: at first, and at most after the link has stuttered. */
const TARGET = 0.9;
const TARGET_MOST = 2.2;
const TARGET_STEP = 0.35;
/** A smooth minute earns a little of it back. */
const TARGET_EARN = 0.1;
const EARN_EVERY_MS = 60_000;
/** Further behind than target and this: jump. */
const JUMP_BEYOND = 2.5;
const CATCH_UP = 1.08;
const EASE = 0.94;
/** Played pictures are kept so long; old TVs have little memory. */
const KEEP = 8;
/** Bytes that wait for a source buffer at most. Full: everything begins anew. */
const QUEUE_MAX = 8 * 1024 * 1024;
/** How long one track may keep the other waiting at the start. */
const TOGETHER_MS = 1200;

interface Piece {
  readonly bytes: Uint8Array;
}

interface Track {
  mime: string;
  init: Uint8Array;
  buffer: SourceBuffer | null;
  queue: Piece[];
  queued: number;
  /** A chunk that can be begun with has come. */
  begun: boolean;
}

export class SegmentsPlayer {
  private readonly options: PlayerOptions;
  private wanted: { readonly [K in TrackKind]: boolean } = { audio: false, video: false };
  private tracks: { [K in TrackKind]?: Track } = {};
  private source: MediaSource | null = null;
  private address: string | null = null;
  private firstAt = 0;
  private target = TARGET;
  private earnedAt = 0;
  private lastTime = -1;
  private movedAt = 0;
  private placed = false;

  constructor(options: PlayerOptions) {
    this.options = options;
  }

  /** Which tracks belong to this element; a change begins anew. */
  setTracks(audio: boolean, video: boolean): void {
    if (this.wanted.audio === audio && this.wanted.video === video) return;
    this.wanted = { audio, video };
    this.begin();
  }

  /** Whether anything has been given to the element. */
  get isOpen(): boolean {
    return this.source !== null;
  }

  init(kind: TrackKind, mime: string, bytes: Uint8Array): void {
    if (!this.wanted[kind]) return;
    const track = this.tracks[kind];
    if (track === undefined) {
      if (this.source !== null) {
        // A track that came too late to be let in: browsers take none once others play.
        this.begin();
        return;
      }
      this.firstAt = this.firstAt || Date.now();
      this.tracks[kind] = {
        mime,
        init: bytes,
        buffer: null,
        queue: [{ bytes }],
        queued: bytes.length,
        begun: false,
      };
    } else if (container(track.mime) !== container(mime)) {
      this.begin();
    } else {
      track.mime = mime;
      track.init = bytes;
      this.enqueue(track, bytes);
    }
  }

  chunk(kind: TrackKind, start: boolean, bytes: Uint8Array): void {
    const track = this.tracks[kind];
    if (track === undefined || (!track.begun && !start)) return;
    track.begun = true;
    this.enqueue(track, bytes);
    if (this.source === null) this.openWhenReady();
  }

  /** To be called every quarter of a second: keeps close to now, over holes, and in bounds. */
  tick(now: number): void {
    if (this.source === null) {
      this.openWhenReady();
      return;
    }
    const { element } = this.options;
    this.trim();
    const range = this.rangeToPlay();
    if (range === null) return;
    const ahead = range.end - element.currentTime;
    if (!this.placed || element.currentTime < range.start || ahead > this.target + JUMP_BEYOND) {
      this.place(range, now);
      return;
    }
    if (element.paused) this.play();
    if (element.currentTime !== this.lastTime) {
      this.lastTime = element.currentTime;
      this.movedAt = now;
    } else if (now - this.movedAt > 1000 && ahead > 0.5) {
      // Stands although there is something to play: over whatever it is.
      this.place(range, now);
      return;
    }
    if (ahead < 0.08) this.stalled(now);
    else if (now - this.earnedAt > EARN_EVERY_MS) {
      this.earnedAt = now;
      this.target = Math.max(TARGET, this.target - TARGET_EARN);
    }
    const rate = ahead > this.target + 0.5 ? CATCH_UP : ahead < this.target * 0.35 ? EASE : 1;
    if (element.playbackRate !== rate) element.playbackRate = rate;
  }

  /** Call inside a key or click handler, and whenever the element stands still. */
  play(): void {
    const { element } = this.options;
    const started: Promise<void> | undefined = element.play();
    started?.catch((error: unknown) => {
      if ((error as Error).name === "NotAllowedError" && !element.muted) this.options.onBlocked();
    });
  }

  dispose(): void {
    this.close();
    this.tracks = {};
  }

  private begin(): void {
    this.close();
    this.tracks = {};
    this.firstAt = 0;
    if (this.wanted.audio || this.wanted.video) this.options.onNeedsStart();
  }

  private close(): void {
    const { element } = this.options;
    this.source = null;
    this.placed = false;
    if (this.address === null) return;
    URL.revokeObjectURL(this.address);
    this.address = null;
    element.removeAttribute("src");
    element.load();
  }

  private enqueue(track: Track, bytes: Uint8Array): void {
    track.queue.push({ bytes });
    track.queued += bytes.length;
    if (track.queued > QUEUE_MAX) this.begin();
    else this.pump(track);
  }

  /** Opens when all tracks that are wanted have come, or the others have waited long enough. */
  private openWhenReady(): void {
    const { audio, video } = this.tracks;
    const ready = [audio, video].filter((track) => track?.begun === true).length;
    const wanted = Number(this.wanted.audio) + Number(this.wanted.video);
    if (ready === 0 || (ready < wanted && Date.now() - this.firstAt < TOGETHER_MS)) return;
    if (audio !== undefined && !audio.begun) delete this.tracks.audio;
    if (video !== undefined && !video.begun) delete this.tracks.video;
    this.open();
  }

  private open(): void {
    const source = new MediaSource();
    this.source = source;
    this.placed = false;
    this.earnedAt = Date.now();
    source.addEventListener("sourceopen", () => {
      if (source !== this.source) return;
      for (const track of this.all()) this.openTrack(source, track);
    });
    const { element } = this.options;
    element.srcObject = null;
    this.address = URL.createObjectURL(source);
    element.src = this.address;
  }

  private openTrack(source: MediaSource, track: Track): void {
    let buffer: SourceBuffer;
    try {
      buffer = source.addSourceBuffer(track.mime);
    } catch {
      return;
    }
    track.buffer = buffer;
    buffer.addEventListener("updateend", () => {
      if (source === this.source) this.pump(track);
    });
    buffer.addEventListener("error", () => {
      if (source === this.source) this.begin();
    });
    this.pump(track);
  }

  private pump(track: Track): void {
    const { buffer } = track;
    if (buffer === null || buffer.updating || this.source?.readyState !== "open") return;
    const next = track.queue[0];
    if (next === undefined) return;
    try {
      buffer.appendBuffer(next.bytes as BufferSource);
      track.queue.shift();
      track.queued -= next.bytes.length;
    } catch (error) {
      // A full buffer: what has been played goes, the append is tried again when that is done.
      if ((error as Error).name === "QuotaExceededError" && this.forget(buffer, 1)) return;
      this.begin();
    }
  }

  private trim(): void {
    for (const { buffer } of this.all()) if (buffer !== null && !buffer.updating) this.forget(buffer, KEEP);
  }

  /** Removes what was played more than `keep` seconds ago; `false` when there is nothing. */
  private forget(buffer: SourceBuffer, keep: number): boolean {
    const until = this.options.element.currentTime - keep;
    try {
      if (buffer.buffered.length === 0 || buffer.buffered.start(0) >= until - 2) return false;
      buffer.remove(0, until);
      return true;
    } catch {
      return false;
    }
  }

  private all(): Track[] {
    return [this.tracks.audio, this.tracks.video].filter((track): track is Track => track !== undefined);
  }

  /** The range the position is in, else the next one, else the last one. */
  private rangeToPlay(): { start: number; end: number } | null {
    const { buffered, currentTime } = this.options.element;
    for (let at = 0; at < buffered.length; at += 1) {
      const range = { start: buffered.start(at), end: buffered.end(at) };
      // A hole is jumped over as soon as there is something behind it.
      if (range.end > currentTime + 0.15 || at === buffered.length - 1) return range;
    }
    return null;
  }

  private place(range: { start: number; end: number }, now: number): void {
    const { element } = this.options;
    if (element.readyState === 0) return;
    element.currentTime = Math.max(range.start + 0.01, range.end - this.target);
    this.placed = true;
    this.lastTime = -1;
    this.movedAt = now;
    this.play();
  }

  private stalled(now: number): void {
    if (now - this.earnedAt < 1500) return;
    this.earnedAt = now;
    this.target = Math.min(TARGET_MOST, this.target + TARGET_STEP);
  }
}

/** Up to the codecs: a source buffer takes another size or profile, not another container. */
function container(mime: string): string {
  return mime.replace(/;.*$/, "");
}
