/** Which picture codecs this browser plays, and which of them in hardware: the relay chooses the lesson's codec by it. */
import type { CodecAbility, CodecName } from "./protocol.ts";
import { segmentCodecs } from "./segments-codecs.ts";

const CANDIDATES: readonly { codec: CodecName; contentType: string; mime: string }[] = [
  {
    codec: "h264",
    contentType: "video/H264;level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    mime: "video/h264",
  },
  { codec: "vp8", contentType: "video/VP8", mime: "video/vp8" },
];

/** The lesson's top layer; hardware that cannot do this is of no use to us. */
const PICTURE = { width: 1280, height: 720, framerate: 25, bitrate: 1_500_000 };

/** A browser that has not answered by then is not worth a class's waiting. */
const ANSWER_WITHIN_MS = 1500;

/** Asks the browser once; resolves to an empty list ("could not find out") where it does not say or does not answer. */
export function playbackCodecs(kind: "tv" | "browser"): Promise<CodecAbility[]> {
  // Without WebRTC the lesson comes as segments. An old TV has a chip for H.264 and nothing for anything else.
  if (typeof RTCPeerConnection !== "function") {
    return Promise.resolve(
      playedCodecs().map((codec) => ({ codec, hardware: kind === "tv" && codec === "h264" })),
    );
  }
  return Promise.race([
    askBrowser().catch(() => []),
    new Promise<CodecAbility[]>((resolve) => setTimeout(() => resolve([]), ANSWER_WITHIN_MS)),
  ]);
}

/** Without Media Source Extensions only the browser's own player is left, for which the relay makes playlists of H.264. */
function playedCodecs(): readonly CodecName[] {
  const codecs = segmentCodecs();
  return codecs.length > 0 ? codecs : ["h264"];
}

async function askBrowser(): Promise<CodecAbility[]> {
  const receivable = await receivableCodecs();
  const able = CANDIDATES.filter(({ mime }) => receivable.indexOf(mime) >= 0);
  return Promise.all(
    able.map(async ({ codec, contentType }) => ({ codec, hardware: await inHardware(contentType) })),
  );
}

/** Lower-case names such as `video/h264`. */
async function receivableCodecs(): Promise<string[]> {
  if (typeof RTCPeerConnection !== "function") return [];
  if (typeof RTCRtpReceiver === "function" && typeof RTCRtpReceiver.getCapabilities === "function") {
    const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
    return codecs.map(({ mimeType }) => mimeType.toLowerCase());
  }
  // Before Chromium 66 only an offer tells.
  const pc = new RTCPeerConnection();
  try {
    const { sdp } = await pc.createOffer({ offerToReceiveVideo: true });
    return CANDIDATES.map(({ mime }) => mime).filter((mime) =>
      new RegExp(`^a=rtpmap:\\d+ ${mime.slice("video/".length)}/`, "im").test(sdp ?? ""),
    );
  } catch {
    return [];
  } finally {
    pc.close();
  }
}

/**
 * Whether, and how, this browser decodes a codec at 720 or 360 lines; `null` where it does not say.
 */
export async function decodeAbility(
  codec: CodecName,
  lines: 720 | 360,
): Promise<"hardware" | "software" | "no" | null> {
  const candidate = CANDIDATES.filter((known) => known.codec === codec)[0];
  if (candidate === undefined) return null;
  const receivable = await receivableCodecs();
  if (receivable.length > 0 && receivable.indexOf(candidate.mime) < 0) return "no";
  try {
    const { contentType } = candidate;
    const size = { width: (lines * 16) / 9, height: lines, framerate: 25, bitrate: lines * 1500 };
    const info = await navigator.mediaCapabilities.decodingInfo({
      type: "webrtc",
      video: { contentType, ...size },
    });
    if (!info.supported) return "no";
    if (info.powerEfficient) return "hardware";
    // Supported, but frames would be dropped: as good as not.
    return info.smooth ? "software" : "no";
  } catch {
    // No mediaCapabilities, or none for WebRTC: it receives the codec, and nobody knows how well.
    return receivable.length > 0 ? "software" : null;
  }
}

async function inHardware(contentType: string): Promise<boolean> {
  try {
    const info = await navigator.mediaCapabilities.decodingInfo({
      type: "webrtc",
      video: { contentType, ...PICTURE },
    });
    return info.supported && info.powerEfficient;
  } catch {
    // No mediaCapabilities, or none for WebRTC: unknown counts as software.
    return false;
  }
}
