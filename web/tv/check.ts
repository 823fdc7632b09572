/**
 * Measures what a lesson will find here: ways for media, rates, decoding, devices (`PROTOCOL.md`, "CheckResult"). What cannot
 * be found out on this browser is left out and not held against the room.
 */
import { fetchWithin } from "../shared/http.ts";
import {
  type CheckResult,
  type DecodeWord,
  type RoomCheck,
  roomCheckDecoder,
} from "../shared/lesson-protocol.ts";
import { decodeAbility } from "../shared/playback-codecs.ts";
import { askRelay } from "./api.ts";
import type { CheckStep } from "./check-state.ts";

export interface CheckOptions {
  readonly token: string;
  readonly lesson: string;
  /** `false` while classes watch: measuring would take the line from them. */
  readonly mayMeasure: boolean;
  readonly onStep: (step: CheckStep) => void;
}

/** Runs the check and tells the relay. @throws when the relay cannot be told */
export async function runCheck(options: CheckOptions, before: CheckResult): Promise<RoomCheck> {
  const { token, lesson, mayMeasure, onStep } = options;
  // That a person heard the sound outlives the next measuring; that nobody did is what the next one is for.
  const result: CheckResult = before.sound_heard === true ? { sound_heard: true } : {};
  // What cannot be measured now is still known.
  if (!mayMeasure) Object.assign(result, measuredBefore(before));
  if (mayMeasure) {
    onStep("path");
    Object.assign(result, await measurePath(token, lesson));
    onStep("rate");
    Object.assign(result, await measureRates(token));
  }
  onStep("decode");
  result.decode = await measureDecoding();
  onStep("devices");
  Object.assign(result, await findDevices());
  onStep("sending");
  return sendCheck(token, lesson, result);
}

function measuredBefore({ udp, tcp, down_kbps, up_kbps, rtt_ms, loss }: CheckResult): CheckResult {
  return { udp, tcp, down_kbps, up_kbps, rtt_ms, loss };
}

export function sendCheck(token: string, lesson: string, result: CheckResult): Promise<RoomCheck> {
  return askRelay(token, "POST", `/api/lessons/${lesson}/checks`, roomCheckDecoder, result);
}

// --- ways -------------------------------------------------------------------------------------------------------------

const CONNECT_WITHIN_MS = 8000;

async function measurePath(token: string, lesson: string): Promise<CheckResult> {
  const udp = await tryWay(token, lesson, "udp");
  const tcp = await tryWay(token, lesson, "tcp");
  const way = udp ?? tcp;
  const result: CheckResult = {};
  if (udp !== null) result.udp = udp.connected;
  if (tcp !== null) result.tcp = tcp.connected;
  if (way !== null && way.rttMs !== null) result.rtt_ms = way.rttMs;
  return result;
}

interface Way {
  connected: boolean;
  rttMs: number | null;
}

