/**
 * A room's camera and microphone on this device: opened with a person's consent, connected before the class is called
 * (`PROTOCOL.md`, "Speaking"), heard only after somebody agreed. Follows what the relay says of the room; `room-plan.ts`
 * decides, this class does.
 */
import { classify, type DeviceProblem, openMicrophone, openRoomCamera } from "./devices.ts";
import type { SpeakingDevice } from "./lesson-protocol.ts";
import type { RoomNews } from "./room-facts.ts";
import { type RoomPlan, roomPlan, UplinkWatch } from "./room-plan.ts";
import { WhipClient, type WhipState } from "./whip-client.ts";
import { ROOM_SECTIONS } from "./whip-session.ts";

export type RoomDevices =
  | { kind: "off" }
  | { kind: "opening" }
  /** At least one of them is there. */
  | { kind: "on"; camera: MediaStreamTrack | null; microphone: MediaStreamTrack | null }
  | { kind: "failed"; problem: DeviceProblem };

export interface RoomCameraOptions {
  readonly device: SpeakingDevice;
  readonly token: string;
  /** Something a page shows has changed. */
  readonly onChange: () => void;
  /** The line cannot carry the picture beside the voice; comes once a turn. */
  readonly onWeakLine: () => void;
}

const WILLING_KEY = "nhipcau.room-camera";
/** From the browser's permission to the relay's word that the room speaks; also time to read a failure. */
const HOLD_MS = 10_000;
const FACING_KEY = "nhipcau.room-camera-facing";

/** Whether this browser has everything that speaking needs. Old TV browsers do not. */
export function canSpeak(): boolean {
  return (
    typeof RTCPeerConnection === "function" &&
    typeof RTCRtpSender === "function" &&
    typeof RTCRtpSender.getCapabilities === "function" &&
    "setCodecPreferences" in (typeof RTCRtpTransceiver === "function" ? RTCRtpTransceiver.prototype : {}) &&
    window.isSecureContext &&
    navigator.mediaDevices !== undefined
  );
}

export class RoomCamera {
  private readonly options: RoomCameraOptions;
  private readonly watch = new UplinkWatch();
  private opened: RoomDevices = { kind: "off" };
  private state: WhipState = { kind: "idle" };
  private whip: WhipClient | null = null;
  private lesson: string | null = null;
  private room: RoomNews | null = null;
  private allowed: boolean;
  private expecting = false;
  private shows = false;
  private testing = false;
  /** Just opened by a person's hand: kept open until what she opened them for has begun. */
  private holding: ReturnType<typeof setTimeout> | null = null;
  /** A waiting connection was lost, to the room's other device perhaps: not fought over. */
  private waitGivenUp = false;
  private turn = 0;
  private facing: "user" | "environment";

  constructor(options: RoomCameraOptions) {
    this.options = options;
    this.allowed = canSpeak() && stored(WILLING_KEY) === "yes";
    this.facing = stored(FACING_KEY) === "user" || options.device === "tv" ? "user" : "environment";
  }

  get devices(): RoomDevices {
    return this.opened;
  }
  get publishing(): WhipState {
    return this.state;
  }
  /** Whether a person made this device the room's camera and microphone. */
  get willing(): boolean {
    return this.allowed;
  }
  get test(): boolean {
    return this.testing;
  }

  /** What the relay says; call it at every change. `lesson`: the one on air, or `null`. */
  follow(lesson: string | null, room: RoomNews | null): void {
    if (lesson !== this.lesson) {
      this.expecting = false;
      this.hangUp();
    }
    // Another call or hand is another chance for a connection that was given up.
    if (
      (room === null ? null : room.turn) === null ||
      this.room === null ||
      this.room.turn?.phase !== room?.turn?.phase
    ) {
      if (room === null || room.hand === null) this.waitGivenUp = false;
    }
    this.lesson = lesson;
    this.room = lesson === null ? null : room;
    this.carryOut();
  }

  /** Opens camera and microphone for the class to see; `false` when there is neither. Call it in a click handler. */
  async allow(): Promise<boolean> {
    if (!canSpeak()) {
      this.set({ kind: "failed", problem: window.isSecureContext ? "unsupported" : "insecure" });
      return false;
    }
    this.hold();
    const open = await this.openDevices();
    this.allowed = open;
    store(WILLING_KEY, open ? "yes" : null);
    this.carryOut();
    return open;
  }

  /** Takes the permission back: nothing here is opened by itself any more. */
  forbid(): void {
    if (this.holding !== null) clearTimeout(this.holding);
    this.holding = null;
    this.allowed = false;
    this.testing = false;
    this.shows = false;
    store(WILLING_KEY, null);
    this.carryOut();
    this.options.onChange();
  }

  /** The class raised its hand here: connects beforehand, so that a call costs no time. Opens nothing. */
  expectCall(on: boolean): void {
    this.expecting = on && canSpeak();
    this.carryOut();
  }

  /** Shows the picture and the level here while somebody tries the devices. */
  setTest(on: boolean): void {
    this.testing = on;
    this.carryOut();
    this.options.onChange();
  }

