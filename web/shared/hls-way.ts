/**
 * The plainest way: the browser's own player fetches a playlist over HTTPS (RFC 8216). Some seconds behind, one picture with its sound,
 * for browsers that have neither WebRTC nor Media Source Extensions.
 */
import { fetchWithin, HttpRefusal } from "./http.ts";
import { type Slots, VIDEO_SLOTS, type VideoSlot } from "./protocol.ts";
import type { Stage } from "./stage.ts";
import { onWake } from "./wake.ts";
import type { WhepState } from "./whep-client.ts";
import type { Flow } from "./whep-stats.ts";

export interface HlsWayOptions {
  readonly token: string;
  readonly lesson: string;
  readonly seat: string | null;
  readonly stage: Stage;
  readonly onState: (state: WhepState) => void;
  /** Once a second. */
  readonly onFlow: (flow: Flow, silentMs: number) => void;
}

const PLAYLIST = "application/vnd.apple.mpegurl";
const HTTP_WITHIN_MS = 8000;
const RETRY_MS = 2000;
const LOOK_EVERY_MS = 1000;
/** A player that stands for so long has lost the playlist: it is opened anew. */
const STANDS_MS = 12_000;
/** One that says itself that it failed. */
const FAILED_MS = 1500;

/** Old players know AAC only. */
function playsOpus(): boolean {
  return document.createElement("video").canPlayType('video/mp4; codecs="avc1.42e01f, opus"') !== "";
}

export function playsHls(): boolean {
  if (typeof document === "undefined") return false;
  return document.createElement("video").canPlayType(PLAYLIST) !== "";
}

export class HlsWay {
  private readonly options: HlsWayOptions;
  private slots: Slots = {};
  private running = false;
  private onStage = false;
  private picture: VideoSlot | null = null;
  /** Pictures whose codec no playlist carries. */
  private unplayable: VideoSlot[] = [];
  private address: string | null = null;
  private attempt = 0;
  private position = -1;
  private movedAt = 0;
  private moved = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setInterval> | undefined;
  private stopWatching: (() => void) | null = null;

  constructor(options: HlsWayOptions) {
    this.options = options;
  }

  start(): void {
    this.running = true;
    this.lookTimer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.stopWatching = onWake(() => this.keepPlaying());
    void this.open();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    clearInterval(this.lookTimer);
    this.stopWatching?.();
    this.leaveStage();
    this.options.onState({ kind: "stopped" });
  }

  setSlots(slots: Slots): void {
    this.slots = slots;
    this.unplayable = [];
    this.play();
  }

  show(): void {
    this.onStage = true;
    this.play();
  }

  leaveStage(): void {
    this.onStage = false;
    if (this.picture === null) return;
    const element = this.options.stage.video(this.picture);
    element.removeAttribute("src");
    element.load();
    this.options.stage.setSource(this.picture, null);
    this.picture = null;
  }

  /** Asks for an address that needs no header: a player cannot send the token. */
  private async open(): Promise<void> {
    clearTimeout(this.timer);
    this.options.onState({ kind: "connecting", attempt: this.attempt });
    try {
      const { lesson, token, seat } = this.options;
      const sound = playsOpus() ? "opus" : "aac";
      const query = seat === null ? "" : `&seat=${encodeURIComponent(seat)}`;
      const response = await fetchWithin(HTTP_WITHIN_MS, `/api/hls/${lesson}?sound=${sound}${query}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}` },
      });
      if (response.status !== 201) throw await HttpRefusal.of(response);
      const address = response.headers.get("Location");
      if (!this.running || address === null) return;
      this.address = address;
      this.attempt = 0;
      this.movedAt = Date.now();
      this.options.onState({ kind: "connected", peer: "" });
      this.play(true);
    } catch (error) {
      if (!this.running) return;
      const refusal = error instanceof HttpRefusal ? error : null;
      if (
        refusal !== null &&
        (refusal.status === 401 || refusal.status === 403 || refusal.status === 415 || refusal.status === 501)
      ) {
        this.options.onState({ kind: "refused", problem: refusal.problem, status: refusal.status });
        return;
      }
      this.attempt += 1;
      const problem = refusal?.problem ?? null;
      this.options.onState({ kind: "waiting", attempt: this.attempt, retryInMs: RETRY_MS, problem });
      this.timer = setTimeout(() => void this.open(), RETRY_MS);
    }
  }

  /** Slides when there are any, else the teacher: the relay's playlists are one for each. */
  private play(anew = false): void {
    if (!this.onStage || this.address === null) return;
    const { stage } = this.options;
    const picture: VideoSlot =
      VIDEO_SLOTS.filter(
        (slot) => slot === "slides_video" && this.slots[slot] !== undefined && this.plays(slot),
      )[0] ?? "program_video";
    if (picture === this.picture && !anew) return;
    if (this.picture !== null && this.picture !== picture) {
      const before = stage.video(this.picture);
      before.removeAttribute("src");
      before.load();
      stage.setSource(this.picture, null);
    }
    this.picture = picture;
    const element = stage.video(picture);
    stage.setSource(picture, { sounds: true, play: () => this.keepPlaying() });
    element.src = `${this.address}/${picture}.m3u8`;
    this.keepPlaying();
    if (picture !== "program_video") void this.examine(`${this.address}/${picture}.m3u8`, picture);
  }

  private plays(slot: VideoSlot): boolean {
    return this.unplayable.indexOf(slot) < 0;
  }

  /** A player says nothing of why it fails; the relay does. Slides in a codec it cannot put into a playlist leave the teacher. */
  private async examine(playlist: string, picture: VideoSlot): Promise<void> {
    try {
      const { status } = await fetchWithin(HTTP_WITHIN_MS, playlist, {});
      if (status !== 415 || !this.running || picture !== this.picture) return;
      this.unplayable = [...this.unplayable, picture];
      this.play();
    } catch {
      // The network: the player tries again by itself.
    }
  }

  private keepPlaying(): void {
    if (this.picture === null || !this.onStage) return;
    const { picture } = this;
    const element = this.options.stage.video(picture);
    const started: Promise<void> | undefined = element.play();
    started?.catch((error: unknown) => {
      const refused = (error as Error).name === "NotAllowedError" && !element.muted;
      if (refused) this.options.stage.noteBlocked(picture);
    });
  }

  private look(): void {
    const now = Date.now();
    const element = this.picture === null ? null : this.options.stage.video(this.picture);
    if (element !== null && element.currentTime !== this.position) {
      this.position = element.currentTime;
      this.movedAt = now;
      this.moved += 1;
    } else if (this.address !== null && now - this.movedAt > (element?.error ? FAILED_MS : STANDS_MS)) {
      this.movedAt = now;
      this.address = null;
      void this.open();
    }
    if (element?.paused === true) this.keepPlaying();
    const flow: Flow = {
      slots: {},
      packets: this.address === null ? 0 : this.moved + 1,
      lost: 0,
      frames: 0,
      checks: -1,
      protocol: null,
    };
    this.options.onFlow(flow, this.onStage ? now - this.movedAt : 0);
  }
}
