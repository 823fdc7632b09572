/** The teacher's voice as she can see and test it: a level at all times, a recording when she asks. */
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { LevelMeter, levelOfRms, loudness, recordSample } from "../shared/sound.ts";
import { type SoundCheck, type SoundEvent, soundCheck } from "./checklist.ts";
import type { HostRoom } from "./room.ts";

const RECORD_MS = 3000;

export class Voice {
  readonly #level = signal<number | null>(null);
  readonly #check = signal<SoundCheck>({ kind: "untested" });
  readonly #room: HostRoom;
  #meter: LevelMeter | null = null;
  /** What the meter listens to. */
  #copy: MediaStreamTrack | null = null;
  #deviceId: string | null = null;
  #player: HTMLAudioElement | null = null;
  #recording: AbortController | null = null;

  constructor(room: HostRoom) {
    this.#room = room;
    effect(() => this.#follow());
    effect(() => {
      // Until the page is touched after a reload the meter may stand still; the connection measures too.
      const measured = room.sample.value?.voiceLevel;
      if (measured != null && this.#meter?.running === false) this.#level.value = levelOfRms(measured);
    });
  }

  /** Meter position 0..1 of the open microphone, muted or not; `null` when there is none. */
  get level(): ReadonlySignal<number | null> {
    return this.#level;
  }
  get check(): ReadonlySignal<SoundCheck> {
    return this.#check;
  }

  /** Records three seconds and plays them back on the computer's speakers. */
  async test(): Promise<void> {
    const microphone = this.#room.sources.microphone.peek();
    if (microphone.kind !== "on" || this.#recording !== null) return;
    this.#tell({ type: "record" });
    // A copy hears the teacher even while the original is muted.
    const track = microphone.track.clone();
    track.enabled = true;
    let loudest = 0;
    const meter = new LevelMeter(track, (level) => {
      loudest = Math.max(loudest, level);
    });
    const recording = new AbortController();
    this.#recording = recording;
    try {
      const sound = await recordSample(track, RECORD_MS, recording.signal);
      const silent = loudness(loudest) === "silent";
      this.#tell({ type: "recorded", silent });
      if (!silent) await this.#play(sound);
    } catch {
      if (!recording.signal.aborted) this.#tell({ type: "broke" });
    } finally {
      meter.stop();
      track.stop();
      this.#recording = null;
    }
  }

  answer(clear: boolean): void {
    this.#player?.pause();
    this.#tell({ type: "answered", clear });
  }

  #play(sound: Blob): Promise<void> {
    const address = URL.createObjectURL(sound);
    const player = new Audio(address);
    this.#player = player;
    return new Promise<void>((resolve, reject) => {
      player.addEventListener("ended", () => {
        this.#tell({ type: "played" });
        resolve();
      });
      player.addEventListener("pause", () => resolve());
      player.addEventListener("error", () => reject(new Error("playback failed")));
      player.play().catch(reject);
    }).finally(() => URL.revokeObjectURL(address));
  }

  #follow(): void {
    const microphone = this.#room.sources.microphone.value;
    this.#meter?.stop();
    this.#copy?.stop();
    this.#meter = null;
    this.#copy = null;
    this.#level.value = null;
    if (microphone.kind !== "on") return;
    // A muted track measures nothing; a copy lets the teacher see that the microphone itself works.
    this.#copy = microphone.track.clone();
    this.#copy.enabled = true;
    this.#meter = new LevelMeter(this.#copy, (level) => {
      this.#level.value = level;
    });
    if (this.#deviceId !== null && this.#deviceId !== microphone.deviceId) {
      this.#recording?.abort();
      this.#tell({ type: "microphone_changed" });
    }
    this.#deviceId = microphone.deviceId;
  }

  #tell(event: SoundEvent): void {
    this.#check.value = soundCheck(this.#check.peek(), event);
  }
}
