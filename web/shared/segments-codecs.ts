/** What Media Source Extensions play here, of what the relay sends. */

/** Whether this browser plays anything we send in segments. */
export function playsSegments(): boolean {
  return segmentCodecs().length > 0;
}

/** The picture codecs Media Source Extensions play here, of those we send. */
export function segmentCodecs(): readonly ("h264" | "vp8")[] {
  if (typeof MediaSource !== "function" || typeof MediaSource.isTypeSupported !== "function") return [];
  const codecs: ("h264" | "vp8")[] = [];
  if (MediaSource.isTypeSupported('video/mp4; codecs="avc1.42e01f"')) codecs.push("h264");
  if (MediaSource.isTypeSupported('video/webm; codecs="vp8"')) codecs.push("vp8");
  return codecs;
}
