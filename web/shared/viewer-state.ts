/**
 * What a watching page knows and what it therefore shows; pure, so that every sentence on a classroom's screen can be tested
 * without one. `reduceViewer` folds events into facts, `lessonView` turns facts into the one thing to show.
 */
import { isLessonMessage } from "./lesson-protocol.ts";
import {
  type Lesson,
  type PathName,
  type Place,
  type Problem,
  type ServerMessage,
  type Slots,
  VIDEO_SLOTS,
  type VideoSlot,
} from "./protocol.ts";
import { NO_ROOM, type RoomFacts, reduceRoom, slotsForRoom } from "./room-facts.ts";
import type { RefusalReason, SignalStatus } from "./signal-client.ts";
import type { LinkFacts, StillFacts } from "./weak-link.ts";
import type { WhepState } from "./whep-client.ts";

/** `blocked`: the browser wants a key or click before it plays sound. */
export type Sound = "none" | "playing" | "blocked" | "muted";

export interface PictureFacts {
  /** A frame of it has been shown since the lesson opened. */
  readonly seen: boolean;
  /** Time of the last frame when it stands still. */
  readonly frozenSince: number | null;
}

export interface ViewerFacts {
  readonly signal: SignalStatus;
  /** Since when the relay cannot be reached (from the start of the page at first); `null` while it can. */
  readonly offlineSince: number | null;
  /** Whether this page has ever been welcomed: only then does `lesson: null` mean that there is none. */
  readonly welcomed: boolean;
  readonly lesson: Lesson | null;
  readonly place: Place | null;
  /** Everything that is published. */
  readonly published: Slots;
  /** What of it comes to this page: a class that speaks gets neither its own picture nor its own voice. */
  readonly slots: Slots;
  /** What is known of the lesson's rooms. */
  readonly rooms: RoomFacts;
  readonly media: WhepState;
  /** What the lesson comes by; `null` while nothing comes. */
  readonly path: PathName | null;
  /** The link carries no picture at all: the relay sends sound alone. */
  readonly soundOnly: boolean;
  /** Since when no media packet has arrived although something is published. */
  readonly silentSince: number | null;
  /** Media packets arrived within the last second or so. */
  readonly hearing: boolean;
  /** The relay has answered a liveness check after that silence began: the silence is not ours. */
  readonly pathProven: boolean;
  readonly pictures: { readonly [S in VideoSlot]?: PictureFacts };
  readonly sound: Sound;
  /** Where the link stands on the relay's ladder; `null` while the relay has not said. */
  readonly link: LinkFacts | null;
  /** The newest still of the slides. */
  readonly still: StillFacts | null;
  /** Add to the local clock to get the relay's. */
  readonly clockOffsetMs: number;
}

export type ViewerEvent =
  | { type: "signal"; status: SignalStatus; at: number }
  | { type: "message"; message: ServerMessage; at: number }
  | { type: "media"; state: WhepState }
  | { type: "flow"; silentMs: number; uncheckedMs: number | null; at: number }
  | { type: "picture"; slot: VideoSlot; picture: PictureFacts }
  | { type: "sound"; sound: Sound }
  | { type: "path"; path: PathName | null }
  | { type: "sound_only"; soundOnly: boolean };

export function initialFacts(now: number): ViewerFacts {
  return {
    signal: { kind: "stopped" },
    offlineSince: now,
    welcomed: false,
    lesson: null,
    place: null,
    published: {},
    slots: {},
    rooms: NO_ROOM,
    media: { kind: "stopped" },
    path: null,
    soundOnly: false,
    silentSince: null,
    hearing: false,
    pathProven: false,
    pictures: {},
    sound: "none",
    link: null,
    still: null,
    clockOffsetMs: 0,
  };
}

/** Silence shorter than this is jitter; no words yet. */
const SILENT_MS = 2000;
/** Flow is read once a second, so one empty reading is already telling. */
const HEARING_MS = 500;
/** A check answered this recently proves the path; Chromium checks every 2.5 s. */
const PROVEN_MS = 3500;

