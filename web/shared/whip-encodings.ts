/**
 * What each fixed slot of a publishing connection sends: layers, sizes, rates, priorities.
 *
 * Pure: tracks come in as their size, `RTCRtpEncodingParameters` go out.
 */

/** Width and height of a picture, pixels; `null` while nothing is known yet. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Whose picture is being encoded; decides the layers. */
export type PictureRole = "program" | "slides" | "second_camera" | "room";

/** Simulcast rids, lowest first: the relay maps q, h, f to its layers low, mid, high. */
export type Rid = "q" | "h" | "f";

interface LayerPlan {
  readonly rid: Rid;
  /** Lines wanted: the shorter side of the picture. */
  readonly lines: number;
  readonly maxFramerate: number;
  readonly maxBitrate: number;
}

// Every layer carries maxFramerate: when only `q` does, Chromium drops *all* layers to it.
const FLOOR: LayerPlan = { rid: "q", lines: 180, maxFramerate: 7, maxBitrate: 80_000 };
const PROGRAM: readonly LayerPlan[] = [
  FLOOR,
  // A limit of 15 leaves 12 to 13 frames a second of what a camera gives.
  { rid: "h", lines: 360, maxFramerate: 20, maxBitrate: 350_000 },
  { rid: "f", lines: 720, maxFramerate: 30, maxBitrate: 1_800_000 },
];
const SECOND_CAMERA: readonly LayerPlan[] = [
  FLOOR,
  { rid: "h", lines: 360, maxFramerate: 20, maxBitrate: 350_000 },
];

/** A class called to speak sends one layer: its uplink is a village's, and a face at 360 lines is enough for a guest. */
const ROOM_LINES = 360;
const ROOM_FRAMERATE_MAX = 15;
const ROOM_BITRATE_MAX_BPS = 350_000;

/** A layer must be at least this much smaller than the next one to be worth encoding. */
const WORTHWHILE_STEP = 1.4;

const SLIDES_BITRATE_MAX_BPS = 1_000_000;
const SLIDES_FRAMERATE_MAX = 10;
/** Lines beyond which shared slides are scaled down; TVs show 1080. */
const SLIDES_LINES_MAX = 1080;

/**
 * Encodings for a picture of `size`, lowest layer first, always the same number per role so that
 * a smaller camera only deactivates layers and never renegotiates.
 *
 * A 360-line camera gives two live layers (its full size becomes `h`), a 180-line one gives one.
 */
export function pictureEncodings(role: PictureRole, size: PictureSize | null): RTCRtpEncodingParameters[] {
  switch (role) {
    case "program":
      return simulcast(PROGRAM, size ?? { width: 1280, height: 720 });
    case "second_camera":
      return simulcast(SECOND_CAMERA, size ?? { width: 1280, height: 720 });
    case "slides":
      return [slidesEncoding(size)];
    case "room":
      return [roomEncoding(size)];
    default:
      return role satisfies never;
  }
}

function simulcast(plan: readonly LayerPlan[], size: PictureSize): RTCRtpEncodingParameters[] {
  const lines = shorterSide(size);
  const live = plan.filter((_layer, index) => {
    const below = plan[index - 1];
    // The lowest layer always lives; a higher one only when the camera really has more to show.
    return below === undefined || lines >= below.lines * WORTHWHILE_STEP;
  });
  const top = live[live.length - 1];
  return plan.map((layer) => {
    const active = live.includes(layer);
    // The top layer of a camera between two plans (480 lines) keeps all it has, up to the next plan.
    const wanted = layer === top && lines < (nextAbove(plan, layer)?.lines ?? 0) ? lines : layer.lines;
    return {
      rid: layer.rid,
      active,
      scaleResolutionDownBy: Math.max(1, lines / wanted),
      maxFramerate: layer.maxFramerate,
      maxBitrate: layer.maxBitrate,
      priority: "low",
      networkPriority: "low",
    };
  });
}

function nextAbove(plan: readonly LayerPlan[], layer: LayerPlan): LayerPlan | undefined {
  return plan[plan.indexOf(layer) + 1];
}

function slidesEncoding(size: PictureSize | null): RTCRtpEncodingParameters {
  return {
    active: true,
    scaleResolutionDownBy: size === null ? 1 : Math.max(1, shorterSide(size) / SLIDES_LINES_MAX),
    maxFramerate: SLIDES_FRAMERATE_MAX,
    maxBitrate: SLIDES_BITRATE_MAX_BPS,
    // On a weak uplink the slide is worth more than the face beside it, and the voice more than both.
    priority: "medium",
    networkPriority: "low",
  };
}

function roomEncoding(size: PictureSize | null): RTCRtpEncodingParameters {
  return {
    active: true,
    scaleResolutionDownBy: size === null ? 1 : Math.max(1, shorterSide(size) / ROOM_LINES),
    maxFramerate: ROOM_FRAMERATE_MAX,
    maxBitrate: ROOM_BITRATE_MAX_BPS,
    priority: "low",
    networkPriority: "low",
  };
}

function shorterSide(size: PictureSize): number {
  return Math.max(1, Math.min(size.width, size.height));
}

/** Encoding of a sound slot: voice is small and first in every queue; a film's sound may use more. */
export function soundEncoding(kind: "voice" | "film"): RTCRtpEncodingParameters {
  return {
    active: true,
    maxBitrate: kind === "voice" ? 40_000 : 96_000,
    priority: "high",
    networkPriority: "high",
  };
}
