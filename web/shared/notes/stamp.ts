/**
 * When and where something was written: a hybrid logical clock as text that sorts (`crates/notes/src/stamp.rs`).
 * A tick is 9 base-36 digits of Unix milliseconds and 4 of a counter, a replica 8 characters, a stamp both.
 */

const MILLIS_DIGITS = 9;
const COUNT_DIGITS = 4;
const TICK_LENGTH = MILLIS_DIGITS + COUNT_DIGITS;
const REPLICA_LENGTH = 8;
const MILLIS_MAX = 36 ** MILLIS_DIGITS - 1;
const COUNT_MAX = 36 ** COUNT_DIGITS - 1;

export type Tick = string;
export type Replica = string;
export type Stamp = string;

const PLAIN = /^[0-9a-z]*$/;

export function isTick(text: string): boolean {
  return text.length === TICK_LENGTH && PLAIN.test(text);
}

export function isReplica(text: string): boolean {
  return text.length === REPLICA_LENGTH && PLAIN.test(text);
}

export function isStamp(text: string): boolean {
  return text.length === TICK_LENGTH + REPLICA_LENGTH && PLAIN.test(text);
}

/** A whole number as `digits` base-36 digits; pulled to what fits. */
export function base36(value: number, digits: number): string {
  const whole = Math.min(Math.max(0, Math.floor(value)), 36 ** digits - 1);
  return whole.toString(36).padStart(digits, "0");
}

export function makeTick(millis: number, count: number): Tick {
  return base36(Math.min(millis, MILLIS_MAX), MILLIS_DIGITS) + base36(count, COUNT_DIGITS);
}

export function stampOf(tick: Tick, replica: Replica): Stamp {
  return tick + replica;
}

export function tickOf(stamp: Stamp): Tick {
  return stamp.slice(0, TICK_LENGTH);
}

export function replicaOf(stamp: Stamp): Replica {
  return stamp.slice(TICK_LENGTH);
}

function successor(tick: Tick): Tick {
  const millis = Number.parseInt(tick.slice(0, MILLIS_DIGITS), 36);
  const count = Number.parseInt(tick.slice(MILLIS_DIGITS), 36);
  return count < COUNT_MAX ? makeTick(millis, count + 1) : makeTick(millis + 1, 0);
}

/** The later of two ticks; an empty one is before all. */
export function laterOf(one: Tick, other: Tick): Tick {
  if (one > other) return one;
  return other;
}

/** A replica's clock: ticks only grow, whatever the wall clock does. */
export class TickClock {
  private last: Tick = "";

  /** Notes a tick made elsewhere, or here before a reload. */
  hear(tick: Tick): void {
    this.last = laterOf(this.last, tick);
  }

  /** @param millis what the wall clock shows */
  tick(millis: number): Tick {
    const byWall = makeTick(millis, 0);
    const next = this.last === "" ? byWall : successor(this.last);
    this.last = laterOf(next, byWall);
    return this.last;
  }
}

const SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz";

/** `length` random characters of Crockford's base 32, five random bits each. */
export function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => SYMBOLS[byte & 31]).join("");
}
