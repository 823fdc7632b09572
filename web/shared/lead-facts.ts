/** What host and organiser know of a lesson's rooms: board, hands, answers, messages, works. Pure. */
import type {
  AskedQuestion,
  Hand,
  LessonServerMessage,
  PrivateMessage,
  RoomAnswer,
  ShownQuestion,
  Tally,
  Tile,
  Work,
} from "./lesson-protocol.ts";
import { isOpen, NO_ROOM, type RoomFacts, reduceRoom } from "./room-facts.ts";

export type Charge = Omit<Extract<LessonServerMessage, { type: "charge" }>, "type">;

/** A question with what the rooms answered so far. */
export interface LiveQuestion extends ShownQuestion {
  readonly tally: Tally;
  readonly answers: ReadonlyMap<string, RoomAnswer>;
  readonly shown: boolean;
}

export interface LeadFacts {
  readonly rooms: RoomFacts;
  /** By place; `null` until the relay has said. */
  readonly tiles: ReadonlyMap<string, Tile> | null;
  readonly observers: number;
  readonly observerNames: readonly (string | null)[];
  readonly hands: readonly Hand[];
  /** The newest question: open, closed or shown; `null`: none was asked. */
  readonly question: LiveQuestion | null;
  readonly messages: readonly PrivateMessage[];
  readonly works: readonly Work[];
  readonly charge: Charge | null;
}

export const NO_LEAD: LeadFacts = {
  rooms: NO_ROOM,
  tiles: null,
  observers: 0,
  observerNames: [],
  hands: [],
  question: null,
  messages: [],
  works: [],
  charge: null,
};

/** Messages that are about something else leave the facts as they are. */
export function reduceLead(facts: LeadFacts, message: { type: string }): LeadFacts {
  const rooms = reduceRoom(facts.rooms, message);
  const followed = rooms === facts.rooms ? facts : { ...facts, rooms };
  const news = message as LessonServerMessage;
  switch (news.type) {
    case "board": {
      const tiles = new Map(news.full ? [] : (facts.tiles ?? []));
      for (const tile of news.tiles) tiles.set(tile.id, tile);
      return { ...followed, tiles, observers: news.observers };
    }
    case "hands":
      return { ...followed, hands: news.hands };
    case "question":
      return { ...followed, question: questionAfter(facts.question, news.question) };
    case "tally":
      return { ...followed, question: tallied(facts.question, news) };
    case "message": {
      const { type: _, ...sent } = news;
      return { ...followed, messages: [...facts.messages.filter(({ no }) => no !== sent.no), sent] };
    }
    case "messages":
      return { ...followed, messages: news.messages };
    case "works":
      return { ...followed, works: news.works };
    case "charge": {
      const { type: _, ...charge } = news;
      return { ...followed, charge };
    }
    case "observers":
      return { ...followed, observerNames: news.names, observers: news.names.length };
    default:
      return followed;
  }
}

/** What a lead fetches when her page opens after a question was closed: the relay tells its counts but not its words. */
export function withAsked(facts: LeadFacts, asked: AskedQuestion): LeadFacts {
  const { question } = facts;
  if (question !== null && question.no >= asked.no) return facts;
  const { tally, answers, ...words } = asked;
  const shown: ShownQuestion = { ...words, results: null };
  const byRoom = new Map(answers.map((answer) => [answer.place, answer]));
  return { ...facts, question: { ...shown, tally, answers: byRoom, shown: false } };
}

const NOTHING: Tally = { rooms: 0, late: 0, totals: [] };

function questionAfter(before: LiveQuestion | null, news: ShownQuestion | null): LiveQuestion | null {
  // Closed and not shown: rooms have nothing to do, the teacher still looks at the answers.
  if (news === null) {
    return before === null ? null : { ...before, closed_at: before.closed_at ?? Date.now(), shown: false };
  }
  const same = before !== null && before.no === news.no;
  return {
    ...news,
    tally: same ? before.tally : (news.results ?? { ...NOTHING, totals: new Array(news.options).fill(0) }),
    answers: same ? before.answers : new Map(),
    shown: !isOpen(news) && news.results !== null,
  };
}

function tallied(
  before: LiveQuestion | null,
  news: Extract<LessonServerMessage, { type: "tally" }>,
): LiveQuestion | null {
  if (before === null || before.no !== news.question) return before;
  const answers = new Map(news.full ? [] : before.answers);
  for (const answer of news.answers) answers.set(answer.place, answer);
  const { rooms, late, totals } = news;
  return { ...before, tally: { rooms, late, totals }, answers };
}

/** A room's name as the board has it. */
export function roomName(facts: LeadFacts, place: string): string {
  const tile = facts.tiles?.get(place);
  return tile === undefined ? "…" : tileName(tile);
}

/** "THCS Mèo Vạc · Lớp 9A": a room by its school, unless its own name says so already. */
export function tileName(tile: Pick<Tile, "name" | "units">): string {
  const school = tile.units[tile.units.length - 1];
  return school === undefined || tile.name.includes(school) ? tile.name : `${school} · ${tile.name}`;
}
