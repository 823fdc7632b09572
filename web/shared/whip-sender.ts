/**
 * What one slot sends: its track, and encodings that fit the track's real size. One thing at a time: of two changes that overlap, Chromium
 * refuses the later one's parameters (`InvalidStateError`), and the camera that was just opened would never be sent.
 */
import { type PictureRole, type PictureSize, pictureEncodings, soundEncoding } from "./whip-encodings.ts";

export type SectionRole = PictureRole | "voice" | "film";

/** What is needed of a sender; tests bring their own. */
export type TunedSender = Pick<RTCRtpSender, "track" | "getParameters" | "setParameters" | "replaceTrack">;

export class SlotSender {
  readonly sender: TunedSender;
  readonly #role: SectionRole;
  #tuned = "";
  /** What was asked for last; whatever was asked before is done, or has failed. */
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(sender: TunedSender, role: SectionRole) {
    this.sender = sender;
    this.#role = role;
  }

  get track(): MediaStreamTrack | null {
    return this.sender.track;
  }

  /** Starts, replaces or stops (`null`) what is sent; no negotiation. */
  set(track: MediaStreamTrack | null): Promise<void> {
    return this.#next(async () => {
      // A new track may have another size: encodings first, so that its first frames are already right.
      if (track !== null) await this.#fit(track);
      await this.sender.replaceTrack(track);
    });
  }

  /** Fits the encodings to the size the track has now; does nothing when they already fit. */
  tune(): Promise<void> {
    return this.#next(async () => {
      if (this.sender.track !== null) await this.#fit(this.sender.track);
    });
  }

  /** The connection is closed, or is being closed: what was asked for and not done is wanted by nobody. */
  close(): void {
    this.#closed = true;
  }

  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#last
      .then(() => (this.#closed ? undefined : act()))
      .catch((error: unknown) => {
        if (!this.#closed) throw error;
      });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #fit(track: MediaStreamTrack): Promise<void> {
    const wanted = encodingsOf(this.#role, sizeOf(track));
    const fingerprint = JSON.stringify(wanted);
    if (this.#tuned === fingerprint) return;
    const parameters: RTCRtpSendParameters & { degradationPreference?: string } = this.sender.getParameters();
    if (parameters.encodings.length !== wanted.length) return;
    parameters.encodings.forEach((encoding, index) => {
      Object.assign(encoding, wanted[index]);
    });
    // A blurred slide is worthless, a slow one is not.
    if (this.#role === "slides") parameters.degradationPreference = "maintain-resolution";
    try {
      await this.sender.setParameters(parameters);
      this.#tuned = fingerprint;
    } catch {
      // A picture of the wrong size is better than none, and is looked at again within a second.
    }
  }
}

export function encodingsOf(role: SectionRole, size: PictureSize | null): RTCRtpEncodingParameters[] {
  return role === "voice" || role === "film" ? [soundEncoding(role)] : pictureEncodings(role, size);
}

/** Size of a picture track; `null` for sound and for a camera that has not said yet. */
export function sizeOf(track: MediaStreamTrack | null): PictureSize | null {
  if (track === null || track.kind !== "video") return null;
  const { width, height } = track.getSettings();
  return width === undefined || height === undefined ? null : { width, height };
}
