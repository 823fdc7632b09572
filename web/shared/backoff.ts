/**
 * How long to wait before trying again: doubling from `firstMs` to `maxMs`, each wait drawn from its upper half so that
 * two hundred classrooms do not come back in the same second after a server restart.
 */
export interface BackoffPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const RECONNECT: BackoffPolicy = { firstMs: 500, maxMs: 8000 };

/**
 * @param attempt failures so far, from 0
 * @param random in [0, 1)
 * @returns milliseconds in [half of the step, the step)
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: number): number {
  // 2 ** 30 would already be days; the clamp keeps a TV that has been offline for a month from overflowing.
  const step = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 30));
  return step / 2 + (random * step) / 2;
}
