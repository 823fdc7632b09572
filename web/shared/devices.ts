/**
 * Cameras, microphones and shared screens: opening them, remembering which, and saying in a word why not.
 */

/** Why there is no picture or sound. Each has a sentence that says what to do. */
export type DeviceProblem =
  /** The page came over plain http from another machine: browsers then hide cameras altogether. */
  | "insecure"
  /** The browser is too old to have cameras or screen sharing. */
  | "unsupported"
  /** The teacher, or an earlier visit, said no. */
  | "denied"
  /** The operating system keeps the browser from the device. */
  | "denied_by_system"
  /** Nothing is plugged in. */
  | "missing"
  /** Another program holds it. */
  | "busy"
  /** It was there and is gone: unplugged, asleep. */
  | "unplugged"
  | "failed";

export type DeviceKind = "camera" | "microphone";

/** A device as we remember it. Browsers may hand out new ids after a permission is reset; the label stays. */
export interface RememberedDevice {
  readonly id: string;
  readonly label: string;
}

/** Devices of each use, as chosen by the teacher; absent: never chosen. */
export interface DeviceChoice {
  camera?: RememberedDevice;
  second_camera?: RememberedDevice;
  microphone?: RememberedDevice;
}
export type DeviceUse = keyof DeviceChoice;

const STORAGE_KEY = "nhipcau.devices";

/** Opening failed for a reason we can name. */
export class DeviceError extends Error {
  readonly problem: DeviceProblem;

  constructor(problem: DeviceProblem) {
    super(`device: ${problem}`);
    this.problem = problem;
  }
}

/** Names what `getUserMedia` or `getDisplayMedia` threw (Media Capture and Streams, section 10.2). */
export function classify(error: unknown): DeviceProblem {
  if (error instanceof DeviceError) return error.problem;
  const name = error instanceof Error ? error.name : "";
  const message = error instanceof Error ? error.message : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      // Chrome says so in words only: "Permission denied by system".
      return /system/i.test(message) ? "denied_by_system" : "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}

/** What keeps this page from any camera at all, or `null`. */
export function cameraObstacle(): DeviceProblem | null {
  if (!window.isSecureContext) return "insecure";
  return navigator.mediaDevices === undefined ? "unsupported" : null;
}

/** Whether this browser can share its screen; phones cannot. */
export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/**
 * The available device that is meant by a remembered one: same id, else same label.
 *
 * `undefined` when it is not there; the caller then lets the browser choose.
 */
export function findRemembered<D extends { deviceId: string; label: string }>(
  remembered: RememberedDevice | undefined,
  available: readonly D[],
): D | undefined {
  if (remembered === undefined) return undefined;
  return (
    available.find(({ deviceId }) => deviceId === remembered.id) ??
    available.find(({ label }) => label !== "" && label === remembered.label)
  );
}

/** A camera for a second picture: the remembered one, else any that is not the first. */
export function pickSecondCamera<D extends { deviceId: string; label: string }>(
  remembered: RememberedDevice | undefined,
  available: readonly D[],
  firstCameraId: string | undefined,
): D | undefined {
  const others = available.filter(({ deviceId }) => deviceId !== firstCameraId);
  return findRemembered(remembered, others) ?? others[0];
}

export function rememberedDevices(): DeviceChoice {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
    if (typeof value !== "object" || value === null) return {};
    const choice: DeviceChoice = {};
    for (const use of ["camera", "second_camera", "microphone"] as const) {
      const device: unknown = (value as Record<string, unknown>)[use];
      if (typeof device !== "object" || device === null) continue;
      const { id, label } = device as Record<string, unknown>;
      if (typeof id === "string" && typeof label === "string") choice[use] = { id, label };
    }
    return choice;
  } catch {
    return {};
  }
}

export function rememberDevice(use: DeviceUse, device: RememberedDevice): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...rememberedDevices(), [use]: device }));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** What is plugged in. Labels are empty until the first permission. */
export async function listDevices(): Promise<{ cameras: MediaDeviceInfo[]; microphones: MediaDeviceInfo[] }> {
  if (cameraObstacle() !== null) return { cameras: [], microphones: [] };
  const devices = await navigator.mediaDevices.enumerateDevices();
  return {
    cameras: devices.filter(({ kind }) => kind === "videoinput"),
    // Chrome repeats the chosen device as "default" and "communications"; a teacher needs it once.
    microphones: devices.filter(
      ({ kind, deviceId }) =>
        kind === "audioinput" && deviceId !== "default" && deviceId !== "communications",
    ),
  };
}

