/** What the teacher does next while she teaches: one painted button at a time. Pure. */
import type { LeadFacts } from "../shared/lead-facts.ts";
import type { HelpKind, Tile } from "../shared/lesson-protocol.ts";
import { isOpen, speaker } from "../shared/room-facts.ts";

export type LiveTab = "class" | "question" | "works" | "messages";

export type LivePrimary =
  /** A class has the word: it ends in one press. */
  | "stop_speaking"
  | "close_question"
  /** The first raised hand. */
  | "call"
  /** Works are chosen and not shown yet. */
  | "show_works"
  | "none";

/** @param chosen works chosen in the list and not on the screens */
export function livePrimary(facts: LeadFacts, tab: LiveTab, chosen: number): LivePrimary {
  if (speaker(facts.rooms.floor) !== null) return "stop_speaking";
  if (isOpen(facts.question)) return "close_question";
  if (tab === "works" && chosen > 0) return "show_works";
  if (facts.hands.length > 0 && facts.rooms.floor.turns.length === 0) return "call";
  return "none";
}

/** Rooms may be called two at a time. */
export const SPEAKERS_MAX = 2;

export function mayCall(facts: LeadFacts): boolean {
  return facts.rooms.floor.turns.length < SPEAKERS_MAX;
}

export interface HelpLine {
  readonly tile: Tile;
  readonly kind: HelpKind;
  readonly since: number;
}

/** Calls for help, whoever waits longest first. */
export function helpLines(tiles: Iterable<Tile>): readonly HelpLine[] {
  const lines: HelpLine[] = [];
  for (const tile of tiles) {
    if (tile.removed) continue;
    for (const { kind, since } of tile.help) lines.push({ tile, kind, since });
  }
  return lines.sort((a, b) => a.since - b.since);
}

/** Whether another host link holds the lesson. */
export function isInCharge(facts: LeadFacts): boolean {
  const { charge } = facts;
  return charge === null || charge.in_charge === null || charge.in_charge === charge.own;
}
