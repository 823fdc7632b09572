/**
 * The teacher's own pictures and sounds: opened, switched, muted, and brought back when a plug falls out.
 *
 * Each is one signal; whoever publishes listens to `onTrack`, whoever draws reads the signals.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  classify,
  type DeviceProblem,
  type DeviceUse,
  findRemembered,
  listDevices,
  openCamera,
  openMicrophone,
  pickSecondCamera,
  rememberDevice,
  rememberedDevices,
  shareScreen,
} from "../shared/devices.ts";
import type { Slot } from "../shared/protocol.ts";

export type SourceState =
  | { kind: "off" }
  | { kind: "opening" }
  | { kind: "on"; track: MediaStreamTrack; deviceId: string; label: string }
  | { kind: "failed"; problem: DeviceProblem };

export type SlidesState =
  | { kind: "off" }
  | { kind: "opening" }
  | { kind: "on"; picture: MediaStreamTrack; sound: MediaStreamTrack | null }
  | { kind: "failed"; problem: DeviceProblem };

/** Something happened to a device that the teacher did not do herself. */
export type DeviceNotice =
  /** Unplugged; another one took over. */
  | { kind: "replaced"; use: DeviceUse; label: string }
  | { kind: "lost"; use: DeviceUse }
  /** The chosen device does not open; the one before stays on air. */
  | { kind: "switch_failed"; use: DeviceUse; problem: DeviceProblem }
  /** Plugged in again and back on air. */
  | { kind: "returned"; use: DeviceUse }
  /** Ended from the browser's own bar, or the shared window was closed. */
  | { kind: "slides_ended" };

/** What a reload must bring back; slides cannot come back without the teacher's hand. */
export interface SessionWishes {
  readonly camera: boolean;
  readonly muted: boolean;
  readonly second_camera: boolean;
  readonly slides: boolean;
}

const WISHES_KEY = "nhipcau.host-wishes";
const SLOT_OF: { readonly [U in DeviceUse]: Slot } = {
  camera: "program_video",
  second_camera: "extra_video",
  microphone: "program_audio",
};

