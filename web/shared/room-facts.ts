/**
 * What everybody in a lesson knows of its rooms: who speaks, what is asked, which works are shown; and what a room
 * knows of itself. Pure.
 */
import type { LessonServerMessage, Pinned, ShownQuestion, Turn } from "./lesson-protocol.ts";
import type { Slots } from "./protocol.ts";

export type RoomNews = Omit<Extract<LessonServerMessage, { type: "room" }>, "type">;
export type FloorNews = Omit<Extract<LessonServerMessage, { type: "floor" }>, "type">;
export interface ShownWork {
  readonly no: number;
  readonly name: string | null;
}

export interface RoomFacts {
  /** `null` for pages that are no room's, and until the relay has said. */
  readonly room: RoomNews | null;
  readonly floor: FloorNews;
  /** The open question, or one whose results are shown. */
  readonly question: ShownQuestion | null;
  /** Works on the screens. */
  readonly exhibit: readonly ShownWork[];
}

export const NO_ROOM: RoomFacts = {
  room: null,
  floor: { turns: [], word: null, pinned: null },
  question: null,
  exhibit: [],
};

/** Messages that are about something else leave the facts as they are. */
export function reduceRoom(facts: RoomFacts, message: { type: string }): RoomFacts {
  // The discriminant is checked by each case; other message types fall through.
  const news = message as LessonServerMessage;
  switch (news.type) {
    case "room": {
      const { type: _, ...room } = news;
      return { ...facts, room };
    }
    case "floor": {
      const { type: _, ...floor } = news;
      return { ...facts, floor };
    }
    case "question":
      return { ...facts, question: news.question };
    case "exhibit":
      return { ...facts, exhibit: news.works };
    default:
      return facts;
  }
}

/** The room everybody hears now. */
export function speaker(floor: FloorNews): (Turn & { name: string }) | null {
  const turn = floor.turns.filter(({ place }) => place === floor.word)[0];
  return turn !== undefined && turn.phase === "on_air" ? turn : null;
}

/** The room whose picture is in `extra_video`, or `null`: then that slot is the host's second camera. */
export function pictured(floor: FloorNews): { place: string; name: string; why: "speaks" | "pinned" } | null {
  const turn = speaker(floor);
  if (turn !== null && !turn.audio_only) return { place: turn.place, name: turn.name, why: "speaks" };
  const { pinned } = floor;
  if (pinned === null || pinned.phase !== "open") return null;
  return { place: pinned.place, name: pinned.name, why: "pinned" };
}

/**
 * What of the published slots comes to a room's screen (`PROTOCOL.md`, "Speaking"): a class never gets its own picture and
 * voice back, and pupils' cameras are for observers only.
 */
export function slotsForRoom(slots: Slots, floor: FloorNews, place: string): Slots {
  const turn = speaker(floor);
  const seen = pictured(floor);
  const ownVoice = turn !== null && turn.place === place && !turn.muted;
  const kept = seen !== null && (seen.place === place || seen.why === "pinned");
  if (!ownVoice && !kept) return slots;
  const rest = { ...slots };
  if (ownVoice) delete rest.extra_audio;
  if (kept) delete rest.extra_video;
  return rest;
}

/** Whether the question still takes answers. */
export function isOpen(question: ShownQuestion | null): question is ShownQuestion & { closed_at: null } {
  return question !== null && question.closed_at === null;
}

/** `A`, `B` … for option 0, 1 … */
export function optionLetter(option: number): string {
  return String.fromCharCode(65 + option);
}

/** Whether the room was asked for its pupils' camera and nobody has answered. */
export function isCameraAsked(room: RoomNews | null): boolean {
  const pinned: Pinned | null = room === null ? null : room.pinned;
  return pinned !== null && pinned.phase === "asked";
}
