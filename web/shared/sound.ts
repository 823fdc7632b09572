/** Seeing and hearing a microphone: a level in 0..1 and a short recording to play back. */

/** Quietest level the meter shows, dBFS; a calm room is about -60. */
const FLOOR_DB = -55;
/** Level of a voice too loud, dBFS. */
const CEILING_DB = -9;

/** Meter position, 0..1, of samples in -1..1: root mean square on a decibel scale, as ears hear. */
export function meterLevel(samples: Float32Array<ArrayBufferLike>): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  return levelOfRms(rms);
}

/** The same scale for a root mean square, or for `audioLevel` of WebRTC statistics, which is linear too. */
export function levelOfRms(rms: number): number {
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (db - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}

/** How a level reads in words. */
export type Loudness = "silent" | "quiet" | "good" | "loud";

export function loudness(level: number): Loudness {
  if (level < 0.06) return "silent";
  if (level < 0.3) return "quiet";
  return level < 0.92 ? "good" : "loud";
}

/** Measures a track some fifteen times a second until `stop`. */
export class LevelMeter {
  readonly #context = new AudioContext();
  readonly #source: MediaStreamAudioSourceNode;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #wake = (): void => void this.#context.resume();
  #shown = 0;

  constructor(track: MediaStreamTrack, onLevel: (level: number) => void) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 2048;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    // After a reload nobody has touched the page yet and the browser holds audio contexts back.
    for (const gesture of GESTURES) addEventListener(gesture, this.#wake);
    this.#timer = setInterval(() => {
      if (this.#context.state !== "running") return;
      analyser.getFloatTimeDomainData(samples);
      const level = meterLevel(samples);
      // Up at once, down slowly: a bar that flickers with every syllable says nothing.
      this.#shown = level > this.#shown ? level : this.#shown * 0.8 + level * 0.2;
      onLevel(this.#shown);
    }, 66);
  }

  /** Whether levels arrive; `false` until the first touch of the page on some browsers. */
  get running(): boolean {
    return this.#context.state === "running";
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const gesture of GESTURES) removeEventListener(gesture, this.#wake);
    this.#source.disconnect();
    void this.#context.close();
  }
}

const GESTURES = ["pointerdown", "keydown"] as const;

/** Records `track` for `ms` milliseconds; rejects when the browser cannot record or `signal` aborts. */
export function recordSample(track: MediaStreamTrack, ms: number, signal: AbortSignal): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const recorder = new MediaRecorder(new MediaStream([track]));
    const parts: Blob[] = [];
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      clearTimeout(timer);
      if (signal.aborted) reject(signal.reason);
      else resolve(new Blob(parts, { type: recorder.mimeType }));
    });
    recorder.addEventListener("error", () => reject(new Error("recording failed")));
    recorder.start();
    const stop = (): void => {
      if (recorder.state !== "inactive") recorder.stop();
    };
    const timer = setTimeout(stop, ms);
    signal.addEventListener("abort", stop);
  });
}