export class Sources {
  readonly #states: { readonly [U in DeviceUse]: Signal<SourceState> } = {
    camera: signal<SourceState>({ kind: "off" }),
    second_camera: signal<SourceState>({ kind: "off" }),
    microphone: signal<SourceState>({ kind: "off" }),
  };
  readonly #slides = signal<SlidesState>({ kind: "off" });
  readonly #muted: Signal<boolean>;
  readonly #cameras = signal<readonly MediaDeviceInfo[]>([]);
  readonly #microphones = signal<readonly MediaDeviceInfo[]>([]);
  /** Which uses the teacher wants on; a wish outlives an unplugged cable. */
  readonly #wanted = new Set<DeviceUse>();
  /** Grows with every opening and closing: a slow permission prompt must not undo what came after it. */
  readonly #turn: { [U in DeviceUse]: number } = { camera: 0, second_camera: 0, microphone: 0 };
  readonly #onTrack: (slot: Slot, track: MediaStreamTrack | null) => void;
  readonly #onNotice: (notice: DeviceNotice) => void;

  constructor(
    onTrack: (slot: Slot, track: MediaStreamTrack | null) => void,
    onNotice: (notice: DeviceNotice) => void,
  ) {
    this.#onTrack = onTrack;
    this.#onNotice = onNotice;
    this.#muted = signal(sessionWishes()?.muted ?? false);
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged());
    void this.#refreshDevices();
  }

  get camera(): ReadonlySignal<SourceState> {
    return this.#states.camera;
  }
  get secondCamera(): ReadonlySignal<SourceState> {
    return this.#states.second_camera;
  }
  get microphone(): ReadonlySignal<SourceState> {
    return this.#states.microphone;
  }
  get slides(): ReadonlySignal<SlidesState> {
    return this.#slides;
  }
  get muted(): ReadonlySignal<boolean> {
    return this.#muted;
  }
  get cameras(): ReadonlySignal<readonly MediaDeviceInfo[]> {
    return this.#cameras;
  }
  get microphones(): ReadonlySignal<readonly MediaDeviceInfo[]> {
    return this.#microphones;
  }
  /** Whether the teacher wants this on, working or not. */
  wants(use: DeviceUse): boolean {
    return this.#wanted.has(use);
  }

  /** Opens a use with the given device, else with the remembered one, else with whatever there is. */
  async open(use: DeviceUse, deviceId?: string): Promise<void> {
    this.#wanted.add(use);
    this.#turn[use] += 1;
    const turn = this.#turn[use];
    const state = this.#states[use];
    const before = state.peek();
    if (before.kind !== "on") state.value = { kind: "opening" };
    try {
      const track = await this.#openAny(use, deviceId);
      if (turn !== this.#turn[use]) {
        track.stop();
        return;
      }
      // Names and ids are told only after the first permission.
      await this.#refreshDevices();
      this.#take(use, track, deviceId !== undefined);
    } catch (error) {
      if (turn !== this.#turn[use]) return;
      // A failed switch leaves the device that works; only a failed start leaves nothing.
      const problem = classify(error);
      if (state.peek().kind === "on") this.#onNotice({ kind: "switch_failed", use, problem });
      else state.value = { kind: "failed", problem };
    } finally {
      this.#saveWishes();
    }
  }

  /** Switches a use off: the device's own light goes out. */
  close(use: DeviceUse): void {
    this.#wanted.delete(use);
    this.#turn[use] += 1;
    this.#release(use);
    this.#states[use].value = { kind: "off" };
    this.#saveWishes();
  }

  setMuted(muted: boolean): void {
    this.#muted.value = muted;
    const microphone = this.#states.microphone.peek();
    // A silent track goes on being sent, so that unmuting costs no time and the slot stays known as voice.
    if (microphone.kind === "on") microphone.track.enabled = !muted;
    this.#saveWishes();
  }

  async shareSlides(): Promise<void> {
    const before = this.#slides.peek();
    if (before.kind === "opening") return;
    if (before.kind !== "on") this.#slides.value = { kind: "opening" };
    try {
      const shared = await shareScreen();
      if (shared === null) {
        if (this.#slides.peek().kind === "opening") this.#slides.value = { kind: "off" };
        return;
      }
      this.#dropSlides();
      this.#slides.value = { kind: "on", ...shared };
      this.#onTrack("slides_video", shared.picture);
      this.#onTrack("extra_audio", shared.sound);
      shared.picture.addEventListener("ended", () => {
        const now = this.#slides.peek();
        if (now.kind !== "on" || now.picture !== shared.picture) return;
        this.stopSlides();
        this.#onNotice({ kind: "slides_ended" });
      });
    } catch (error) {
      if (this.#slides.peek().kind !== "on")
        this.#slides.value = { kind: "failed", problem: classify(error) };
    } finally {
      this.#saveWishes();
    }
  }

  stopSlides(): void {
    this.#dropSlides();
    this.#slides.value = { kind: "off" };
    this.#onTrack("slides_video", null);
    this.#onTrack("extra_audio", null);
    this.#saveWishes();
  }

  /** Lets go of everything: cameras dark, nothing shared. */
  closeAll(): void {
    for (const use of ["camera", "second_camera", "microphone"] as const) this.close(use);
    if (this.#slides.peek().kind === "on") this.stopSlides();
    forgetWishes();
  }

  async #openAny(use: DeviceUse, deviceId: string | undefined): Promise<MediaStreamTrack> {
    const opener = use === "microphone" ? openMicrophone : openCamera;
    if (deviceId !== undefined) return opener(deviceId);
    await this.#refreshDevices();
    const remembered = rememberedDevices()[use];
    if (use === "second_camera") {
      const first = this.#states.camera.peek();
      const second = pickSecondCamera(
        remembered,
        this.#cameras.peek(),
        first.kind === "on" ? first.deviceId : undefined,
      );
      if (second === undefined) throw Object.assign(new Error("one camera only"), { name: "NotFoundError" });
      return opener(second.deviceId);
    }
    const list = use === "microphone" ? this.#microphones : this.#cameras;
    const known = findRemembered(remembered, list.peek());
    if (known === undefined || known.deviceId === "") return opener(undefined);
    // The remembered device may be there and refuse (another program holds it): any other is better than none.
    return opener(known.deviceId).catch((error: unknown) =>
      classify(error) === "denied" ? Promise.reject(error) : opener(undefined),
    );
  }

  #take(use: DeviceUse, track: MediaStreamTrack, chosen: boolean): void {
    this.#release(use);
    const deviceId = this.#realDevice(use, track);
    this.#states[use].value = { kind: "on", track, deviceId, label: track.label };
    if (chosen) rememberDevice(use, { id: deviceId, label: track.label });
    if (use === "microphone") track.enabled = !this.#muted.peek();
    this.#onTrack(SLOT_OF[use], track);
    track.addEventListener("ended", () => void this.#ended(use, track));
  }

  /** Chrome calls the system's choice "default"; its group tells which of the listed devices that is. */
  #realDevice(use: DeviceUse, track: MediaStreamTrack): string {
    const { deviceId = "", groupId } = track.getSettings();
    const list = use === "microphone" ? this.#microphones.peek() : this.#cameras.peek();
    if (list.some((device) => device.deviceId === deviceId)) return deviceId;
    return list.find((device) => device.groupId === groupId)?.deviceId ?? deviceId;
  }

  #release(use: DeviceUse): void {
    const state = this.#states[use].peek();
    if (state.kind !== "on") return;
    state.track.stop();
    this.#onTrack(SLOT_OF[use], null);
  }

  /** The browser ended a track: unplugged, or permission taken back. `stop()` by us fires no event. */
  async #ended(use: DeviceUse, track: MediaStreamTrack): Promise<void> {
    const state = this.#states[use].peek();
    if (state.kind !== "on" || state.track !== track) return;
    this.#onTrack(SLOT_OF[use], null);
    this.#states[use].value = { kind: "failed", problem: "unplugged" };
    await this.#refreshDevices();
    // A second camera has no stand-in: the first one is on air already.
    if (use !== "second_camera") await this.#standIn(use);
    const now = this.#states[use].peek();
    this.#onNotice(now.kind === "on" ? { kind: "replaced", use, label: now.label } : { kind: "lost", use });
  }

  async #standIn(use: DeviceUse): Promise<void> {
    this.#turn[use] += 1;
    const turn = this.#turn[use];
    try {
      const track = await (use === "microphone" ? openMicrophone(undefined) : openCamera(undefined));
      if (turn === this.#turn[use]) this.#take(use, track, false);
      else track.stop();
    } catch {
      // The state already says "unplugged"; `#devicesChanged` looks again when something is plugged in.
    }
  }

  async #devicesChanged(): Promise<void> {
    await this.#refreshDevices();
    for (const use of this.#wanted) {
      const state = this.#states[use].peek();
      if (state.kind !== "failed" || (state.problem !== "unplugged" && state.problem !== "missing")) continue;
      await this.open(use);
      if (this.#states[use].peek().kind === "on") this.#onNotice({ kind: "returned", use });
    }
  }

  async #refreshDevices(): Promise<void> {
    const { cameras, microphones } = await listDevices();
    this.#cameras.value = cameras;
    this.#microphones.value = microphones;
  }

  #dropSlides(): void {
    const state = this.#slides.peek();
    if (state.kind !== "on") return;
    state.picture.stop();
    state.sound?.stop();
  }

  #saveWishes(): void {
    const wishes: SessionWishes = {
      camera: this.wants("camera"),
      muted: this.#muted.peek(),
      second_camera: this.wants("second_camera"),
      slides: this.#slides.peek().kind === "on",
    };
    try {
      sessionStorage.setItem(WISHES_KEY, JSON.stringify(wishes));
    } catch {
      // Without storage a reload asks again.
    }
  }
}

/** What was on before this page was reloaded; `null` on a fresh visit. */
export function sessionWishes(): SessionWishes | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(WISHES_KEY) ?? "null");
    if (typeof value !== "object" || value === null) return null;
    const { camera, muted, second_camera, slides } = value as { [flag in keyof SessionWishes]?: unknown };
    return {
      camera: camera === true,
      muted: muted === true,
      second_camera: second_camera === true,
      slides: slides === true,
    };
  } catch {
    return null;
  }
}

function forgetWishes(): void {
  try {
    sessionStorage.removeItem(WISHES_KEY);
  } catch {
    // Nothing was stored then.
  }
}
