/**
 * Which way a lesson reaches this screen: WebRTC where it can, segments over the page's own connection where it cannot, plain HLS where
 * the browser knows nothing else. Chosen by what arrives, not by what a browser claims; pure.
 */

export type Way = "webrtc" | "segments" | "hls";

export interface Abilities {
  readonly webrtc: boolean;
  /** Media Source Extensions with something we send. */
  readonly segments: boolean;
  readonly hls: boolean;
}

/**
 * How a way does: `good` = pictures or sound come; `idle` = the way stands, nothing is sent on it; `bad` = it does not stand, or brings
 * nothing this browser shows; `cut` = the relay cannot be reached at all, so that no other way would fare better.
 */
export type Health = "good" | "idle" | "bad" | "cut";

export interface LadderState {
  readonly abilities: Abilities;
  /** Ways that are being tried or used. */
  readonly running: readonly Way[];
  /** The way that is shown; `null` while none has brought anything. */
  readonly shown: Way | null;
  readonly health: { readonly [W in Way]?: { readonly is: Health; readonly since: number } };
  /** When each way began to run. */
  readonly begun: { readonly [W in Way]?: number };
  /** When WebRTC is tried again after it was given up, and how long after the next failure. */
  readonly retryAt: number | null;
  readonly retryAfter: number;
  readonly triedSince: number;
}

/** A way that does not stand for this long needs another beside it: ICE over UDP and TCP takes less. */
const PATIENCE_MS = 3500;
/** WebRTC that works again takes over after this long: it is faster by a second and lighter for all. */
const PROVEN_MS = 2500;
/** What stands in has to hold for so long when WebRTC was shown: after an outage both come back, and WebRTC a second later. */
const STAND_IN_MS = 2500;
/** A link that is down for longer may be one on which only requests fail. */
const CUT_MOST_MS = 5 * 60_000;
/** WebRTC that does not come while something else is shown is given up for a while. */
const GIVE_UP_MS = 20_000;
const RETRY_FIRST_MS = 2 * 60_000;
const RETRY_MOST_MS = 10 * 60_000;

/** @param remembered the way that worked here last: a school's firewall is the same every day */
export function startLadder(abilities: Abilities, remembered: Way | null, now: number): LadderState {
  const running: Way[] = [];
  if (abilities.webrtc) running.push("webrtc");
  if (abilities.segments && (!abilities.webrtc || remembered === "segments")) running.push("segments");
  if (running.length === 0 && abilities.hls) running.push("hls");
  return {
    abilities,
    running,
    shown: null,
    health: {},
    begun: {},
    retryAt: null,
    retryAfter: RETRY_FIRST_MS,
    triedSince: now,
  };
}

/** Notes how a way does; `look` draws the conclusions. */
export function noteHealth(state: LadderState, way: Way, is: Health, now: number): LadderState {
  const before = state.health[way];
  if (before?.is === is) return state;
  // A way that has not come up fails from the moment it was begun.
  const since = before === undefined && is === "bad" ? (state.begun[way] ?? state.triedSince) : now;
  return { ...state, health: { ...state.health, [way]: { is, since } } };
}

/** To be called after every note and once a second. */
export function look(state: LadderState, now: number): LadderState {
  return showBest(addOrDrop(state, now), now);
}

function addOrDrop(state: LadderState, now: number): LadderState {
  const { abilities, running, health } = state;
  const runs = (way: Way): boolean => running.indexOf(way) >= 0;
  const other: Way | null = abilities.segments ? "segments" : abilities.hls ? "hls" : null;
  if (other === null || !abilities.webrtc) return withHls(state, now);
  if (health.webrtc?.is === "cut" && now - health.webrtc.since < CUT_MOST_MS) return state;
  const stands = health.webrtc?.is === "good" || health.webrtc?.is === "idle";
  const failingFor = stands ? 0 : now - Math.max(health.webrtc?.since ?? 0, state.triedSince);
  if (runs("webrtc") && failingFor >= PATIENCE_MS && !runs(other)) {
    return nowRunning(state, [...running, other], now);
  }
  // Only what fails beside something that works is given up: after an outage everything has failed for long.
  const besideFor = health[other]?.is === "good" ? now - health[other].since : 0;
  if (runs("webrtc") && Math.min(failingFor, besideFor) >= GIVE_UP_MS) {
    const retryAt = now + state.retryAfter;
    const retryAfter = Math.min(RETRY_MOST_MS, state.retryAfter * 2);
    return { ...nowRunning(state, [other], now), retryAt, retryAfter };
  }
  if (!runs("webrtc") && state.retryAt !== null && now >= state.retryAt) {
    return { ...nowRunning(state, ["webrtc", ...running], now), retryAt: null, triedSince: now };
  }
  return withHls(state, now);
}

/** Segments that bring nothing although something is published: the browser may still play a plain playlist. */
function withHls(state: LadderState, now: number): LadderState {
  const { abilities, running, health } = state;
  if (!abilities.hls || running.indexOf("hls") >= 0 || running.indexOf("segments") < 0) return state;
  const { segments } = health;
  const fails = segments?.is === "bad" && now - segments.since >= PATIENCE_MS * 2;
  return fails ? nowRunning(state, [...running, "hls"], now) : state;
}

/** How a way did when it last ran says nothing about its next run. */
function nowRunning(state: LadderState, running: readonly Way[], now: number): LadderState {
  const health: { [W in Way]?: { readonly is: Health; readonly since: number } } = {};
  const begun: { [W in Way]?: number } = {};
  for (const way of running) {
    const ran = state.running.indexOf(way) >= 0;
    const known = ran ? state.health[way] : undefined;
    if (known !== undefined) health[way] = known;
    const since = ran ? state.begun[way] : now;
    if (since !== undefined) begun[way] = since;
  }
  return { ...state, running, health, begun };
}

function showBest(state: LadderState, now: number): LadderState {
  const { health, running, shown } = state;
  const good = (way: Way): boolean => running.indexOf(way) >= 0 && health[way]?.is === "good";
  const proven = good("webrtc") && now - (health.webrtc?.since ?? now) >= PROVEN_MS;
  if (good("webrtc") && (shown === null || shown === "webrtc" || proven)) {
    // What stood by is no longer needed, and would take from the link what the voice needs.
    if (shown === "webrtc" || proven) {
      const alone = running.length === 1 ? state : nowRunning(state, ["webrtc"], now);
      return proven ? { ...alone, shown: "webrtc", retryAfter: RETRY_FIRST_MS } : alone;
    }
    return { ...state, shown: "webrtc" };
  }
  const stands = health.webrtc?.is === "idle" && shown === "webrtc";
  if (stands) return state;
  const next = (["segments", "hls"] as const).filter(good)[0];
  if (next === undefined || next === shown) return state;
  // A way that works is left only for one that works when it has stopped doing so.
  if (shown !== null && good(shown)) return state;
  if (shown === "webrtc" && now - (health[next]?.since ?? now) < STAND_IN_MS) return state;
  return { ...state, shown: next };
}
