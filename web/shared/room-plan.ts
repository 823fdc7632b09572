/** What a room's camera and microphone do now, decided from what the relay says of the room. Pure. */
import type { SpeakingDevice } from "./lesson-protocol.ts";
import type { RoomNews } from "./room-facts.ts";
import type { UplinkSample } from "./whip-stats.ts";

export interface RoomPlan {
  /** Camera and microphone are open here, for the class itself to see. */
  readonly open: boolean;
  /** A media connection stands. With neither voice nor picture it only waits, so that a call costs no time. */
  readonly connect: boolean;
  readonly voice: boolean;
  readonly picture: boolean;
}

export interface PlanFacts {
  readonly room: RoomNews | null;
  readonly device: SpeakingDevice;
  /** A person said that this device may be the room's camera and microphone. */
  readonly willing: boolean;
  /** The hand went up here, so this is likely the device that will speak. Nothing is opened for that, only connected. */
  readonly expecting: boolean;
  /** A person here agreed that observers see the pupils through this device. */
  readonly showing: boolean;
}

const NOTHING: RoomPlan = { open: false, connect: false, voice: false, picture: false };

export function roomPlan({ room, device, willing, expecting, showing }: PlanFacts): RoomPlan {
  if (room === null) return NOTHING;
  const { turn, pinned, may_connect: connect } = room;
  const shows = pinned !== null && pinned.phase === "open" && showing;
  if (turn !== null && turn.phase !== "called") {
    if (turn.device !== device) return NOTHING;
    return { open: true, connect, voice: true, picture: !turn.audio_only };
  }
  if (shows) return { open: true, connect, voice: false, picture: true };
  const waits = connect && (willing || expecting);
  // The call is answered by a person who sees what others will see.
  if (turn !== null) return { open: willing, connect: waits, voice: false, picture: false };
  if (room.hand !== null) return { ...NOTHING, connect: waits };
  return NOTHING;
}

/** Below this a voice of 40 kbit/s would have to wait behind its own picture. */
const PICTURE_NEEDS_KBPS = 110;
const LOSS_TOO_MUCH = 0.15;
/** Congestion control starts low and climbs; judging sooner would take the picture of everybody. */
const SETTLE_SAMPLES = 8;
const WEAK_SAMPLES = 5;

/** Notices, by one sample a second, that an uplink cannot carry a picture beside the voice. */
export class UplinkWatch {
  private samples = 0;
  private weak = 0;

  restart(): void {
    this.samples = 0;
    this.weak = 0;
  }

  /** `true` once, when it is time to go on without picture. */
  note(sample: Pick<UplinkSample, "availableKbps" | "loss">): boolean {
    this.samples += 1;
    const narrow = sample.availableKbps !== null && sample.availableKbps < PICTURE_NEEDS_KBPS;
    const lossy = sample.loss !== null && sample.loss > LOSS_TOO_MUCH;
    this.weak = narrow || lossy ? this.weak + 1 : 0;
    return this.samples > SETTLE_SAMPLES && this.weak === WEAK_SAMPLES;
  }
}