/** Opens a playing session over one transport only; `null`: the relay offers no such way, or nothing could be asked. */
async function tryWay(token: string, lesson: string, transport: "udp" | "tcp"): Promise<Way | null> {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  let session: string | null = null;
  try {
    if (typeof pc.addTransceiver === "function") pc.addTransceiver("audio", { direction: "recvonly" });
    await pc.setLocalDescription(await pc.createOffer({ offerToReceiveAudio: true }));
    const response = await fetchWithin(CONNECT_WITHIN_MS, `/whep/${lesson}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
      body: pc.localDescription?.sdp ?? "",
    });
    if (response.status !== 201) return null;
    session = response.headers.get("Location");
    const sdp = onlyTransport(await response.text(), transport);
    if (sdp === null) return null;
    await pc.setRemoteDescription({ type: "answer", sdp });
    const connected = await connects(pc);
    return { connected, rttMs: connected ? await roundTrip(pc) : null };
  } catch {
    return null;
  } finally {
    pc.close();
    if (session !== null) {
      fetch(session, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } }).catch(
        () => undefined,
      );
    }
  }
}

/** The answer with the candidates of one transport; `null` when it has none of them (RFC 8839 section 5.1). */
export function onlyTransport(answer: string, transport: "udp" | "tcp"): string | null {
  const candidate = /^a=candidate:\S+ \d+ (\S+) /i;
  let kept = 0;
  const lines = answer.split(/\r?\n/).filter((line) => {
    const found = candidate.exec(line);
    if (found === null) return true;
    const fits = (found[1] ?? "").toLowerCase() === transport;
    if (fits) kept += 1;
    return fits;
  });
  return kept === 0 ? null : lines.join("\r\n");
}

function connects(pc: RTCPeerConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (connected: boolean): void => {
      clearTimeout(timer);
      pc.oniceconnectionstatechange = null;
      resolve(connected);
    };
    const timer = setTimeout(() => end(false), CONNECT_WITHIN_MS);
    const look = (): void => {
      const state = pc.iceConnectionState;
      if (state === "connected" || state === "completed") end(true);
      else if (state === "failed" || state === "closed") end(false);
    };
    pc.oniceconnectionstatechange = look;
    look();
  });
}

async function roundTrip(pc: RTCPeerConnection): Promise<number | null> {
  let found: number | null = null;
  const report = await pc.getStats();
  report.forEach((entry: { type?: string; currentRoundTripTime?: number }) => {
    if (entry.type === "candidate-pair" && typeof entry.currentRoundTripTime === "number") {
      found = Math.round(entry.currentRoundTripTime * 1000);
    }
  });
  return found;
}

// --- rates ------------------------------------------------------------------------------------------------------------

const FIRST_BYTES = 16 * 1024;
const DOWN_BYTES_MAX = 4 * 1024 * 1024;
const UP_BYTES_MAX = 2 * 1024 * 1024;
/** A transfer this long says enough about a line; a shorter one measures only the round trip. */
const ENOUGH_MS = 1500;
const RATE_WITHIN_MS = 20_000;

async function measureRates(token: string): Promise<CheckResult> {
  const headers = { Authorization: `Bearer ${token}` };
  const down = await rateOf(DOWN_BYTES_MAX, async (bytes) => {
    const response = await fetchWithin(RATE_WITHIN_MS, `/api/check/down?bytes=${bytes}`, {
      headers,
      cache: "no-store",
    });
    return response.ok ? (await response.arrayBuffer()).byteLength : 0;
  });
  const up = await rateOf(UP_BYTES_MAX, async (bytes) => {
    const response = await fetchWithin(RATE_WITHIN_MS, "/api/check/up", {
      method: "POST",
      headers: { Authorization: headers.Authorization, "Content-Type": "application/octet-stream" },
      body: noise(bytes) as BodyInit,
    });
    return response.ok ? bytes : 0;
  });
  const result: CheckResult = {};
  if (down !== null) result.down_kbps = down;
  if (up !== null) result.up_kbps = up;
  return result;
}

/**
 * Kilobits a second, by transfers that grow until one takes long enough; `null` when none came through.
 *
 * @param transfer moves so many bytes and says how many came through
 */
export async function rateOf(
  most: number,
  transfer: (bytes: number) => Promise<number>,
  now: () => number = Date.now,
): Promise<number | null> {
  let rate: number | null = null;
  let bytes = FIRST_BYTES;
  while (true) {
    const began = now();
    let moved: number;
    try {
      moved = await transfer(bytes);
    } catch {
      return rate;
    }
    const ms = Math.max(1, now() - began);
    if (moved === 0) return rate;
    rate = Math.round((moved * 8) / ms);
    if (ms >= ENOUGH_MS || bytes >= most) return rate;
    // What would take about twice "enough" at this rate, and at least four times as much as before.
    const wanted = Math.round((bytes * ENOUGH_MS * 2) / ms);
    bytes = Math.min(most, Math.max(bytes * 4, Math.min(wanted, bytes * 16)));
  }
}

/** Bytes no line can compress. */
function noise(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  const step = 65_536;
  for (let at = 0; at < bytes; at += step)
    crypto.getRandomValues(all.subarray(at, Math.min(bytes, at + step)));
  return all;
}

// --- decoding, devices ------------------------------------------------------------------------------------------------

async function measureDecoding(): Promise<NonNullable<CheckResult["decode"]>> {
  const decode: { [name: string]: DecodeWord } = {};
  for (const codec of ["h264", "vp8"] as const) {
    for (const lines of [720, 360] as const) {
      const word = await decodeAbility(codec, lines);
      if (word !== null) decode[`${codec}_${lines}`] = word;
    }
  }
  return decode;
}

async function findDevices(): Promise<CheckResult> {
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (media === undefined || typeof media.enumerateDevices !== "function") {
    return { camera: false, microphone: false };
  }
  try {
    const devices = await media.enumerateDevices();
    const has = (kind: MediaDeviceKind): boolean => devices.some((device) => device.kind === kind);
    return { camera: has("videoinput"), microphone: has("audioinput") };
  } catch {
    return {};
  }
}
