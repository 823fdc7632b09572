/**
 * What a watching page does when its link is weak: waits longer before it plays, and shows slides as still images. Pure but
 * for `StillKeeper`, which fetches them.
 */

/** Where the link stands on the relay's ladder (`PROTOCOL.md`, "Weak links"). */
export interface LinkFacts {
  readonly rung: number;
  readonly cause: string | null;
  readonly estimate_kbps: number | null;
  readonly playout_ms: number;
  readonly stills: boolean;
  /** Pictures that stand because the link has no room for them. */
  readonly withheld: readonly string[];
}

/** The newest still of the slides. */
export interface StillFacts {
  readonly no: number;
  readonly bytes: number;
}

/** What a person allows this screen to use. `null`: no limit. */
export interface Saver {
  readonly kbps: number | null;
  readonly mb: number | null;
}

export const NO_SAVER: Saver = { kbps: null, mb: null };

/** Choices of the data saver, most generous first; 64 kbit/s is voice and still slides. */
export const SAVER_KBPS: readonly (number | null)[] = [null, 600, 250, 64];
export const SAVER_MB: readonly (number | null)[] = [null, 500, 200, 80];

const SAVER_KEY = "nhipcau.saver";

export function rememberedSaver(): Saver {
  try {
    const stored = JSON.parse(localStorage.getItem(SAVER_KEY) ?? "null") as Partial<Saver> | null;
    const known = (choices: readonly (number | null)[], value: unknown): number | null =>
      typeof value === "number" && choices.indexOf(value) >= 0 ? value : null;
    return { kbps: known(SAVER_KBPS, stored?.kbps), mb: known(SAVER_MB, stored?.mb) };
  } catch {
    return NO_SAVER;
  }
}

export function rememberSaver(saver: Saver): void {
  try {
    localStorage.setItem(SAVER_KEY, JSON.stringify(saver));
  } catch {
    // Then it saves data until the next power cut.
  }
}

/**
 * The playout target on its way: up in small steps, because a player that is told to wait a second longer at once stops for a
 * second; down at once, because a class that is called must not answer into the past.
 */
export function nextPlayout(now: number, wanted: number): number {
  return wanted <= now ? wanted : Math.min(wanted, now + PLAYOUT_STEP_MS);
}

/**
 * How long the voice waits from its first packet on, before anything is known of the link: by how long the relay's answer took.
 * A wait that grows later is stretched sound; one that is there from the start costs nothing but itself.
 */
export function firstPlayout(answeredAfterMs: number): number {
  if (answeredAfterMs < FAR_MS) return 0;
  return Math.min(FIRST_PLAYOUT_MAX_MS, Math.ceil(answeredAfterMs / PLAYOUT_STEP_MS) * PLAYOUT_STEP_MS);
}

/**
 * The same for the picture. Chromium shows the first frame at once and the second after the whole wait: a picture that leads by so
 * little for a second or two is seen by nobody, one that stands still for half a second by everybody.
 */
export function firstPicturePlayout(voiceMs: number): number {
  return Math.max(0, voiceMs - PICTURE_LEADS_MS);
}

const PICTURE_LEADS_MS = 150;

/** An answer across the town takes less; an upload of 4 kB over a village's link more. */
const FAR_MS = 150;
const FIRST_PLAYOUT_MAX_MS = 500;

/** One step every `PLAYOUT_EVERY_MS`: a player stretches sound by a tenth without anybody hearing it. */
const PLAYOUT_STEP_MS = 50;
export const PLAYOUT_EVERY_MS = 500;

/** A receiver that can be told how long to wait (Chromium 124, Firefox 146). */
export interface WaitingReceiver {
  jitterBufferTarget: number | null;
}

export function canWait(): boolean {
  return typeof RTCRtpReceiver === "function" && "jitterBufferTarget" in RTCRtpReceiver.prototype;
}

export interface StillKeeperOptions {
  readonly token: string;
  /** A new still is there, or it is gone. */
  readonly onChange: (still: ShownStill | null) => void;
  readonly fetch?: (url: string, token: string) => Promise<Blob>;
}

export interface ShownStill {
  readonly no: number;
  readonly url: string;
}

const RETRY_MS = 3000;

/** Fetches the newest still while it is wanted, one at a time; what is on its way is not started twice. */
export class StillKeeper {
  private readonly options: StillKeeperOptions;
  private wanted: { lesson: string; no: number } | null = null;
  private loading: string | null = null;
  private shown: (ShownStill & { readonly lesson: string }) | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StillKeeperOptions) {
    this.options = options;
  }

  /** `null`: none is needed now. The last one stays until another lesson or `clear`. */
  want(lesson: string | null, still: StillFacts | null): void {
    if (still === null) this.clear();
    this.wanted = lesson === null || still === null ? null : { lesson, no: still.no };
    if (this.shown !== null && lesson !== null && this.shown.lesson !== lesson) this.clear();
    void this.load();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.wanted = null;
    const { shown } = this;
    this.shown = null;
    if (shown === null) return;
    URL.revokeObjectURL(shown.url);
    this.options.onChange(null);
  }

  private async load(): Promise<void> {
    const { wanted } = this;
    if (wanted === null || this.loading !== null) return;
    const { lesson, no } = wanted;
    if (this.shown !== null && this.shown.lesson === lesson && this.shown.no === no) return;
    const address = `/api/lessons/${lesson}/stills/${no}`;
    this.loading = address;
    clearTimeout(this.timer);
    try {
      const image = await (this.options.fetch ?? fetchStill)(address, this.options.token);
      if (this.wanted !== null && this.wanted.lesson === lesson) this.show(lesson, no, image);
    } catch {
      // Gone: the news of the newer one brings us back. No network: tried again.
      this.timer = setTimeout(() => void this.load(), RETRY_MS);
    } finally {
      this.loading = null;
    }
    // A newer one was announced meanwhile.
    if (this.wanted !== null && this.wanted.no !== no) void this.load();
  }

  private show(lesson: string, no: number, image: Blob): void {
    const old = this.shown;
    this.shown = { lesson, no, url: URL.createObjectURL(image) };
    this.options.onChange({ no, url: this.shown.url });
    if (old !== null) URL.revokeObjectURL(old.url);
  }
}

async function fetchStill(url: string, token: string): Promise<Blob> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`still: ${response.status}`);
  return response.blob();
}

/** Words for a weak link, by rung and cause, as keys of `weak.json`; `null`: nothing to say. */
export function weakWords(link: LinkFacts | null): {
  readonly rung: `weak.rung.${0 | 1 | 2 | 3 | 4 | 5}`;
  readonly cause: `weak.cause.${"bandwidth" | "loss" | "saver"}`;
} | null {
  if (link === null || link.rung >= 6) return null;
  const { cause } = link;
  if (cause !== "bandwidth" && cause !== "loss" && cause !== "saver") return null;
  const rung = Math.max(0, Math.min(5, Math.round(link.rung))) as 0 | 1 | 2 | 3 | 4 | 5;
  return { rung: `weak.rung.${rung}`, cause: `weak.cause.${cause}` };
}
