/** Reads what the browser knows about our own uplink out of `getStats`. */

/** Why the browser sends less than we asked for. */
export type Limitation = "none" | "bandwidth" | "cpu" | "other";

/** One second of our uplink as the browser sees it. */
export interface UplinkSample {
  /** Clock of the statistics, ms. */
  readonly at: number;
  /** All we sent, kbit/s. */
  readonly sentKbps: number;
  /** What congestion control thinks the way out can carry, kbit/s; `null` until it knows. */
  readonly availableKbps: number | null;
  readonly rttMs: number | null;
  /** Largest loss the relay reported for any of our streams, 0 to 1. */
  readonly loss: number | null;
  /** The worst limitation over the live layers of the program picture. */
  readonly limitation: Limitation;
  /**
   * Rids of the program picture that sent no frame since the last sample although a lower one did: a starved top layer
   * shows no loss and no limitation, yet classes that want it get the smaller picture.
   */
  readonly starved: readonly string[];
  /** Level of the first microphone-like source, 0 to 1. */
  readonly voiceLevel: number | null;
  /** Bytes received on the transport: while the relay lives, its reports make this grow every second. */
  readonly bytesReceived: number;
}

/** What one sample must remember for the next one. */
export interface StatsMemory {
  readonly at: number;
  readonly bytesSent: number;
  readonly framesSent: ReadonlyMap<string, number>;
}

/** The fields we read; `RTCStatsReport` values are untyped in TypeScript's DOM library. */
interface StatsEntry {
  id: string;
  type: string;
  timestamp: number;
  kind?: string;
  mid?: string;
  rid?: string;
  active?: boolean;
  framesSent?: number;
  qualityLimitationReason?: string;
  bytesSent?: number;
  bytesReceived?: number;
  packetsReceived?: number;
  nominated?: boolean;
  state?: string;
  currentRoundTripTime?: number;
  availableOutgoingBitrate?: number;
  fractionLost?: number;
  audioLevel?: number;
  trackIdentifier?: string;
}

const LIMITATION_ORDER: readonly Limitation[] = ["none", "other", "bandwidth", "cpu"];

/**
 * Turns a report into a sample.
 *
 * @param programMid mid of the program picture, whose limitation is worth telling the teacher.
 * @param voiceTrackId id of the microphone track, for the level meter.
 */
export function readUplink(
  report: Iterable<unknown>,
  before: StatsMemory | null,
  programMid: string | null,
  voiceTrackId: string | null,
): { sample: UplinkSample; memory: StatsMemory } {
  let at = 0;
  const transport = { sent: 0, received: 0 };
  const pair = { sent: 0, received: 0 };
  let availableKbps: number | null = null;
  let rttMs: number | null = null;
  let loss: number | null = null;
  let limitation: Limitation = "none";
  let voiceLevel: number | null = null;
  const framesSent = new Map<string, number>();
  const program = { sending: 0, silent: [] as string[] };

  for (const value of report) {
    const entry = value as StatsEntry;
    at = Math.max(at, entry.timestamp);
    switch (entry.type) {
      case "transport":
        transport.sent += entry.bytesSent ?? 0;
        transport.received += entry.bytesReceived ?? 0;
        break;
      case "candidate-pair":
        if (entry.nominated !== true || entry.state !== "succeeded") break;
        pair.sent += entry.bytesSent ?? 0;
        pair.received += entry.bytesReceived ?? 0;
        if (entry.availableOutgoingBitrate !== undefined)
          availableKbps = entry.availableOutgoingBitrate / 1000;
        if (entry.currentRoundTripTime !== undefined) rttMs = entry.currentRoundTripTime * 1000;
        break;
      case "remote-inbound-rtp":
        if (entry.fractionLost !== undefined) loss = Math.max(loss ?? 0, entry.fractionLost);
        break;
      case "outbound-rtp": {
        if (entry.kind !== "video") break;
        const frames = entry.framesSent ?? 0;
        framesSent.set(entry.id, frames);
        const earlier = before?.framesSent.get(entry.id) ?? 0;
        if (entry.mid !== programMid || entry.active === false) break;
        if (frames > earlier) program.sending += 1;
        else program.silent.push(entry.rid ?? "");
        limitation = worse(limitation, entry.qualityLimitationReason);
        break;
      }
      case "media-source":
        if (entry.kind === "audio" && entry.trackIdentifier === voiceTrackId)
          voiceLevel = entry.audioLevel ?? null;
        break;
      default:
        break;
    }
  }

  // Firefox counts bytes on the candidate pair only.
  const { sent: bytesSent, received: bytesReceived } = transport.received > 0 ? transport : pair;
  const elapsedMs = before === null ? 0 : at - before.at;
  const sentKbps =
    before === null || elapsedMs <= 0 ? 0 : Math.max(0, ((bytesSent - before.bytesSent) * 8) / elapsedMs);
  const starved = before !== null && program.sending > 0 ? program.silent : [];
  return {
    sample: { at, sentKbps, availableKbps, rttMs, loss, limitation, starved, voiceLevel, bytesReceived },
    memory: { at, bytesSent, framesSent },
  };
}

function worse(a: Limitation, reported: string | undefined): Limitation {
  const b = LIMITATION_ORDER.find((known) => known === reported) ?? "none";
  return LIMITATION_ORDER.indexOf(b) > LIMITATION_ORDER.indexOf(a) ? b : a;
}
