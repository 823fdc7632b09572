/** The one thing the helper is asked to do now, and what the big button means. Pure. */
import type { HelpKind, ShownQuestion, Turn } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { isCameraAsked, isOpen, type RoomFacts } from "../shared/room-facts.ts";

/** The room's own answer to a question, as the relay has it. */
export type OwnAnswer = NonNullable<NonNullable<RoomFacts["room"]>["answer"]>;

export type Task =
  | { kind: "called" }
  | { kind: "speaking"; turn: Turn; word: boolean; other: boolean }
  | { kind: "camera_asked" }
  | { kind: "question"; question: ShownQuestion; answer: OwnAnswer | null }
  | { kind: "results"; question: ShownQuestion; answer: OwnAnswer | null }
  /** Closed a moment ago; stays until the next thing happens. */
  | { kind: "closed"; answered: boolean }
  | { kind: "camera_open" }
  | { kind: "idle" };

/**
 * @param lastOpen number of the last question this phone saw open and its answer, so that a helper who types when the question
 *   is closed learns what happened; `null` when there was none or another thing came since
 */
export function taskOf(
  facts: RoomFacts,
  lesson: Lesson | null,
  lastOpen: { question: number; answered: boolean } | null,
): Task {
  const { room, question, floor } = facts;
  if (!isOnAir(lesson) || room === null) return { kind: "idle" };
  const { turn } = room;
  if (turn !== null && turn.phase === "called") return { kind: "called" };
  if (turn !== null) {
    const other = floor.turns.some(({ place, phase }) => place !== room.place && phase !== "called");
    return { kind: "speaking", turn, word: room.word, other };
  }
  if (isCameraAsked(room)) return { kind: "camera_asked" };
  const answer = room.answer !== null && room.answer.question === question?.no ? room.answer : null;
  if (isOpen(question)) return { kind: "question", question, answer };
  if (question !== null && question.results !== null) return { kind: "results", question, answer };
  if (lastOpen !== null) return { kind: "closed", answered: lastOpen.answered };
  if (room.pinned !== null && room.pinned.phase === "open") return { kind: "camera_open" };
  return { kind: "idle" };
}

export function isOnAir(lesson: Lesson | null): lesson is Lesson {
  return lesson !== null && (lesson.state === "live" || lesson.state === "test_run");
}

/** Whether the class may do things in this lesson at all. */
export function takesPart(lesson: Lesson | null): lesson is Lesson {
  return lesson !== null && lesson.state !== "ended";
}

/** Since when the room called for help, or `null`. A wish that has not arrived yet counts as it was pressed. */
export function helpSince(
  facts: RoomFacts,
  kind: HelpKind,
  wishes: ReadonlyMap<HelpKind, boolean>,
  now: number,
): number | null {
  const known = facts.room?.help.find((call) => call.kind === kind)?.since ?? null;
  const wish = wishes.get(kind);
  if (wish === undefined) return known;
  return wish ? (known ?? now) : null;
}

/** Counts of pupils as they were typed: whole numbers from 0 to 999. */
export function parseCount(text: string): number {
  const digits = text.replace(/\D/g, "").slice(0, 3);
  return digits === "" ? 0 : Number(digits);
}
