/**
 * One WHEP session: one RTCPeerConnection with a receiver per slot, from offer to DELETE. It can be asked to repair itself
 * (ICE restart); whether that is enough is for `WhepClient` to judge.
 */
import { fetchWithin, HttpRefusal, Unreachable } from "./http.ts";
import { readFragment, restartedAnswer, restartFragment } from "./ice-fragment.ts";
import { askForRestart, RESTART_WITHIN_MS } from "./ice-restart.ts";
import { packed } from "./packed.ts";
import { AUDIO_SLOTS, type Slot, VIDEO_SLOTS } from "./protocol.ts";
import { canWait, firstPicturePlayout, firstPlayout } from "./weak-link.ts";
import { entriesOf, type Flow, readFlow } from "./whep-stats.ts";

const HTTP_WITHIN_MS = 8000;
/** What was sent ahead and nobody came for is given back. */
const AHEAD_FOR_MS = 20_000;

export interface WhepTarget {
  /** Address to POST the offer to: `{origin}/whep/{lesson}`, or `{origin}/whep` for whichever lesson the link shows now. */
  readonly endpoint: string;
  readonly token: string;
}

export type TrackListener = (slot: Slot, track: MediaStreamTrack) => void;

interface OldPeerConnection {
  onaddstream: ((event: { stream: MediaStream }) => void) | null;
}

export type RestartOutcome =
  | "restarted"
  /** The relay could not be asked: no network, or it is starting. */
  | "unreachable"
  /** The relay does not know this session (any more). */
  | "unknown";

export class WhepSession {
  /** Made before anybody knew which lesson it would be for. */
  private static spare: WhepSession | null = null;

  readonly pc: RTCPeerConnection;
  private target: WhepTarget = { endpoint: "", token: "" };
  private readonly receivedBy = new Map<Slot, RTCRtpReceiver>();
  private readonly tracks = new Map<Slot, MediaStreamTrack>();
  private address: string | null = null;
  private closed = false;
  /** What its voice waits since the beginning (`firstPlayout`). */
  playoutMs = 0;

  /** Written once, sent once. */
  private offer: Promise<RTCSessionDescriptionInit> | null = null;
  private onTrack: TrackListener | null = null;
  /** The lesson that answered what was sent ahead; `null` when none did. */
  private ahead: Promise<string | null> | null = null;
  private aheadTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor() {
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  }

  /**
   * Writes the offer of the next session now, while the relay is still being asked what there is to watch: a browser takes
   * about 200 ms for its first. Nothing is sent and no port is opened.
   */
  static prepare(): void {
    if (WhepSession.spare !== null || typeof RTCPeerConnection !== "function") return;
    try {
      const session = new WhepSession();
      // Chromium 56–68 names its sections only when it is answered.
      if (typeof session.pc.addTransceiver !== "function") session.close();
      else {
        // Whoever opens the session hears of a failure.
        session.write().catch(() => undefined);
        WhepSession.spare = session;
      }
    } catch {
      // What is wrong with this browser is found, and said, when a session is opened.
    }
  }

  /**
   * Sends the prepared offer now, to `target` that names no lesson: while the relay is still being asked which one it is, its media
   * is already on the way. On a far link that is the better part of two seconds.
   */
  static sendAhead(target: WhepTarget): void {
    const session = WhepSession.spare;
    if (session === null || session.ahead !== null) return;
    session.target = target;
    session.ahead = session.negotiate().catch(() => null);
    session.aheadTimer = setTimeout(() => {
      if (WhepSession.spare === session) WhepSession.discard();
    }, AHEAD_FOR_MS);
  }

  /** There is nothing to watch now: what was sent ahead is given back, a prepared offer is kept. */
  static recall(): void {
    if (WhepSession.spare !== null && WhepSession.spare.ahead !== null) WhepSession.discard();
  }

  /** Nothing will be watched. */
  static discard(): void {
    WhepSession.spare?.close();
    WhepSession.spare = null;
  }

  private static take(): WhepSession {
    const { spare } = WhepSession;
    WhepSession.spare = null;
    clearTimeout(spare?.aheadTimer);
    return spare ?? new WhepSession();
  }

  private write(): Promise<RTCSessionDescriptionInit> {
    this.offer ??= this.pc.createOffer(this.addSections());
    return this.offer;
  }

