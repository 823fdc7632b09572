/** A still of what a video shows, small enough to be sent over a weak link. */

const WIDTH_MAX = 1280;
const QUALITY = 0.82;
/** The server takes 400 KiB. */
const BYTES_MAX = 380_000;

/** @returns `null` when the video shows nothing yet, or the browser gives no still */
export async function snapshot(video: HTMLVideoElement): Promise<Blob | null> {
  if (video.videoWidth === 0) return null;
  let width = Math.min(WIDTH_MAX, video.videoWidth);
  for (;;) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = Math.round((width * video.videoHeight) / video.videoWidth);
    canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (blob === null || blob.size <= BYTES_MAX || width < 320) return blob;
    width = Math.round(width * 0.75);
  }
}
