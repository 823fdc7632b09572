/**
 * What the teacher sees and hears of a class: a playing session that exists only while a class speaks or shows its pupils, so
 * that her line carries nothing else. The browser's echo canceller knows this sound, because it plays it.
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { ClientMessage } from "../shared/protocol.ts";
import { type FloorNews, pictured, speaker } from "../shared/room-facts.ts";
import { WhepClient } from "../shared/whep-client.ts";

export interface MonitorOptions {
  readonly token: string;
  readonly send: (message: ClientMessage) => boolean;
}

/** A class may be called again a moment later. */
const LINGER_MS = 20_000;

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #picture = signal<MediaStreamTrack | null>(null);
  readonly #blocked = signal(false);
  readonly #voice = new Audio();
  #whep: WhepClient | null = null;
  #peer: string | null = null;
  #closing: ReturnType<typeof setTimeout> | null = null;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The class's picture; it may stand still or be black until the class sends one. */
  get picture(): ReadonlySignal<MediaStreamTrack | null> {
    return this.#picture;
  }
  /** The browser wants a click before it plays sound. */
  get blocked(): ReadonlySignal<boolean> {
    return this.#blocked;
  }

  /** @param lesson the lesson on air, or `null` */
  follow(lesson: string | null, floor: FloorNews): void {
    const wanted =
      lesson !== null && (floor.turns.some(({ phase }) => phase !== "called") || pictured(floor) !== null);
    if (wanted) this.#open(lesson);
    else if (lesson === null) this.#close();
    else if (this.#whep !== null && this.#closing === null) {
      this.#closing = setTimeout(() => this.#close(), LINGER_MS);
    }
    // In the same slot travels the sound of the teacher's own slides at other times.
    this.#voice.muted = speaker(floor) === null;
    this.#whep?.expect(speaker(floor) !== null);
  }

  /** A relay that greets anew knows nothing of our session. */
  welcomed(): void {
    this.#whep?.nudge();
    this.#demand();
  }

  /** Call it in a click handler. */
  unblock(): void {
    void this.#play();
  }

  #open(lesson: string): void {
    if (this.#closing !== null) clearTimeout(this.#closing);
    this.#closing = null;
    if (this.#whep !== null) return;
    const whep = new WhepClient({
      endpoint: `${location.origin}/whep/${lesson}`,
      token: this.#options.token,
      onState: (state) => {
        if (whep !== this.#whep) return;
        this.#peer = state.kind === "connected" ? state.peer : null;
        this.#demand();
      },
      onTrack: (slot, track) => {
        if (slot === "extra_video") this.#picture.value = track;
        if (slot !== "extra_audio") return;
        this.#voice.srcObject = new MediaStream([track]);
        void this.#play();
      },
      onFlow: () => undefined,
    });
    this.#whep = whep;
    whep.start();
  }

  /** Her own pictures need not come back to her. */
  #demand(): void {
    if (this.#peer === null) return;
    for (const slot of ["program_video", "slides_video"] as const) {
      this.#options.send({ type: "demand", peer: this.#peer, slot, layer: null });
    }
  }

  async #play(): Promise<void> {
    try {
      await this.#voice.play();
      this.#blocked.value = false;
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#blocked.value = true;
    }
  }

  #close(): void {
    if (this.#closing !== null) clearTimeout(this.#closing);
    this.#closing = null;
    this.#whep?.stop();
    this.#whep = null;
    this.#peer = null;
    this.#picture.value = null;
    this.#voice.srcObject = null;
    this.#blocked.value = false;
  }
}
