/** Binary messages of `/api/segments` (`crates/signalling/PROTOCOL.md`, "Segments"). */
import { type LayerName, SLOT_ORDER, type Slot } from "./protocol.ts";

export type SegmentFrame =
  /** What a player needs before the first chunk. */
  | { kind: "init"; slot: Slot; layer: LayerName; mime: string; bytes: Uint8Array }
  | {
      kind: "chunk";
      slot: Slot;
      layer: LayerName;
      /** It begins with a keyframe; always for sound. */
      start: boolean;
      /** Where it begins on the lesson's timeline, seconds. */
      begin: number;
      /** The host's wall clock at its beginning, milliseconds since 1970; `null` while unknown. */
      wallMs: number | null;
      bytes: Uint8Array;
    };

const LAYER_ORDER: readonly LayerName[] = ["low", "mid", "high"];
const HEAD = 20;
const INIT = 0;
const CHUNK = 1;

/** Reads one message; `null` when it is not one of ours. */
export function readSegmentFrame(buffer: ArrayBuffer): SegmentFrame | null {
  if (buffer.byteLength < HEAD) return null;
  const view = new DataView(buffer);
  const slot = SLOT_ORDER[view.getUint8(1)];
  const layer = LAYER_ORDER[view.getUint8(2)];
  if (slot === undefined || layer === undefined) return null;
  switch (view.getUint8(0)) {
    case INIT: {
      if (buffer.byteLength < HEAD + 2) return null;
      const length = view.getUint16(HEAD);
      if (buffer.byteLength < HEAD + 2 + length) return null;
      let mime = "";
      for (let at = 0; at < length; at += 1) mime += String.fromCharCode(view.getUint8(HEAD + 2 + at));
      return { kind: "init", slot, layer, mime, bytes: new Uint8Array(buffer, HEAD + 2 + length) };
    }
    case CHUNK: {
      const wallMs = number64(view, 12);
      return {
        kind: "chunk",
        slot,
        layer,
        start: (view.getUint8(3) & 1) === 1,
        begin: number64(view, 4) / 1e6,
        wallMs: wallMs === 0 ? null : wallMs,
        bytes: new Uint8Array(buffer, HEAD),
      };
    }
    default:
      return null;
  }
}

/** `getBigUint64` is Chromium 67. Times fit into the 53 bits of a number. */
function number64(view: DataView, at: number): number {
  return view.getUint32(at) * 4294967296 + view.getUint32(at + 4);
}
