/**
 * The elements that show and sound a lesson: one video per picture slot, one audio per sound slot. Pictures are silent
 * elements of their own, so they start where autoplay forbids sound, and sound can be blocked without stopping them.
 */
import { FrameCounter, FreezeJudge, LOOK_EVERY_MS } from "./picture-watch.ts";
import {
  AUDIO_SLOTS,
  type AudioSlot,
  type LayerName,
  type Slot,
  type Slots,
  VIDEO_SLOTS,
  type VideoSlot,
} from "./protocol.ts";
import type { PictureFacts, Sound } from "./viewer-state.ts";
import type { Flow } from "./whep-stats.ts";

/**
 * The size wanted of each published picture; `null` = the layout does not show it. Slots that carry nothing are left out, so
 * that a picture that appears is sent at once and not only after our answer, which a broken WebSocket may delay.
 */
export type Demand = { readonly [S in VideoSlot]?: LayerName | null };

export interface StageOptions {
  readonly onPicture: (slot: VideoSlot, picture: PictureFacts) => void;
  readonly onSound: (sound: Sound) => void;
  /** The sizes shown have changed. */
  readonly onDemand: (demand: Demand) => void;
}

interface Picture {
  readonly element: HTMLVideoElement;
  readonly counter: FrameCounter;
  readonly judge: FreezeJudge;
  track: MediaStreamTrack | null;
  shown: boolean;
  /** Packets received, and how many of them by the last frame that was shown. */
  packets: number;
  packetsAtFrame: number;
  frames: number;
  facts: PictureFacts;
  /** What plays in its element instead of a track. */
  source: PlayedSource | null;
}

/** Something that fills a picture's element by itself and keeps it playing: segments, a playlist. */
export interface PlayedSource {
  /** It also sounds. */
  readonly sounds: boolean;
  /** Begins to play, or goes on; called inside a key or click handler where the browser wants one. */
  play(): void;
}

interface Voice {
  readonly element: HTMLAudioElement;
  blocked: boolean;
}

const UNSEEN: PictureFacts = { seen: false, frozenSince: null };

function isVideoSlot(slot: Slot): slot is VideoSlot {
  return (VIDEO_SLOTS as readonly string[]).indexOf(slot) >= 0;
}

