/** The teacher's own line in words: what she needs to know is whether classes still get her, and what gives way. */
import type { UplinkSample } from "../shared/whip-stats.ts";

export type UplinkVerdict =
  /** Too early to say, or nothing is sent. */
  | "measuring"
  | "good"
  /** The picture is made smaller; slides and voice are whole. */
  | "fair"
  /** Only the voice is safe. */
  | "poor"
  /** The computer, not the line, is too slow for the picture. */
  | "computer_busy";

/** What the relay says it gets from us (`uplink` message). */
export interface RelayReport {
  readonly loss: number;
  readonly rtt_ms: number | null;
  readonly kbps: number;
}

/** The encoder grows from nothing for this long after a start; its limits mean nothing yet. */
const RAMP_MS = 8000;
/** A worse verdict must stand this long to be told, a better one longer. */
const WORSE_MS = 3000;
const BETTER_MS = 6000;

const SEVERITY: readonly UplinkVerdict[] = ["measuring", "good", "fair", "computer_busy", "poor"];

/** One second's verdict, without memory. */
export function judge(own: UplinkSample, relay: RelayReport | null): UplinkVerdict {
  const loss = Math.max(own.loss ?? 0, relay?.loss ?? 0);
  const available = own.availableKbps ?? Number.POSITIVE_INFINITY;
  const rtt = own.rttMs ?? relay?.rtt_ms ?? 0;
  if (loss >= 0.1 || available < 150) return "poor";
  if (own.limitation === "cpu") return "computer_busy";
  const smaller = own.limitation === "bandwidth" || own.starved.length > 0;
  if (smaller || loss >= 0.03 || available < 700 || rtt > 600) return "fair";
  return "good";
}

/** Tells a verdict only once it has stood for a while, so that the words on screen do not flicker. */
export class UplinkJudge {
  #startedAt: number | null = null;
  #told: UplinkVerdict = "measuring";
  #candidate: { verdict: UplinkVerdict; since: number } | null = null;

  /** @param now ms, monotonic */
  update(now: number, own: UplinkSample, relay: RelayReport | null): UplinkVerdict {
    this.#startedAt ??= now;
    if (now - this.#startedAt < RAMP_MS) return this.#told;
    const verdict = judge(own, relay);
    if (this.#told === "measuring" || verdict === this.#told) {
      this.#told = verdict;
      this.#candidate = null;
      return verdict;
    }
    if (this.#candidate?.verdict !== verdict) this.#candidate = { verdict, since: now };
    const worse = SEVERITY.indexOf(verdict) > SEVERITY.indexOf(this.#told);
    if (now - this.#candidate.since >= (worse ? WORSE_MS : BETTER_MS)) {
      this.#told = verdict;
      this.#candidate = null;
    }
    return this.#told;
  }

  /** A new connection ramps up anew. */
  restart(): void {
    this.#startedAt = null;
    this.#told = "measuring";
    this.#candidate = null;
  }
}
