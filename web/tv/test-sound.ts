/** Three rising tones over the same kind of element that plays the lesson: what is heard here will be heard there. */

const RATE = 16_000;
const TONES_HZ = [523, 659, 784];
const TONE_S = 0.45;
const LOUDNESS = 0.5;

/** `blocked`: the browser wants a key or click before it plays sound. */
export type TestSoundOutcome = "played" | "blocked" | "failed";

export function playTestSound(volume: number): Promise<TestSoundOutcome> {
  const address = URL.createObjectURL(new Blob([tones() as BlobPart], { type: "audio/wav" }));
  const player = document.createElement("audio");
  player.src = address;
  player.volume = volume;
  return new Promise((resolve) => {
    const end = (outcome: TestSoundOutcome): void => {
      URL.revokeObjectURL(address);
      resolve(outcome);
    };
    player.onended = () => end("played");
    player.onerror = () => end("failed");
    const started: Promise<void> | undefined = player.play();
    started?.catch((error: unknown) =>
      end((error as Error).name === "NotAllowedError" ? "blocked" : "failed"),
    );
  });
}

/** A WAV file, 16 bit mono. */
export function tones(): Uint8Array {
  const perTone = Math.round(RATE * TONE_S);
  const samples = perTone * TONES_HZ.length;
  const file = new DataView(new ArrayBuffer(44 + samples * 2));
  const text = (at: number, word: string): void => {
    for (let index = 0; index < word.length; index += 1) file.setUint8(at + index, word.charCodeAt(index));
  };
  text(0, "RIFF");
  file.setUint32(4, 36 + samples * 2, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, RATE, true);
  file.setUint32(28, RATE * 2, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  text(36, "data");
  file.setUint32(40, samples * 2, true);
  TONES_HZ.forEach((hz, tone) => {
    for (let n = 0; n < perTone; n += 1) {
      // Fades in and out, so that no loudspeaker cracks.
      const fade = Math.min(1, n / 400, (perTone - n) / 1600);
      const value = Math.sin((2 * Math.PI * hz * n) / RATE) * fade * LOUDNESS;
      file.setInt16(44 + (tone * perTone + n) * 2, Math.round(value * 32_767), true);
    }
  });
  return new Uint8Array(file.buffer);
}
