/** One value of a sheet and how two copies of it become one (`crates/notes/MERGE.md`, rules 2 to 5). Pure. */
import {
  isReplica,
  isStamp,
  isTick,
  laterOf,
  type Replica,
  replicaOf,
  type Stamp,
  type Tick,
  tickOf,
} from "./stamp.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Something written that nothing known has replaced. */
export type Head = readonly [stamp: Stamp, value: Json];

export interface Register {
  /** What stands, oldest stamp first. */
  readonly heads: readonly Head[];
  /** For each replica the newest of its ticks that is here or was replaced. */
  readonly seen: { readonly [replica: Replica]: Tick };
}

export const EMPTY: Register = { heads: [], seen: {} };

/** The register after `value` was written: it replaces everything known here. */
export function write(register: Register, stamp: Stamp, value: Json): Register {
  const replica = replicaOf(stamp);
  const before = register.seen[replica] ?? "";
  const tick = tickOf(stamp);
  return {
    heads: [[stamp, value]],
    seen: { ...register.seen, [replica]: laterOf(before, tick) },
  };
}

/** The value that stands: the one written last. */
export function standing(register: Register | undefined): Json | undefined {
  return register?.heads.at(-1)?.[1];
}

/** What else was written without knowledge of the value that stands, newest first. */
export function siblingsOf(register: Register | undefined): readonly Json[] {
  return register === undefined
    ? []
    : register.heads
        .slice(0, -1)
        .reverse()
        .map(([, value]) => value);
}

/** The newest tick in it; empty when there is none. */
export function newestTick(register: Register): Tick {
  return Object.values(register.seen).reduce(laterOf, "");
}

function hasSeen(register: Register, stamp: Stamp): boolean {
  return (register.seen[replicaOf(stamp)] ?? "") >= tickOf(stamp);
}

function holds(register: Register, stamp: Stamp): boolean {
  return register.heads.some(([held]) => held === stamp);
}

/** Both copies as one. Gives `one` itself back when `other` brings nothing new. */
export function join(one: Register, other: Register): Register {
  const kept = one.heads.filter(([stamp]) => holds(other, stamp) || !hasSeen(other, stamp));
  const news = other.heads.filter(([stamp]) => !hasSeen(one, stamp));
  const seen: { [replica: Replica]: Tick } = { ...one.seen };
  let learned = false;
  for (const [replica, tick] of Object.entries(other.seen)) {
    if (tick > (seen[replica] ?? "")) {
      seen[replica] = tick;
      learned = true;
    }
  }
  if (!learned && news.length === 0 && kept.length === one.heads.length) return one;
  const heads = [...kept, ...news].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return { heads, seen };
}

/** Whether two copies hold and have seen the same. */
export function same(one: Register, other: Register): boolean {
  const replicas = Object.keys(one.seen);
  return (
    one.heads.length === other.heads.length &&
    one.heads.every(([stamp], index) => other.heads[index]?.[0] === stamp) &&
    replicas.length === Object.keys(other.seen).length &&
    replicas.every((replica) => one.seen[replica] === other.seen[replica])
  );
}

/** A register as it was stored or sent, or `null` when it is none. */
export function readRegister(found: unknown): Register | null {
  if (typeof found !== "object" || found === null) return null;
  const { heads, seen } = found as { heads?: unknown; seen?: unknown };
  if (!Array.isArray(heads) || typeof seen !== "object" || seen === null) return null;
  const goodHead = (head: unknown): head is Head =>
    Array.isArray(head) && head.length === 2 && typeof head[0] === "string" && isStamp(head[0]);
  if (!heads.every(goodHead)) return null;
  const entries = Object.entries(seen);
  if (!entries.every(([replica, tick]) => isReplica(replica) && typeof tick === "string" && isTick(tick)))
    return null;
  return { heads, seen: Object.fromEntries(entries) as Register["seen"] };
}