  /** Somebody here agreed that observers see the pupils, or takes that back. */
  setShowing(on: boolean): void {
    this.shows = on;
    this.carryOut();
  }

  /** The camera on the other side of the phone. */
  async turnCamera(): Promise<void> {
    this.facing = this.facing === "user" ? "environment" : "user";
    store(FACING_KEY, this.facing);
    const before = this.opened;
    if (before.kind !== "on") return;
    before.camera?.stop();
    const camera = await openRoomCamera(this.facing).catch(() => null);
    if (this.opened !== before) {
      camera?.stop();
      return;
    }
    this.adopt(camera, before.microphone);
  }

  stop(): void {
    if (this.holding !== null) clearTimeout(this.holding);
    this.holding = null;
    this.hangUp();
    this.closeDevices();
  }

  private hold(): void {
    if (this.holding !== null) clearTimeout(this.holding);
    this.holding = setTimeout(() => {
      this.holding = null;
      this.carryOut();
    }, HOLD_MS);
  }

  private plan(): RoomPlan {
    return roomPlan({
      room: this.room,
      device: this.options.device,
      willing: this.allowed,
      expecting: this.expecting,
      showing: this.shows,
    });
  }

  private carryOut(): void {
    const plan = this.plan();
    if (plan.open || this.testing || this.holding !== null) {
      if (this.opened.kind === "off" && this.holding === null) void this.openDevices();
    } else if (this.opened.kind !== "opening") {
      this.closeDevices();
    }
    const waits = !plan.voice && !plan.picture;
    if (plan.connect && this.lesson !== null && !(waits && this.waitGivenUp)) this.dial(this.lesson);
    else this.hangUp();
    this.send();
  }

  private async openDevices(): Promise<boolean> {
    if (this.opened.kind === "on") return true;
    this.turn += 1;
    const turn = this.turn;
    this.set({ kind: "opening" });
    let problem: DeviceProblem = "missing";
    const note = (error: unknown): null => {
      problem = classify(error);
      return null;
    };
    // One after the other: some phones ask for each, and two questions at once are one too many.
    const microphone = await openMicrophone(undefined).catch(note);
    const camera = await openRoomCamera(this.facing).catch(note);
    if (turn !== this.turn) {
      microphone?.stop();
      camera?.stop();
      return false;
    }
    if (microphone === null && camera === null) {
      this.set({ kind: "failed", problem });
      return false;
    }
    this.adopt(camera, microphone);
    return true;
  }

  private adopt(camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null): void {
    for (const track of [camera, microphone]) {
      track?.addEventListener("ended", () => {
        const now = this.opened;
        if (now.kind !== "on" || (now.camera !== track && now.microphone !== track)) return;
        const left = {
          camera: now.camera === track ? null : now.camera,
          microphone: now.microphone === track ? null : now.microphone,
        };
        if (left.camera === null && left.microphone === null)
          this.set({ kind: "failed", problem: "unplugged" });
        else this.set({ kind: "on", ...left });
        this.send();
      });
    }
    this.set({ kind: "on", camera, microphone });
    this.carryOut();
  }

  private closeDevices(): void {
    this.turn += 1;
    if (this.opened.kind === "off") return;
    if (this.opened.kind === "on") {
      this.opened.camera?.stop();
      this.opened.microphone?.stop();
    }
    this.set({ kind: "off" });
  }

  private set(devices: RoomDevices): void {
    this.opened = devices;
    this.options.onChange();
  }

  private dial(lesson: string): void {
    if (this.whip !== null) return;
    const whip = new WhipClient({
      endpoint: `${window.location.origin}/whip/${lesson}?slot=extra`,
      token: this.options.token,
      sections: ROOM_SECTIONS,
      onState: (state) => this.connectionChanged(whip, state),
      onUplink: (sample) => {
        const { voice, picture } = this.plan();
        if (voice && picture && this.watch.note(sample)) this.options.onWeakLine();
      },
    });
    this.whip = whip;
    this.watch.restart();
    whip.start();
  }

  private connectionChanged(whip: WhipClient, state: WhipState): void {
    if (whip !== this.whip) return;
    this.state = state;
    const { voice, picture } = this.plan();
    if (!voice && !picture && (state.kind === "reconnecting" || state.kind === "refused")) {
      this.waitGivenUp = true;
      this.hangUp();
    }
    if (state.kind === "publishing") this.send();
    this.options.onChange();
  }

  private hangUp(): void {
    const { whip } = this;
    this.whip = null;
    if (whip === null) return;
    this.state = { kind: "idle" };
    void whip.stop();
  }

  private send(): void {
    const { whip, opened } = this;
    if (whip === null) return;
    const { voice, picture } = this.plan();
    const devices = opened.kind === "on" ? opened : { camera: null, microphone: null };
    void whip.setSource("extra_audio", voice ? devices.microphone : null);
    void whip.setSource("extra_video", picture ? devices.camera : null);
  }
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Without storage the person is asked again next time.
  }
}