/** Whether the browser will open the device without asking; `false` also when it cannot say. */
export async function alreadyAllowed(kind: DeviceKind): Promise<boolean> {
  try {
    const status = await navigator.permissions.query({ name: kind as PermissionName });
    return status.state === "granted";
  } catch {
    return false;
  }
}

/**
 * Asks for camera and microphone in one question, where the browser has not been asked before.
 *
 * The answer is not looked at: opening each device afterwards tells more exactly what is wrong.
 */
export async function askOnce(): Promise<void> {
  if (cameraObstacle() !== null || (await alreadyAllowed("microphone"))) return;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks()) track.stop();
  } catch {
    // Said no, or one of the two is missing.
  }
}

/**
 * Opens a camera, by id when one is given.
 *
 * @throws DeviceError with the reason.
 */
export async function openCamera(deviceId: string | undefined): Promise<MediaStreamTrack> {
  const track = await open({
    video: {
      ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
    },
  });
  track.contentHint = "motion";
  return track;
}

/**
 * Opens the camera of a room that speaks: a small picture is all that is sent, and a phone uses the side asked for.
 *
 * @throws DeviceError with the reason.
 */
export async function openRoomCamera(facing: "user" | "environment"): Promise<MediaStreamTrack> {
  const track = await open({
    video: {
      facingMode: { ideal: facing },
      width: { ideal: 640 },
      height: { ideal: 360 },
      frameRate: { ideal: 15, max: 20 },
    },
  });
  track.contentHint = "motion";
  return track;
}

/**
 * Opens a microphone tuned for one voice in a classroom.
 *
 * @throws DeviceError with the reason.
 */
export async function openMicrophone(deviceId: string | undefined): Promise<MediaStreamTrack> {
  const track = await open({
    audio: {
      ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
      // Speakers of the host's room will carry classes called to speak: without this they hear themselves.
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      channelCount: { ideal: 1 },
    },
  });
  track.contentHint = "speech";
  return track;
}

async function open(constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
  const obstacle = cameraObstacle();
  if (obstacle !== null) throw new DeviceError(obstacle);
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (track === undefined) throw new DeviceError("missing");
    return track;
  } catch (error) {
    throw new DeviceError(classify(error));
  }
}

/** A shared screen, window or tab; `sound` is `null` when it has none or the teacher left it out. */
export interface SharedScreen {
  readonly picture: MediaStreamTrack;
  readonly sound: MediaStreamTrack | null;
}

/** Not in TypeScript's DOM library yet (Screen Capture, W3C). */
interface ScreenOptions extends DisplayMediaStreamOptions {
  systemAudio?: "include" | "exclude";
  surfaceSwitching?: "include" | "exclude";
  selfBrowserSurface?: "include" | "exclude";
}

/**
 * Asks the teacher what to share; `null` when she changed her mind.
 *
 * @throws DeviceError with the reason.
 */
export async function shareScreen(): Promise<SharedScreen | null> {
  if (!window.isSecureContext) throw new DeviceError("insecure");
  if (!canShareScreen()) throw new DeviceError("unsupported");
  const options: ScreenOptions = {
    video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 10, max: 15 } },
    // A film in the slides has its own sound: no echo cancelling, no "noise" taken out of music.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    systemAudio: "include",
    surfaceSwitching: "include",
    // Sharing this very page shows an endless tunnel of itself.
    selfBrowserSurface: "exclude",
  };
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia(options);
    const picture = stream.getVideoTracks()[0];
    if (picture === undefined) throw new DeviceError("failed");
    picture.contentHint = "detail";
    const sound = stream.getAudioTracks()[0] ?? null;
    if (sound !== null) sound.contentHint = "music";
    return { picture, sound };
  } catch (error) {
    const problem = classify(error);
    // Closing the browser's picker reads as a refusal; it is an answer, not a fault.
    if (problem === "denied") return null;
    throw new DeviceError(problem);
  }
}