export function reduceViewer(facts: ViewerFacts, event: ViewerEvent): ViewerFacts {
  switch (event.type) {
    case "signal":
      return {
        ...facts,
        signal: event.status,
        offlineSince: event.status.kind === "open" ? null : (facts.offlineSince ?? event.at),
      };
    case "message":
      return reduceMessage(facts, event.message, event.at);
    case "media":
      return event.state.kind === "stopped"
        ? { ...facts, media: event.state, silentSince: null, pathProven: false, pictures: {}, link: null }
        : { ...facts, media: event.state };
    case "flow": {
      const silent = event.silentMs >= SILENT_MS;
      const silentSince = silent ? event.at - event.silentMs : null;
      const checkedAfter = event.uncheckedMs !== null && event.uncheckedMs < event.silentMs - 1000;
      const proven = silent && checkedAfter && (event.uncheckedMs ?? 0) < PROVEN_MS;
      const hearing = event.silentMs < HEARING_MS;
      const same =
        silentSince === facts.silentSince && proven === facts.pathProven && hearing === facts.hearing;
      return same ? facts : { ...facts, silentSince, pathProven: proven, hearing };
    }
    case "picture":
      return { ...facts, pictures: { ...facts.pictures, [event.slot]: event.picture } };
    case "sound":
      return { ...facts, sound: event.sound };
    case "path":
      return facts.path === event.path ? facts : { ...facts, path: event.path };
    case "sound_only":
      return facts.soundOnly === event.soundOnly ? facts : { ...facts, soundOnly: event.soundOnly };
    default:
      return impossible(event);
  }
}

/**
 * The lesson that was on when the line was lost, if the relay knows of none when it is back. On a line that holds the relay says
 * "ended" first; a room that is sent out there is told of no lesson and must not read that it is over.
 */
function endedMeanwhile(before: Lesson | null): Lesson | null {
  return before !== null && before.state === "live" ? { ...before, state: "ended" } : null;
}

function reduceMessage(facts: ViewerFacts, message: ServerMessage, at: number): ViewerFacts {
  if (isLessonMessage(message)) {
    const rooms = reduceRoom(facts.rooms, message);
    return rooms === facts.rooms ? facts : withSlots({ ...facts, rooms });
  }
  switch (message.type) {
    case "welcome":
      return {
        ...facts,
        // The relay tells all of it again.
        rooms: message.lesson?.id === facts.lesson?.id ? facts.rooms : NO_ROOM,
        still: message.lesson?.id === facts.lesson?.id ? facts.still : null,
        welcomed: true,
        lesson: message.lesson ?? endedMeanwhile(facts.lesson),
        place: message.place,
        clockOffsetMs: message.server_time - at,
      };
    case "lesson": {
      const same = message.lesson !== null && message.lesson.id === facts.lesson?.id;
      if (same) return { ...facts, lesson: message.lesson };
      return withSlots({ ...facts, lesson: message.lesson, pictures: {}, rooms: NO_ROOM, still: null });
    }
    case "media":
      return withSlots({ ...facts, published: message.slots });
    case "link": {
      const { type: _, ...link } = message;
      return { ...facts, link };
    }
    case "still":
      return { ...facts, still: message.still };
    case "roster":
    case "codec":
    case "uplink":
    case "closing":
    case "error":
    case "pong":
      return facts;
    default:
      return impossible(message);
  }
}

function withSlots(facts: ViewerFacts): ViewerFacts {
  const { published, rooms, place } = facts;
  return { ...facts, slots: place === null ? published : slotsForRoom(published, rooms.floor, place.id) };
}

export type Trouble =
  /** We hear nothing and the way to the relay is broken. */
  | { kind: "lost"; since: number }
  /** Pictures stand, the reason is not known (yet). `partial`: others go on; `hearing`: so does the sound. */
  | { kind: "frozen"; since: number; slots: readonly VideoSlot[]; partial: boolean; hearing: boolean }
  /** The way to the relay is good; the teacher's side sends nothing. */
  | { kind: "teacher_away"; since: number | null }
  /** The link carries no picture; sound goes on, and the picture comes back by itself. */
  | { kind: "sound_only"; since: null };

/** The one thing to show. */
export type LessonView =
  | { kind: "refused"; reason: RefusalReason; problem: Problem | null }
  | { kind: "connecting"; since: number }
  | { kind: "idle"; next: Lesson | null; offlineSince: number | null }
  /** Open, but nothing to see or hear has come yet. */
  | {
      kind: "waiting";
      lesson: Lesson;
      rehearsal: boolean;
      trouble: Extract<Trouble, { kind: "lost" }> | null;
    }
  | { kind: "watching"; lesson: Lesson; rehearsal: boolean; trouble: Trouble | null }
  | { kind: "ended"; lesson: Lesson }
  /** The relay speaks, but this browser cannot play what it sends. */
  | { kind: "unplayable"; problem: Problem | null };

