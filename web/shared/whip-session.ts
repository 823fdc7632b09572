/**
 * One WHIP session (RFC 9725): one RTCPeerConnection with a fixed sender per slot, from offer to DELETE.
 *
 * It repairs itself as long as the relay still knows it (ICE restart by PATCH); when it cannot, it
 * says `lost` once and is thrown away. `WhipClient` decides what comes next.
 */
import { backoffMs, RECONNECT } from "./backoff.ts";
import { fetchWithin, HttpRefusal, Unreachable } from "./http.ts";
import { readFragment, restartedAnswer, restartFragment } from "./ice-fragment.ts";
import { askForRestart, RESTART_WITHIN_MS } from "./ice-restart.ts";
import { packed } from "./packed.ts";
import type { CodecName, Slot } from "./protocol.ts";
import { orderPictureCodecs, orderSoundCodecs } from "./whip-codecs.ts";
import { withInbandFec, withStartRate } from "./whip-sdp.ts";
import { encodingsOf, type SectionRole, SlotSender, sizeOf } from "./whip-sender.ts";
import { readUplink, type StatsMemory, type UplinkSample } from "./whip-stats.ts";

/** What each slot carries now; a slot that is `null` or missing sends nothing. */
export type Sources = ReadonlyMap<Slot, MediaStreamTrack>;

export interface SessionPlan {
  /** Address to POST the offer to. */
  readonly endpoint: string;
  readonly token: string;
  readonly codec: CodecName;
  readonly sections: readonly Section[];
  readonly sources: Sources;
  /** What the line carried a moment ago, kbit/s; `null` = nothing is known. */
  readonly startKbps: number | null;
  /** The connection stands or stands again (`true`), is being repaired (`false`). */
  readonly onFlow: (flowing: boolean) => void;
  /** Beyond repair; called at most once, never after `close`. */
  readonly onLost: () => void;
}

/** A section of the offer: the relay maps the n-th of a kind to the n-th slot of that kind. */
export interface Section {
  readonly slot: Slot;
  readonly kind: "audio" | "video";
  readonly role: SectionRole;
}

/** Everything a host may ever send. */
export const HOST_SECTIONS: readonly Section[] = [
  { slot: "program_audio", kind: "audio", role: "voice" },
  { slot: "extra_audio", kind: "audio", role: "film" },
  { slot: "program_video", kind: "video", role: "program" },
  { slot: "slides_video", kind: "video", role: "slides" },
  { slot: "extra_video", kind: "video", role: "second_camera" },
];

/** What a room that speaks sends to `?slot=extra`. */
export const ROOM_SECTIONS: readonly Section[] = [
  { slot: "extra_audio", kind: "audio", role: "voice" },
  { slot: "extra_video", kind: "video", role: "room" },
];

const HTTP_TIMEOUT_MS = 8000;
const CONNECT_TIMEOUT_MS = 8000;
/** The relay's reports arrive several times a second; this long without one and the path is suspect. */
const SILENCE_MS = 3000;
/** Heard within this time, a session needs no asking; samples are a second apart. */
const FRESH_MS = 1500;
/** The relay forgets a peer whose checks stop for 15–30 s; repairing longer than this repairs a ghost. */
const REPAIR_MS = 25_000;

export class WhipSession {
  readonly #plan: SessionPlan;
  readonly #pc: RTCPeerConnection;
  readonly #senders = new Map<Slot, SlotSender>();
  #address: string | null = null;
  #closed = false;
  #repairing = false;
  #statsMemory: StatsMemory | null = null;
  #heardAt = 0;
  #bytesReceived = -1;

  private constructor(plan: SessionPlan) {
    this.#plan = plan;
    this.#pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#pc.addEventListener("connectionstatechange", () => this.#stateChanged());
  }