  /**
   * Offers to receive every slot and applies the relay's answer; media flows a moment later.
   *
   * @param onTrack called once per slot, also when nothing is published there yet
   * @throws HttpRefusal when the relay refuses, Unreachable when it cannot be asked, another error when this browser cannot
   */
  static async open(target: WhepTarget, onTrack: TrackListener): Promise<WhepSession> {
    let session = WhepSession.take();
    const lesson = await session.ahead;
    const isIt = lesson !== null && new URL(target.endpoint).pathname === `/whep/${lesson}`;
    if (lesson !== null && !isIt) {
      session.close();
      session = new WhepSession();
    }
    session.target = target;
    session.onTrack = onTrack;
    session.tracks.forEach((track, slot) => {
      onTrack(slot, track);
    });
    try {
      if (!isIt) await session.negotiate();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** The session's secret, by which `demand` names this connection. */
  get peer(): string {
    const path = (this.address ?? "").replace(/[?#].*$/, "").replace(/\/+$/, "");
    return path.slice(path.lastIndexOf("/") + 1);
  }

  /** The lesson, where the target names none. */
  private async negotiate(): Promise<string | null> {
    const offer = await this.write();
    // What was sent ahead in vain is sent as it is.
    if (this.pc.localDescription === null) await this.pc.setLocalDescription(offer);
    // No waiting for candidates: the relay is ICE-lite and learns our address from our first check.
    const asked = performance.now();
    const response = await this.request("POST", this.target.endpoint, "application/sdp", {
      body: this.pc.localDescription?.sdp ?? "",
    });
    if (response.status !== 201) throw await HttpRefusal.of(response);
    const location = response.headers.get("Location");
    if (location !== null) this.address = new URL(location, response.url || window.location.href).href;
    const sdp = await response.text();
    if (this.closed) {
      this.leave();
      return null;
    }
    this.playoutMs = firstPlayout(performance.now() - asked);
    this.waitFromTheStart();
    await this.pc.setRemoteDescription({ type: "answer", sdp });
    return response.headers.get("Nhipcau-Lesson");
  }

  /** A wait that comes later is a picture that stands still meanwhile. */
  private waitFromTheStart(): void {
    if (this.playoutMs === 0 || !canWait()) return;
    for (const slot of AUDIO_SLOTS) this.letWait(slot, this.playoutMs);
    for (const slot of VIDEO_SLOTS) this.letWait(slot, firstPicturePlayout(this.playoutMs));
  }

  private letWait(slot: Slot, ms: number): void {
    const receiver = this.receivedBy.get(slot);
    if (receiver !== undefined) receiver.jitterBufferTarget = ms;
  }

  private addSections(): RTCOfferOptions {
    if (typeof this.pc.addTransceiver !== "function") return this.addOldSections();
    for (const slot of AUDIO_SLOTS) this.addSection("audio", slot);
    for (const slot of VIDEO_SLOTS) this.addSection("video", slot);
    return {};
  }

  /** Chromium 56–68 has no transceivers: one sound and one picture, which the relay answers with the program. */
  private addOldSections(): RTCOfferOptions {
    const adopt = (track: MediaStreamTrack, receiver: RTCRtpReceiver | null): void =>
      this.adopt(track.kind === "audio" ? "program_audio" : "program_video", track, receiver);
    if ("ontrack" in this.pc) {
      this.pc.ontrack = ({ track, receiver }) => adopt(track, receiver);
    } else {
      // Before Chromium 64.
      (this.pc as OldPeerConnection).onaddstream = ({ stream }) => {
        for (const track of stream.getTracks()) adopt(track, null);
      };
    }
    return { offerToReceiveAudio: true, offerToReceiveVideo: true };
  }

  private addSection(kind: "audio" | "video", slot: Slot): void {
    const { receiver } = this.pc.addTransceiver(kind, { direction: "recvonly" });
    this.adopt(slot, receiver.track, receiver);
  }

  private adopt(slot: Slot, track: MediaStreamTrack, receiver: RTCRtpReceiver | null): void {
    if (receiver !== null) this.receivedBy.set(slot, receiver);
    this.tracks.set(slot, track);
    this.onTrack?.(slot, track);
  }

  /** The track of a slot; `null` where the browser gave none. */
  track(slot: Slot): MediaStreamTrack | null {
    return this.tracks.get(slot) ?? null;
  }

  receivers(): readonly RTCRtpReceiver[] {
    return Array.from(this.receivedBy.values());
  }

  receiver(slot: Slot): RTCRtpReceiver | null {
    return this.receivedBy.get(slot) ?? null;
  }

  /** Whether the relay knows this session; `null`: it could not be asked. */
  async isKnown(): Promise<boolean | null> {
    try {
      await this.clocks();
      return true;
    } catch (error) {
      return error instanceof HttpRefusal && error.status === 404 ? false : null;
    }
  }

  /** When what this session shows was captured (`PROTOCOL.md`, "Capture time"); to be decoded. */
  async clocks(): Promise<unknown> {
    if (this.address === null) throw new Error("the session has no address yet");
    const response = await fetchWithin(HTTP_WITHIN_MS, `${this.address}/clock`, {
      headers: { Authorization: `Bearer ${this.target.token}` },
    });
    if (!response.ok) throw await HttpRefusal.of(response);
    return response.json();
  }

  /** One reading of everything received. */
  async flow(): Promise<Flow> {
    const slots = Array.from(this.tracks.keys());
    const reports = await Promise.all(slots.map((slot) => this.reportOf(slot)));
    return readFlow(new Map(slots.map((slot, index) => [slot, reports[index] ?? []] as const)));
  }

  private async reportOf(slot: Slot): Promise<unknown[]> {
    const receiver = this.receivedBy.get(slot);
    // `receiver.getStats` is Chromium 67; before it a track selects its part of the whole report.
    const report =
      receiver !== undefined && typeof receiver.getStats === "function"
        ? await receiver.getStats()
        : await this.pc.getStats(this.tracks.get(slot) ?? null);
    return entriesOf(report);
  }

  /** New ICE credentials by PATCH, media keys stay. */
  async restartIce(): Promise<RestartOutcome> {
    const answer = this.pc.remoteDescription?.sdp;
    if (this.address === null || answer === undefined || this.closed) return "unknown";
    try {
      if (this.pc.signalingState === "stable") {
        await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart: true }));
      }
    } catch {
      return "unknown";
    }
    let response: Response;
    try {
      const { address } = this;
      const body = restartFragment(this.pc.localDescription?.sdp ?? "");
      response = await askForRestart(
        () => this.request("PATCH", address, "application/trickle-ice-sdpfrag", { body, ifMatch: "*" }),
        () => this.closed,
      );
    } catch {
      return "unreachable";
    }
    // 5xx may be a server that is starting, or its proxy: it may know us again in a moment.
    if (response.status >= 500) return "unreachable";
    if (response.status !== 200) return "unknown";
    try {
      const ice = readFragment(await response.text());
      if (ice === null || this.closed) return "unknown";
      await this.pc.setRemoteDescription({ type: "answer", sdp: restartedAnswer(answer, ice) });
      return "restarted";
    } catch {
      return "unknown";
    }
  }

  /** Ends the session at the relay; tracks keep their last picture until `close`. */
  leave(): void {
    const { address } = this;
    this.address = null;
    if (address === null) return;
    // `keepalive` lets the request leave while the page is being closed. A relay we cannot reach notices by itself.
    fetch(address, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${this.target.token}` },
      keepalive: true,
    }).catch(() => undefined);
  }

  /** Ends the session here and, as far as it can be reached, at the relay. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave();
    this.pc.close();
  }

  private async request(
    method: "POST" | "PATCH",
    address: string,
    contentType: string,
    content: { body: string; ifMatch?: string },
  ): Promise<Response> {
    const headers: { [name: string]: string } = {
      Authorization: `Bearer ${this.target.token}`,
      "Content-Type": contentType,
    };
    if (content.ifMatch !== undefined) headers["If-Match"] = content.ifMatch;
    const within = method === "PATCH" ? RESTART_WITHIN_MS : HTTP_WITHIN_MS;
    const { body, headers: more } = await packed(content.body);
    try {
      return await fetchWithin(within, address, { method, headers: { ...headers, ...more }, body });
    } catch (error) {
      throw new Unreachable(String(error));
    }
  }
}
