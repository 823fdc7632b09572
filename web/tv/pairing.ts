/**
 * Pairs a screen that has no link: fetches a six-digit code, shows it, and asks until an organiser has confirmed it. Goes on
 * for ever: a TV in an empty classroom may wait for days.
 */
import { type BackoffPolicy, backoffMs } from "../shared/backoff.ts";
import { type Decoder, decode } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";
import { type Pairing, pairingDecoder, pairingStateDecoder } from "../shared/protocol.ts";
import type { PairingFacts } from "./state.ts";

const ASK_EVERY_MS = 2000;
const HTTP_WITHIN_MS = 8000;
const RETRY: BackoffPolicy = { firstMs: 1000, maxMs: 15_000 };

export interface PairingOptions {
  readonly onChange: (facts: PairingFacts) => void;
  readonly onPaired: (token: string) => void;
}

/** Starts at once; the returned function stops it. */
export function startPairing(options: PairingOptions): () => void {
  let stopped = false;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  const run = async (): Promise<void> => {
    let failures = 0;
    let pairing: Pairing | null = null;
    let expiresAt = 0;
    while (!stopped) {
      try {
        if (pairing === null || Date.now() > expiresAt) {
          pairing = await request("/api/pairings", "POST", pairingDecoder);
          expiresAt = Date.now() + pairing.expires_in_s * 1000;
        }
        const state = await request(`/api/pairings/${pairing.secret}`, "GET", pairingStateDecoder);
        failures = 0;
        if (stopped) return;
        if (state.state === "paired") {
          options.onPaired(state.token);
          return;
        }
        options.onChange({ code: pairing.code, reachable: true });
        await pause(ASK_EVERY_MS);
      } catch (error) {
        if (stopped) return;
        const refusal = error instanceof HttpRefusal ? error : null;
        // The relay answered, only not with this code: it expired, or the relay has forgotten it.
        if (refusal !== null && refusal.status === 404) pairing = null;
        options.onChange({
          code: pairing?.code ?? null,
          reachable: refusal !== null && refusal.status < 500,
        });
        const wait = backoffMs(RETRY, failures, Math.random());
        failures += 1;
        await pause(Math.max(wait, refusal?.retryAfterMs ?? 0));
      }
    }
  };
  void run();
  return () => {
    stopped = true;
  };
}

async function request<T>(address: string, method: "GET" | "POST", decoder: Decoder<T>): Promise<T> {
  const response = await fetchWithin(HTTP_WITHIN_MS, address, { method, cache: "no-store" });
  if (!response.ok) throw await HttpRefusal.of(response);
  const read = decode(decoder, await response.json());
  if (!read.ok) throw new Error(read.problem);
  return read.value;
}