  /**
   * Offers everything we may ever send and resolves once media can flow.
   *
   * @throws HttpRefusal when the relay answers with an error; `TypeError`/`DOMException` when it cannot be reached.
   */
  static async open(plan: SessionPlan): Promise<WhipSession> {
    const session = new WhipSession(plan);
    try {
      await session.#negotiate();
      await session.#connected(CONNECT_TIMEOUT_MS);
      session.#heardAt = performance.now();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  get codec(): CodecName {
    return this.#plan.codec;
  }

  /** Starts, replaces or stops (`null`) what a slot sends; no negotiation, nobody else notices. */
  async setSource(slot: Slot, track: MediaStreamTrack | null): Promise<void> {
    if (!this.#closed) await this.#senders.get(slot)?.set(track);
  }

  /** One sample of our uplink; also notices silence and a changed picture size. Call it once a second. */
  async sample(): Promise<UplinkSample | null> {
    if (this.#closed) return null;
    const report = await this.#pc.getStats();
    const { sample, memory } = readUplink(
      report.values(),
      this.#statsMemory,
      this.#midOf(this.#mainSlot("video")),
      this.#senders.get(this.#mainSlot("audio"))?.track?.id ?? null,
    );
    this.#statsMemory = memory;
    this.#watchSilence(sample);
    for (const sender of this.#senders.values()) await sender.tune();
    return sample;
  }

  /** Asks whether the session still lives (after sleep, a changed network, a reopened WebSocket), unless it was heard just now. */
  check(): void {
    if (performance.now() - this.#heardAt > FRESH_MS) this.#suspect();
  }

  /** Ends the session here and at the relay; a relay that cannot be reached notices by itself. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const sender of this.#senders.values()) sender.close();
    this.#pc.close();
    if (this.#address === null) return;
    // keepalive lets the DELETE leave while the page is being closed.
    await fetch(this.#address, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${this.#plan.token}` },
      keepalive: true,
    }).catch(() => undefined);
  }

  async #negotiate(): Promise<void> {
    const program = new MediaStream();
    const slides = new MediaStream();
    for (const { slot, kind, role } of this.#plan.sections) {
      const track = this.#plan.sources.get(slot) ?? null;
      const transceiver = this.#pc.addTransceiver(kind, {
        direction: "sendonly",
        // Streams tell players which sound belongs to which picture.
        streams: [role === "slides" || role === "film" ? slides : program],
        sendEncodings: encodingsOf(role, sizeOf(track)),
      });
      transceiver.setCodecPreferences(codecsFor(kind, this.#plan.codec));
      this.#senders.set(slot, new SlotSender(transceiver.sender, role));
      if (track !== null) await transceiver.sender.replaceTrack(track);
    }
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    const offer = this.#pc.localDescription?.sdp ?? "";
    // No waiting for candidates: the relay is ICE-lite and learns our address from our first check.
    const response = await this.#request(this.#plan.endpoint, "POST", "application/sdp", offer);
    if (response.status !== 201) throw await HttpRefusal.of(response);
    const location = response.headers.get("Location");
    if (location !== null) this.#address = new URL(location, response.url).href;
    const answer = await response.text();
    const { startKbps } = this.#plan;
    const tuned = withInbandFec(answer);
    await this.#pc.setRemoteDescription({
      type: "answer",
      sdp: startKbps === null ? tuned : withStartRate(tuned, startKbps),
    });
    for (const sender of this.#senders.values()) await sender.tune();
  }

  /** Resolves when connected; rejects after `timeoutMs` or when the connection fails or is closed. */
  #connected(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#pc.removeEventListener("connectionstatechange", look);
        act();
      };
      const timer = setTimeout(() => settle(() => reject(new Error("media did not connect"))), timeoutMs);
      const look = (): void => {
        const state = this.#pc.connectionState;
        if (state === "connected") settle(resolve);
        else if (state === "failed" || state === "closed")
          settle(() => reject(new Error(`connection ${state}`)));
      };
      this.#pc.addEventListener("connectionstatechange", look);
      look();
    });
  }

  #stateChanged(): void {
    if (this.#closed || this.#address === null) return;
    const state = this.#pc.connectionState;
    // "disconnected" may heal by itself, but asking the relay costs one request and finds a restart at once.
    if (state === "disconnected" || state === "failed") this.#suspect();
  }

  #watchSilence(sample: UplinkSample): void {
    const now = performance.now();
    if (sample.bytesReceived !== this.#bytesReceived) {
      this.#bytesReceived = sample.bytesReceived;
      this.#heardAt = now;
    } else if (now - this.#heardAt > SILENCE_MS) {
      this.#suspect();
    }
  }

