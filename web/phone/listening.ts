/** The lesson's sound on the phone, for when the TV has none: voices only, no picture is asked for. */
import { type AudioSlot, type ClientMessage, VIDEO_SLOTS } from "../shared/protocol.ts";
import { WhepClient } from "../shared/whep-client.ts";

export type ListeningState = "off" | "opening" | "playing" | "blocked";

export interface ListeningOptions {
  readonly token: string;
  readonly send: (message: ClientMessage) => boolean;
  readonly onChange: (state: ListeningState) => void;
}

export class Listening {
  readonly #options: ListeningOptions;
  readonly #voices = new Map<AudioSlot, HTMLAudioElement>();
  #whep: WhepClient | null = null;
  #lesson: string | null = null;
  #peer: string | null = null;
  #wanted = false;
  #quiet = false;

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /** Call it in a click handler: the browser then lets sound begin. */
  set(on: boolean): void {
    this.#wanted = on;
    this.#carryOut();
    for (const voice of this.#voices.values()) void this.#play(voice);
  }

  /** @param lesson the lesson on air, or `null` */
  follow(lesson: string | null): void {
    if (lesson === this.#lesson) return;
    this.#close();
    this.#lesson = lesson;
    this.#carryOut();
  }

  /** While this phone is the microphone its loudspeaker would be heard by everybody. */
  setQuiet(quiet: boolean): void {
    this.#quiet = quiet;
    for (const voice of this.#voices.values()) voice.muted = quiet;
  }

  /** A relay that greets anew knows nothing of our wish to get no picture. */
  welcomed(): void {
    this.#whep?.nudge();
    this.#demandVoiceOnly();
  }

  #carryOut(): void {
    if (!this.#wanted || this.#lesson === null) {
      this.#close();
      this.#options.onChange("off");
      return;
    }
    if (this.#whep !== null) return;
    this.#options.onChange("opening");
    const whep = new WhepClient({
      endpoint: `${location.origin}/whep/${this.#lesson}`,
      token: this.#options.token,
      onState: (state) => {
        if (whep !== this.#whep) return;
        this.#peer = state.kind === "connected" ? state.peer : null;
        this.#demandVoiceOnly();
      },
      onTrack: (slot, track) => {
        if (slot !== "program_audio" && slot !== "extra_audio") return;
        const voice = this.#voices.get(slot) ?? new Audio();
        voice.srcObject = new MediaStream([track]);
        voice.muted = this.#quiet;
        this.#voices.set(slot, voice);
        void this.#play(voice);
      },
      onFlow: () => undefined,
    });
    this.#whep = whep;
    whep.expect(true);
    whep.start();
  }

  #demandVoiceOnly(): void {
    if (this.#peer === null) return;
    for (const slot of VIDEO_SLOTS) {
      this.#options.send({ type: "demand", peer: this.#peer, slot, layer: null });
    }
  }

  async #play(voice: HTMLAudioElement): Promise<void> {
    if (this.#whep === null || voice.srcObject === null) return;
    try {
      await voice.play();
      this.#options.onChange("playing");
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError")
        this.#options.onChange("blocked");
    }
  }

  #close(): void {
    const whep = this.#whep;
    this.#whep = null;
    this.#peer = null;
    whep?.stop();
    for (const voice of this.#voices.values()) voice.srcObject = null;
  }
}
