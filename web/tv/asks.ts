/**
 * What the room is asked on its screen, as one question with a row of answers that arrows and OK reach. Pure. A helper's phone
 * asks the same; whoever answers first has answered for the room.
 */
import type { ShownQuestion, Turn } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { isCameraAsked, isOpen, type RoomFacts } from "../shared/room-facts.ts";
import type { CheckState } from "./check-state.ts";

export type Ask =
  /** The host calls the room. `able`: this screen may have a camera and microphone. */
  | { kind: "called"; able: boolean; helpers: number }
  | { kind: "camera_asked"; able: boolean }
  /** The test sound was played. */
  | { kind: "sound"; playing: boolean; asked: boolean }
  | { kind: "speaking"; turn: Turn; word: boolean; other: boolean }
  | { kind: "question"; question: ShownQuestion; chosen: number | null };

export type Answer =
  | { kind: "accept"; audioOnly: boolean }
  | { kind: "stop" }
  | { kind: "picture"; on: boolean }
  | { kind: "pass" }
  | { kind: "camera"; on: boolean }
  | { kind: "option"; question: number; option: number }
  | { kind: "play_sound" }
  | { kind: "heard"; heard: boolean };

export interface AskFacts {
  readonly rooms: RoomFacts;
  readonly lesson: Lesson | null;
  readonly check: CheckState;
  /** This browser could open a camera and microphone. */
  readonly able: boolean;
}

/** The most urgent question; `null`: nothing is asked. */
export function askOf({ rooms, lesson, check, able }: AskFacts): Ask | null {
  const { room, floor, question } = rooms;
  const onAir = lesson !== null && (lesson.state === "live" || lesson.state === "test_run");
  if (onAir && room !== null) {
    const { turn } = room;
    if (turn !== null && turn.phase === "called") return { kind: "called", able, helpers: room.helpers };
    if (turn !== null) {
      const other = floor.turns.some(({ place, phase }) => place !== room.place && phase !== "called");
      return { kind: "speaking", turn, word: room.word, other };
    }
    if (isCameraAsked(room)) return { kind: "camera_asked", able };
    if (isOpen(question)) {
      const answer = room.answer !== null && room.answer.question === question.no ? room.answer.value : null;
      const chosen = answer !== null && "option" in answer ? answer.option : null;
      return { kind: "question", question, chosen };
    }
  }
  if (check.kind === "done" && check.sound !== "answered") {
    return { kind: "sound", playing: check.sound === "playing", asked: check.sound === "asked" };
  }
  return null;
}

/** The answers from left to right, the one that is meant most often first. Empty: only to be read. */
export function answersTo(ask: Ask): readonly Answer[] {
  switch (ask.kind) {
    case "called":
      return ask.able
        ? [{ kind: "accept", audioOnly: false }, { kind: "accept", audioOnly: true }, { kind: "stop" }]
        : [{ kind: "stop" }];
    case "camera_asked":
      return ask.able
        ? [
            { kind: "camera", on: true },
            { kind: "camera", on: false },
          ]
        : [{ kind: "camera", on: false }];
    case "sound":
      if (ask.playing) return [];
      if (!ask.asked) return [{ kind: "play_sound" }];
      return [{ kind: "heard", heard: true }, { kind: "heard", heard: false }, { kind: "play_sound" }];
    case "speaking": {
      const answers: Answer[] = [{ kind: "stop" }];
      if (ask.turn.device === "tv") answers.push({ kind: "picture", on: ask.turn.audio_only });
      if (ask.word && ask.other) answers.push({ kind: "pass" });
      return answers;
    }
    case "question": {
      const { question } = ask;
      // Counting hands and writing belong on the phone; a remote control has neither digits nor letters.
      if (question.kind === "text" || question.mode === "counts") return [];
      const answers: Answer[] = [];
      for (let option = 0; option < question.options; option += 1) {
        answers.push({ kind: "option", question: question.no, option });
      }
      return answers;
    }
    default:
      return ask satisfies never;
  }
}

/** Names a question for as long as its answers mean the same: another one starts with its first answer. */
export function askKey(ask: Ask | null): string {
  if (ask === null) return "";
  return ask.kind === "question" ? `question ${ask.question.no}` : ask.kind;
}

/** The answer of the Back key; `null`: Back means nothing here. */
export function backAnswer(ask: Ask): Answer | null {
  switch (ask.kind) {
    case "called":
      return { kind: "stop" };
    case "camera_asked":
      return { kind: "camera", on: false };
    case "sound":
    case "speaking":
    case "question":
      return null;
    default:
      return ask satisfies never;
  }
}
