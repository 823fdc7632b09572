/**
 * Slides as still images for rooms whose link has no room for moving ones: whenever a slide has changed and stands still, a
 * sharp picture of it goes to the relay, small enough for the weakest of them.
 */
import { fetchWithin, HttpRefusal } from "../shared/http.ts";

/** What a look at the slides leads to. */
export type Judgement = "same" | "moving" | "new";

/** Looked at in this size: small enough to be free, large enough to see a line of text appear. */
const LOOK = { width: 192, height: 108 } as const;
/** A point counts as changed when its brightness differs by this much of 255. */
const POINT_DIFFERS = 20;
/** Of all points, this share must differ: less is a pointer, or an encoder's noise. */
const SHARE_DIFFERS = 0.0015;
/** Slides that never stand still (a film) are pictured this often. */
const MOVING_EVERY_MS = 4000;

/** Decides from small grey pictures whether a new still is due. Pure. */
export class SlideJudge {
  private sent: Uint8ClampedArray | null = null;
  private last: Uint8ClampedArray | null = null;
  private changedSince: number | null = null;

  look(now: number, grey: Uint8ClampedArray): Judgement {
    const { sent, last } = this;
    this.last = grey;
    if (sent !== null && !differs(sent, grey)) {
      this.changedSince = null;
      return "same";
    }
    this.changedSince ??= now;
    // The first slide is waited for by everybody.
    if (sent === null && last === null) return "new";
    const stands = last !== null && !differs(last, grey);
    return stands || now - this.changedSince >= MOVING_EVERY_MS ? "new" : "moving";
  }

  /** The picture of this look is on its way. */
  taken(grey: Uint8ClampedArray): void {
    this.sent = grey;
    this.changedSince = null;
  }

  /** It did not arrive: the same slide is due again. */
  lost(): void {
    this.sent = null;
  }
}

function differs(before: Uint8ClampedArray, after: Uint8ClampedArray): boolean {
  if (before.length !== after.length) return true;
  let points = 0;
  for (let at = 0; at < after.length; at += 1) {
    if (Math.abs((after[at] ?? 0) - (before[at] ?? 0)) > POINT_DIFFERS) points += 1;
  }
  return points > after.length * SHARE_DIFFERS;
}

/** Largest still, bytes: five seconds of a link that has 30 kbit/s beside the voice. */
const STILL_BYTES_MAX = 18_000;
/** Tried in turn until one is small enough. Sharp edges matter more than colours, size more than either. */
const TRIES: readonly { readonly width: number; readonly quality: number }[] = [
  { width: 1280, quality: 0.6 },
  { width: 1280, quality: 0.35 },
  { width: 960, quality: 0.4 },
  { width: 960, quality: 0.2 },
  { width: 720, quality: 0.25 },
  { width: 640, quality: 0.1 },
];
const LOOK_EVERY_MS = 500;
const RETRY_MS = 3000;
const UPLOAD_WITHIN_MS = 15_000;

export class SlideStills {
  private readonly token: string;
  private readonly video = document.createElement("video");
  private readonly canvas = document.createElement("canvas");
  private judge = new SlideJudge();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lesson: string | null = null;
  private track: MediaStreamTrack | null = null;

  constructor(token: string) {
    this.token = token;
    this.video.muted = true;
    this.video.setAttribute("playsinline", "");
  }

  /** The slides that are shared now, and the lesson they are shared in. */
  follow(lesson: string | null, track: MediaStreamTrack | null): void {
    if (lesson === this.lesson && track === this.track) return;
    this.lesson = lesson;
    this.track = track;
    this.judge = new SlideJudge();
    clearTimeout(this.timer);
    this.video.srcObject = track === null ? null : new MediaStream([track]);
    if (track === null || lesson === null) return;
    this.video.play().catch(() => undefined);
    this.lookIn(0);
  }

  private lookIn(ms: number): void {
    this.timer = setTimeout(() => void this.look(), ms);
  }

  private async look(): Promise<void> {
    const { lesson, track, judge } = this;
    if (lesson === null || track === null) return;
    let next = LOOK_EVERY_MS;
    try {
      const grey = this.grey();
      if (grey !== null && judge.look(Date.now(), grey) === "new") {
        judge.taken(grey);
        const still = await this.still();
        if (still !== null) await this.put(lesson, still);
      }
    } catch {
      judge.lost();
      next = RETRY_MS;
    }
    if (lesson === this.lesson && track === this.track) this.lookIn(next);
  }

  /** `null` before the first frame. */
  private grey(): Uint8ClampedArray | null {
    const drawing = this.draw(LOOK.width, LOOK.height);
    if (drawing === null) return null;
    const { data } = drawing.getImageData(0, 0, LOOK.width, LOOK.height);
    const grey = new Uint8ClampedArray(LOOK.width * LOOK.height);
    for (let at = 0; at < grey.length; at += 1) {
      const [red = 0, green = 0, blue = 0] = data.subarray(at * 4, at * 4 + 3);
      grey[at] = (red * 2 + green * 5 + blue) >> 3;
    }
    return grey;
  }

  private draw(width: number, height: number): CanvasRenderingContext2D | null {
    if (this.video.videoWidth === 0) return null;
    this.canvas.width = width;
    this.canvas.height = height;
    const drawing = this.canvas.getContext("2d", { willReadFrequently: true });
    drawing?.drawImage(this.video, 0, 0, width, height);
    return drawing;
  }

  private async still(): Promise<Blob | null> {
    const { videoWidth, videoHeight } = this.video;
    let smallest: Blob | null = null;
    for (const { width, quality } of TRIES) {
      const drawn = Math.min(width, videoWidth);
      if (this.draw(drawn, Math.round((drawn * videoHeight) / Math.max(1, videoWidth))) === null) return null;
      const image = await this.encode(quality);
      if (image === null) return null;
      if (smallest === null || image.size < smallest.size) smallest = image;
      if (image.size <= STILL_BYTES_MAX) break;
    }
    return smallest;
  }

  private async encode(quality: number): Promise<Blob | null> {
    const as = (type: string): Promise<Blob | null> =>
      new Promise((done) => this.canvas.toBlob(done, type, quality));
    const image = await as("image/webp");
    // Safari makes a PNG of what it cannot make a WebP of.
    return image !== null && image.type === "image/webp" ? image : as("image/jpeg");
  }

  private async put(lesson: string, image: Blob): Promise<void> {
    const response = await fetchWithin(UPLOAD_WITHIN_MS, `/api/lessons/${lesson}/stills`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": image.type },
      body: image,
    });
    if (!response.ok) throw await HttpRefusal.of(response);
  }
}