  #suspect(): void {
    if (!this.#closed && !this.#repairing) void this.#repair();
  }

  async #repair(): Promise<void> {
    this.#repairing = true;
    this.#plan.onFlow(false);
    const startedAt = performance.now();
    for (let attempt = 0; !this.#closed && performance.now() - startedAt < REPAIR_MS; attempt += 1) {
      const outcome = await this.#restartIce();
      if (this.#closed) return;
      if (outcome === "restarted" && (await this.#hears())) {
        this.#repairing = false;
        this.#heardAt = performance.now();
        this.#plan.onFlow(true);
        return;
      }
      if (outcome === "unknown_here") break;
      await new Promise((wake) => setTimeout(wake, backoffMs(RECONNECT, attempt, Math.random())));
    }
    if (!this.#closed) this.#plan.onLost();
  }

  /** New ICE credentials by PATCH: "unknown_here" when the relay does not know this session (any more). */
  async #restartIce(): Promise<"restarted" | "unreachable" | "unknown_here"> {
    if (this.#address === null || this.#pc.remoteDescription === null) return "unknown_here";
    const answer = this.#pc.remoteDescription.sdp;
    try {
      if (this.#pc.signalingState === "stable") {
        this.#pc.restartIce();
        await this.#pc.setLocalDescription(await this.#pc.createOffer());
      }
      const fragment = restartFragment(this.#pc.localDescription?.sdp ?? "");
      const address = this.#address;
      const response = await askForRestart(
        () =>
          this.#request(address, "PATCH", "application/trickle-ice-sdpfrag", fragment, { "If-Match": "*" }),
        () => this.#closed,
      );
      // 5xx may be a restarting server or its proxy: it may know us again in a moment.
      if (response.status >= 500) return "unreachable";
      const ice = response.status === 200 ? readFragment(await response.text()) : null;
      if (ice === null) return "unknown_here";
      await this.#pc.setRemoteDescription({ type: "answer", sdp: restartedAnswer(answer, ice) });
      return "restarted";
    } catch (error) {
      // The body of an answer breaks off as a TypeError.
      return error instanceof Unreachable || error instanceof TypeError ? "unreachable" : "unknown_here";
    }
  }

  /** Whether anything reaches us from the relay within a few seconds. */
  async #hears(): Promise<boolean> {
    const before = await this.#bytesFromRelay();
    for (let tries = 0; tries < 16 && !this.#closed; tries += 1) {
      await new Promise((wake) => setTimeout(wake, 250));
      if (this.#pc.connectionState === "connected" && (await this.#bytesFromRelay()) > before) return true;
    }
    return false;
  }

  async #bytesFromRelay(): Promise<number> {
    const report = await this.#pc.getStats();
    return readUplink(report.values(), null, null, null).sample.bytesReceived;
  }

  async #request(
    address: string,
    method: "POST" | "PATCH",
    contentType: string,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const { body: carried, headers: more } = await packed(body);
    return fetchWithin(method === "PATCH" ? RESTART_WITHIN_MS : HTTP_TIMEOUT_MS, address, {
      method,
      body: carried,
      headers: {
        Authorization: `Bearer ${this.#plan.token}`,
        "Content-Type": contentType,
        ...headers,
        ...more,
      },
    });
  }

  /** The slot whose picture or voice the samples tell of: the first of its kind. */
  #mainSlot(kind: "audio" | "video"): Slot {
    return this.#plan.sections.find((section) => section.kind === kind)?.slot ?? "program_video";
  }

  #midOf(slot: Slot): string | null {
    const sender = this.#senders.get(slot)?.sender;
    return this.#pc.getTransceivers().find((transceiver) => transceiver.sender === sender)?.mid ?? null;
  }
}

function codecsFor(kind: "audio" | "video", wish: CodecName): RTCRtpCodec[] {
  const available = RTCRtpSender.getCapabilities(kind)?.codecs ?? [];
  return kind === "audio" ? orderSoundCodecs(available) : orderPictureCodecs(available, wish);
}
