/** What a viewer's connection received, read from `getStats` reports of any Chromium or Firefox. */
import { type Slot, VIDEO_SLOTS } from "./protocol.ts";

export interface SlotFlow {
  readonly packets: number;
  /** Of payload; padding, by which a link is tried, is none. */
  readonly bytes: number;
  /** Frames that came out of the decoder; 0 for sound. */
  readonly frames: number;
  /** 0..1; `null` for pictures and where the browser does not say. */
  readonly level: number | null;
}

export interface Flow {
  readonly slots: { readonly [S in Slot]?: SlotFlow };
  /** All media packets of the connection. */
  readonly packets: number;
  /** Packets that did not come, or came again too late. */
  readonly lost: number;
  /** Decoded frames of all pictures. */
  readonly frames: number;
  /** Answered liveness checks (RFC 7675) of the path in use; -1 where the browser does not say. */
  readonly checks: number;
  /** What carries the path in use; `null` where the browser does not say. */
  readonly protocol: "udp" | "tcp" | null;
}

/** The members of statistics objects that are read, all optional: old browsers leave many out. */
interface Entry {
  type?: string;
  packetsReceived?: number;
  bytesReceived?: number;
  packetsLost?: number;
  framesDecoded?: number;
  audioLevel?: number;
  responsesReceived?: number;
  nominated?: boolean;
  state?: string;
  id?: string;
  localCandidateId?: string;
  protocol?: string;
}

/** Adds up one receiver's report. */
export function readSlotFlow(
  entries: readonly unknown[],
): SlotFlow & { checks: number; lost: number; protocol: Flow["protocol"] } {
  let packets = 0;
  let bytes = 0;
  let lost = 0;
  let frames = 0;
  let level: number | null = null;
  let checks = -1;
  let pair: Entry | null = null;
  for (const entry of entries as readonly Entry[]) {
    if (entry.type === "inbound-rtp") {
      packets += entry.packetsReceived ?? 0;
      bytes += entry.bytesReceived ?? 0;
      // Negative when more came than was sent: repeats (RFC 3550 section 6.4.1).
      lost += Math.max(0, entry.packetsLost ?? 0);
      frames += entry.framesDecoded ?? 0;
    }
    // The level moved from `track` to `inbound-rtp` in Chromium 85.
    if ((entry.type === "inbound-rtp" || entry.type === "track") && entry.audioLevel !== undefined) {
      level = entry.audioLevel;
    }
    if (
      entry.type === "candidate-pair" &&
      entry.state === "succeeded" &&
      entry.responsesReceived !== undefined
    ) {
      checks = Math.max(checks, entry.responsesReceived);
    }
    if (entry.type === "candidate-pair" && entry.state === "succeeded" && entry.nominated === true)
      pair = entry;
  }
  return {
    packets,
    bytes,
    lost,
    frames,
    level,
    checks,
    protocol: protocolOf(pair, entries as readonly Entry[]),
  };
}

function protocolOf(pair: Entry | null, entries: readonly Entry[]): Flow["protocol"] {
  const local = pair === null ? undefined : entries.filter(({ id }) => id === pair.localCandidateId)[0];
  return local?.protocol === "udp" || local?.protocol === "tcp" ? local.protocol : null;
}

/** Puts the receivers' reports together. */
export function readFlow(bySlot: ReadonlyMap<Slot, readonly unknown[]>): Flow {
  const slots: { [S in Slot]?: SlotFlow } = {};
  let packets = 0;
  let lost = 0;
  let frames = 0;
  let checks = -1;
  let protocol: Flow["protocol"] = null;
  bySlot.forEach((entries, slot) => {
    const flow = readSlotFlow(entries);
    slots[slot] = { packets: flow.packets, bytes: flow.bytes, frames: flow.frames, level: flow.level };
    packets += flow.packets;
    lost += flow.lost;
    frames += flow.frames;
    checks = Math.max(checks, flow.checks);
    protocol = protocol ?? flow.protocol;
  });
  return { slots, packets, lost, frames, checks, protocol };
}

/** Four seconds of the smallest picture there is. */
const PICTURE_BYTES_ENOUGH = 40_000;

/**
 * Whether pictures come that this browser cannot show. On a link that carries the voice alone no picture comes at all, for minutes, and a
 * few packets of one that was tried: that is no reason to leave the way by which the voice comes.
 */
export function comesUnseen(flow: Flow): boolean {
  const bytes = VIDEO_SLOTS.reduce((sum, slot) => sum + (flow.slots[slot]?.bytes ?? 0), 0);
  return flow.frames === 0 && bytes >= PICTURE_BYTES_ENOUGH;
}

/** So many packets say something about a line. */
const PACKETS_ENOUGH = 200;

/** Share of packets lost between two looks at one UDP connection, 0 to 1; `null` when too few were sent, or over TCP. */
export function lossBetween(before: Flow, after: Flow): number | null {
  if (after.protocol !== "udp") return null;
  const came = after.packets - before.packets;
  const lost = Math.max(0, after.lost - before.lost);
  // Fewer than before: it is another connection.
  return came < 0 || came + lost < PACKETS_ENOUGH ? null : lost / (came + lost);
}

/** The entries of a report as a list; `forEach` is the one way to read it that every browser has. */
export function entriesOf(report: RTCStatsReport): unknown[] {
  const entries: unknown[] = [];
  report.forEach((entry) => {
    entries.push(entry);
  });
  return entries;
}
