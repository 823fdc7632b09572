/** Makes a photo small before it travels: a notebook is readable at 1,280 pixels, and 40 kbit/s carry 100 KiB in 20 s. */

/** Longer sides and qualities that are tried, the best first; the last is taken whatever it weighs. */
const TRIES: readonly { side: number; quality: number }[] = [
  { side: 1280, quality: 0.72 },
  { side: 1280, quality: 0.55 },
  { side: 1024, quality: 0.55 },
  { side: 1024, quality: 0.4 },
];
const TARGET_BYTES = 110 * 1024;
const THUMBNAIL_SIDE = 160;

export interface SmallPhoto {
  readonly jpeg: Blob;
  /** A tiny copy for the list, as a data address. */
  readonly thumbnail: string;
}

/** Width and height of a picture whose longer side is at most `side`; nothing is enlarged. */
export function fitted(width: number, height: number, side: number): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Turned upright, shrunk and encoded anew: nothing of what the camera wrote beside the picture is left.
 *
 * @throws when the browser cannot read the file as a picture
 */
export async function shrinkPhoto(file: Blob): Promise<SmallPhoto> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    let jpeg: Blob | null = null;
    for (const { side, quality } of TRIES) {
      jpeg = await encode(picture, side, quality);
      if (jpeg.size <= TARGET_BYTES) break;
    }
    if (jpeg === null) throw new Error("nothing was tried");
    const thumbnail = draw(picture, THUMBNAIL_SIDE).toDataURL("image/jpeg", 0.6);
    return { jpeg, thumbnail };
  } finally {
    picture.close();
  }
}

async function encode(picture: ImageBitmap, side: number, quality: number): Promise<Blob> {
  const canvas = draw(picture, side);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  if (blob === null) throw new Error("this browser cannot write a JPEG");
  return blob;
}

function draw(picture: ImageBitmap, side: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, fitted(picture.width, picture.height, side));
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser cannot draw");
  // Paper behind what is transparent: JPEG would make it black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
