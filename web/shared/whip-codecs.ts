/** Which codecs a publisher offers, in which order, and when a wish to change them is followed. */

import type { CodecName } from "./protocol.ts";

/** The part of `RTCRtpCodec` we look at. */
export interface OfferedCodec {
  mimeType: string;
  clockRate: number;
  channels?: number;
  sdpFmtpLine?: string;
}

/**
 * Orders what the browser can send: the wished codec first, the other one as a way back, then
 * repair. Everything the relay does not carry (VP9, AV1, H.265, ulpfec) is left out.
 *
 * H.264 means constrained baseline with packetization mode 1: the one profile that every hardware
 * decoder in a classroom has.
 */
export function orderPictureCodecs<C extends OfferedCodec>(available: readonly C[], wish: CodecName): C[] {
  const h264 = available.filter(
    (codec) => is(codec, "video/h264") && isConstrainedBaseline(codec.sdpFmtpLine),
  );
  const vp8 = available.filter((codec) => is(codec, "video/vp8"));
  const repair = available.filter((codec) => is(codec, "video/rtx"));
  return wish === "h264" ? [...h264, ...vp8, ...repair] : [...vp8, ...h264, ...repair];
}

/** RED first where the browser has it (each packet repeats the one before it), then plain Opus. */
export function orderSoundCodecs<C extends OfferedCodec>(available: readonly C[]): C[] {
  const red = available.filter((codec) => is(codec, "audio/red"));
  const opus = available.filter((codec) => is(codec, "audio/opus"));
  return opus.length === 0 ? [] : [...red, ...opus];
}

/** Whether this browser can send `wish` at all; Firefox on Debian, for one, has no H.264. */
export function canSend(available: readonly OfferedCodec[], wish: CodecName): boolean {
  return orderPictureCodecs(available, wish).some((codec) => is(codec, `video/${wish}`));
}

function is(codec: OfferedCodec, mimeType: string): boolean {
  return codec.mimeType.toLowerCase() === mimeType;
}

function isConstrainedBaseline(fmtp: string | undefined): boolean {
  const parameters = (fmtp ?? "").toLowerCase();
  return /profile-level-id=42e0/.test(parameters) && /packetization-mode=1/.test(parameters);
}

/** A wish for H.264 must stand this long before a running lesson changes codec for it. */
export const H264_HOLD_MS = 20_000;

/**
 * Decides when a running lesson follows the server's wish for another codec.
 *
 * VP8 is wished when a place cannot decode H.264: that place sees nothing, so it is followed at
 * once. H.264 is only cheaper for the places, and each change costs everybody a fresh keyframe, so
 * it waits until the wish has stood for [`H264_HOLD_MS`].
 */
export class CodecChoice {
  #current: CodecName;
  #wish: { codec: CodecName; since: number };

  constructor(current: CodecName) {
    this.#current = current;
    this.#wish = { codec: current, since: 0 };
  }

  /** The codec to publish with. */
  get current(): CodecName {
    return this.#current;
  }

  /** Notes a wish at `now` (ms); `publishing` tells whether anybody would notice a change. */
  wish(codec: CodecName, now: number, publishing: boolean): void {
    if (this.#wish.codec !== codec) this.#wish = { codec, since: now };
    if (!publishing || codec === "vp8") this.#current = codec;
  }

  /** Milliseconds from `now` until the standing wish becomes the choice; `null` when it already is. */
  dueIn(now: number): number | null {
    if (this.#wish.codec === this.#current) return null;
    return Math.max(0, this.#wish.since + H264_HOLD_MS - now);
  }

  /** Follows the standing wish when it is due. */
  settle(now: number): void {
    if (this.dueIn(now) === 0) this.#current = this.#wish.codec;
  }
}