/** Whether media should be asked for now. */
export function wantsMedia(facts: ViewerFacts): boolean {
  return facts.lesson !== null && (facts.lesson.state === "live" || facts.lesson.state === "test_run");
}

export function lessonView(facts: ViewerFacts): LessonView {
  if (facts.signal.kind === "refused") {
    return { kind: "refused", reason: facts.signal.reason, problem: facts.signal.problem };
  }
  if (!facts.welcomed) return { kind: "connecting", since: facts.offlineSince ?? 0 };
  const { lesson } = facts;
  if (lesson === null || lesson.state === "scheduled") {
    return { kind: "idle", next: lesson, offlineSince: facts.offlineSince };
  }
  if (lesson.state === "ended") return { kind: "ended", lesson };
  if (facts.media.kind === "refused") {
    return { kind: "unplayable", problem: facts.media.problem };
  }
  const rehearsal = lesson.state === "test_run";
  const trouble = troubleOf(facts);
  const begun = facts.sound !== "none" || VIDEO_SLOTS.some((slot) => facts.pictures[slot]?.seen === true);
  if (begun) return { kind: "watching", lesson, rehearsal, trouble };
  // A teacher who has not come yet is not a teacher who was lost.
  return { kind: "waiting", lesson, rehearsal, trouble: trouble?.kind === "lost" ? trouble : null };
}

function troubleOf(facts: ViewerFacts): Trouble | null {
  const published = Object.keys(facts.slots).length > 0;
  const { media, silentSince } = facts;
  const frozen = frozenPictures(facts);
  const since = silentSince ?? frozen.since;
  const partial = frozen.partial && silentSince === null;
  const pathBroken = facts.signal.kind !== "open" || media.kind !== "connected";
  if (pathBroken && since !== null && !partial) return { kind: "lost", since };
  if (pathBroken && facts.offlineSince !== null && media.kind !== "connected") {
    return { kind: "lost", since: facts.offlineSince };
  }
  if (!published) return { kind: "teacher_away", since: null };
  if (silentSince !== null && facts.pathProven) return { kind: "teacher_away", since: silentSince };
  if (facts.soundOnly && silentSince === null) return { kind: "sound_only", since: null };
  if (since === null) return null;
  const { slots } = frozen;
  const hearing = silentSince === null && facts.hearing;
  return { kind: "frozen", since, slots, partial: partial && hearing, hearing };
}

/** Which shown pictures stand, since when the oldest, and whether others still move. */
function frozenPictures(facts: ViewerFacts): { slots: VideoSlot[]; since: number | null; partial: boolean } {
  const seen = VIDEO_SLOTS.filter(
    (slot) =>
      facts.slots[slot] !== undefined && facts.pictures[slot]?.seen === true && !isWithheld(facts, slot),
  );
  const slots = seen.filter((slot) => facts.pictures[slot]?.frozenSince !== null);
  const times = slots.map((slot) => facts.pictures[slot]?.frozenSince ?? 0);
  return {
    slots,
    since: times.length === 0 ? null : Math.min(...times),
    partial: slots.length > 0 && slots.length < seen.length,
  };
}

/** A picture that stands because the link has no room for it. */
export function isWithheld(facts: ViewerFacts, slot: VideoSlot): boolean {
  return facts.link !== null && facts.link.withheld.indexOf(slot) >= 0;
}

/** Whether slides should be shown as still images now: they do not come moving, or have not come yet. */
export function wantsStill(facts: ViewerFacts): boolean {
  if (facts.still === null || !wantsMedia(facts)) return false;
  if (facts.link?.stills === true || isWithheld(facts, "slides_video")) return true;
  return facts.pictures.slides_video?.seen !== true;
}

/** Time since the lesson went live, by the relay's clock; `null` before. */
export function lessonClockMs(lesson: Lesson, facts: ViewerFacts, now: number): number | null {
  if (lesson.started_at === null) return null;
  return Math.max(0, (lesson.ended_at ?? now + facts.clockOffsetMs) - lesson.started_at);
}

export function impossible(value: never): never {
  throw new Error(`unhandled case ${JSON.stringify(value)}`);
}