export class Stage {
  private readonly options: StageOptions;
  private readonly pictures = new Map<VideoSlot, Picture>();
  private readonly voices = new Map<AudioSlot, Voice>();
  private slots: Slots = {};
  private sound: Sound = "none";
  private muted = false;
  private volume = 1;
  /** The browser wants a key before a source may sound. */
  private sourceBlocked = false;
  private demanded = "";
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(options: StageOptions) {
    this.options = options;
    for (const slot of VIDEO_SLOTS) this.pictures.set(slot, newPicture());
    for (const slot of AUDIO_SLOTS)
      this.voices.set(slot, { element: document.createElement("audio"), blocked: false });
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** The element of a slot, for the page to put where its layout wants it. */
  video(slot: VideoSlot): HTMLVideoElement {
    return this.picture(slot).element;
  }

  /** Shows or sounds a new track in the slot's place once it carries something; until then the last picture stays. */
  setTrack(slot: Slot, track: MediaStreamTrack): void {
    if (isVideoSlot(slot)) this.picture(slot).track = track;
    const attach = (): void => {
      track.removeEventListener("unmute", attach);
      if (isVideoSlot(slot)) this.attachPicture(this.picture(slot), track);
      else this.attachVoice(slot, track);
    };
    if (track.muted) track.addEventListener("unmute", attach);
    else attach();
  }

  /** Lets something else than a track play in a picture's element; `null` gives it back. */
  setSource(slot: VideoSlot, source: PlayedSource | null): void {
    const picture = this.picture(slot);
    if (source !== null && picture.element.srcObject !== null) picture.element.srcObject = null;
    picture.source = source;
    this.sourceBlocked = false;
    picture.element.muted = this.muted || source?.sounds !== true;
    picture.element.volume = source?.sounds === true ? this.volume : 1;
    this.updateSound();
  }

  /** The browser let nothing of a source sound: its picture goes on in silence until a key is pressed. */
  noteBlocked(slot: VideoSlot): void {
    const { element, source } = this.picture(slot);
    if (source === null) return;
    this.sourceBlocked = true;
    element.muted = true;
    source.play();
    this.updateSound();
  }

  /** Takes away the tracks of a connection that is no longer shown. */
  dropTracks(): void {
    this.pictures.forEach((picture) => {
      picture.element.srcObject = null;
      picture.track = null;
    });
    this.voices.forEach((voice) => {
      voice.element.srcObject = null;
      voice.blocked = false;
    });
    this.updateSound();
  }

  /** What is published: a slot that is not falls silent and loses its picture. */
  setSlots(slots: Slots): void {
    this.slots = slots;
    this.updateSound();
  }

  /** What has arrived so far, about once a second. */
  noteFlow(flow: Flow): void {
    this.pictures.forEach((picture, slot) => {
      picture.packets = flow.slots[slot]?.packets ?? 0;
    });
  }

  /** Which pictures the layout shows. */
  setShown(shown: readonly VideoSlot[]): void {
    this.pictures.forEach((picture, slot) => {
      picture.shown = shown.indexOf(slot) >= 0;
    });
    this.updateDemand();
  }

  /** Call inside a key or click handler: the browser then lets sound begin. */
  unblock(): void {
    this.voices.forEach((voice) => {
      this.play(voice);
    });
    this.pictures.forEach(({ element, source }) => {
      if (source !== null) {
        if (source.sounds) element.muted = this.muted;
        this.sourceBlocked = false;
        source.play();
      } else if (element.srcObject !== null && element.paused) element.play().catch(() => undefined);
    });
    this.updateSound();
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    this.pictures.forEach(({ element, source }) => {
      if (source?.sounds === true) element.muted = muted || this.sourceBlocked;
    });
    this.voices.forEach(({ element }) => {
      element.muted = muted;
    });
    this.updateSound();
  }

  /** Of the page itself, 0 to 1; the TV's own volume stands behind it. */
  setVolume(volume: number): void {
    this.volume = volume;
    this.pictures.forEach(({ element, source }) => {
      if (source?.sounds === true) element.volume = volume;
    });
    this.voices.forEach(({ element }) => {
      element.volume = volume;
    });
  }

  /** Forgets pictures and sound of a lesson that is over. */
  clear(): void {
    this.slots = {};
    this.pictures.forEach((picture) => {
      picture.element.srcObject = null;
      picture.track = null;
      picture.source = null;
      picture.element.muted = true;
      picture.judge.restart();
      picture.facts = UNSEEN;
    });
    this.voices.forEach((voice) => {
      voice.element.srcObject = null;
      voice.blocked = false;
    });
    this.demanded = "";
    this.updateSound();
  }

  /** Sends the present demand again, for a new session. */
  repeatDemand(): void {
    this.demanded = "";
    this.updateDemand();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.pictures.forEach(({ counter }) => {
      counter.stop();
    });
    this.clear();
  }

  private picture(slot: VideoSlot): Picture {
    const picture = this.pictures.get(slot);
    if (picture === undefined) throw new Error(`stage has no picture for ${slot}`);
    return picture;
  }

  private attachPicture(picture: Picture, track: MediaStreamTrack): void {
    if (picture.track !== track || picture.source !== null) return;
    picture.element.srcObject = new MediaStream([track]);
    picture.element.play().catch(() => undefined);
  }

  private attachVoice(slot: AudioSlot, track: MediaStreamTrack): void {
    const voice = this.voices.get(slot);
    if (voice === undefined) return;
    voice.element.srcObject = new MediaStream([track]);
    voice.element.muted = this.muted;
    voice.element.volume = this.volume;
    this.play(voice);
  }

  private play(voice: Voice): void {
    if (voice.element.srcObject === null) return;
    // `play` answers with nothing in Chromium 49 and older; there it also never refuses.
    const started: Promise<void> | undefined = voice.element.play();
    started?.then(
      () => {
        voice.blocked = false;
        this.updateSound();
      },
      (error: unknown) => {
        // AbortError only says that a newer track took the element over.
        if ((error as Error).name === "NotAllowedError") voice.blocked = true;
        this.updateSound();
      },
    );
  }

  private updateSound(): void {
    const sound = this.judgeSound();
    if (sound === this.sound) return;
    this.sound = sound;
    this.options.onSound(sound);
  }

  private judgeSound(): Sound {
    const sounding = VIDEO_SLOTS.some((slot) => this.picture(slot).source?.sounds === true);
    if (sounding) return this.sourceBlocked ? "blocked" : this.muted ? "muted" : "playing";
    const voices = AUDIO_SLOTS.filter((slot) => this.slots[slot] !== undefined)
      .map((slot) => this.voices.get(slot))
      .filter((voice) => voice !== undefined && voice.element.srcObject !== null);
    if (voices.length === 0) return "none";
    if (voices.some((voice) => voice?.blocked)) return "blocked";
    return this.muted ? "muted" : "playing";
  }

  private look(): void {
    const now = Date.now();
    const visible = document.visibilityState === "visible";
    this.pictures.forEach((picture, slot) => {
      const judged = visible && picture.shown && this.slots[slot] !== undefined;
      const { frames } = picture.counter;
      if (frames !== picture.frames) {
        picture.frames = frames;
        picture.packetsAtFrame = picture.packets;
      }
      const stands = picture.judge.look(now, frames, judged);
      const frozenSince = slot === "slides_video" && !isStuck(picture) ? null : stands;
      const facts = { seen: picture.judge.hasPicture, frozenSince };
      if (facts.seen === picture.facts.seen && facts.frozenSince === picture.facts.frozenSince) return;
      picture.facts = facts;
      this.options.onPicture(slot, facts);
    });
    this.keepPlaying();
    this.updateDemand();
  }

  /** A TV's own media keys, a headset button or the system may pause an element; a lesson is never paused. */
  private keepPlaying(): void {
    this.pictures.forEach(({ element }) => {
      if (element.srcObject !== null && element.paused) element.play().catch(() => undefined);
    });
    this.voices.forEach((voice) => {
      if (!voice.blocked && voice.element.srcObject !== null && voice.element.paused) this.play(voice);
    });
  }

  private updateDemand(): void {
    const demand: { [S in VideoSlot]?: LayerName | null } = {};
    for (const slot of VIDEO_SLOTS) if (this.slots[slot] !== undefined) demand[slot] = this.layerOf(slot);
    const text = JSON.stringify(demand);
    if (text === this.demanded) return;
    this.demanded = text;
    this.options.onDemand(demand);
  }

  private layerOf(slot: VideoSlot): LayerName | null {
    const { element, shown } = this.picture(slot);
    if (!shown) return null;
    // Slides carry text: any size at all deserves all of it.
    if (slot === "slides_video") return "high";
    return layerForHeight(element.clientHeight * (window.devicePixelRatio || 1));
  }
}

/** The smallest layer (180, 360, 720 lines) that fills `pixels` without visible blur. */
export function layerForHeight(pixels: number): LayerName {
  if (pixels > 420) return "high";
  return pixels > 210 ? "mid" : "low";
}

/**
 * A slide may rightly stand for minutes, and encoders then send next to nothing. It is stuck when packets keep arriving and
 * no frame comes of them; a path that brings nothing at all is noticed by its silence.
 */
function isStuck(picture: Picture): boolean {
  return picture.packets > picture.packetsAtFrame + STUCK_PACKETS;
}

/** The packets of the last shown frame may be counted a reading later. */
const STUCK_PACKETS = 8;

function newPicture(): Picture {
  const element = document.createElement("video");
  element.muted = true;
  element.autoplay = true;
  element.setAttribute("playsinline", "");
  // A TV's remote must never land on the browser's own controls.
  element.controls = false;
  element.tabIndex = -1;
  return {
    element,
    counter: new FrameCounter(element),
    judge: new FreezeJudge(),
    track: null,
    shown: false,
    packets: 0,
    packetsAtFrame: 0,
    frames: 0,
    facts: UNSEEN,
    source: null,
  };
}
