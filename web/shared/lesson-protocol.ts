/**
 * What rooms do in a lesson, on the wire: the part "The lesson" of `crates/signalling/PROTOCOL.md`. Messages are joined
 * into the unions of `protocol.ts`; bodies of the HTTP API have their decoders here.
 */
import {
  array,
  boolean,
  DecodeError,
  type Decoder,
  fields,
  nullable,
  number,
  object,
  oneOf,
  optional,
  string,
} from "./decode.ts";

/** How the lesson reaches a screen. */
export type PathName = "webrtc" | "webrtc_udp" | "webrtc_tcp" | "segments" | "hls" | "other";
export type HelpKind = "no_sound" | "frozen" | "help";
export type SpeakingDevice = "tv" | "phone";
export type TurnPhase = "called" | "accepted" | "on_air";
export type QuestionKind = "choice" | "yes_no" | "text";
export type AnswerMode = "room" | "counts";
export type AnswerValue = { option: number } | { counts: number[] } | { text: string };
export type RemoteAction =
  | "test_sound"
  | "unmute"
  | "mute"
  | "volume_up"
  | "volume_down"
  | "reload"
  | "check";

export interface Hand {
  place: string;
  since: number;
}

export interface Turn {
  place: string;
  phase: TurnPhase;
  since: number;
  /** Silenced by a lead. */
  muted: boolean;
  /** Speaks without picture. */
  audio_only: boolean;
  device: SpeakingDevice | null;
}

export interface Pinned {
  place: string;
  phase: "asked" | "open";
}

export interface HelpCall {
  kind: HelpKind;
  since: number;
}

export type RoomState = "good" | "waiting" | "absent" | "weak" | "no_sound" | "frozen" | "gone";
export type RoomCause =
  | "bandwidth"
  | "loss"
  | "delay"
  | "saver"
  | "muted"
  | "silent"
  | "no_frames"
  | "hidden"
  | "no_report"
  | "helper";
export type NextStep =
  | "turn_sound_on"
  | "check_speaker"
  | "change_network"
  | "free_the_line"
  | "show_page"
  | "reload_page"
  | "call_room";

/** A room on the organiser's board. */
export interface Tile {
  id: string;
  name: string;
  /** From the top: Sở, cụm, trường … */
  units: string[];
  state: RoomState;
  cause: RoomCause | null;
  next: NextStep | null;
  since: number;
  /** 0 (nothing) to 6 (everything); `null`: no media flows. */
  rung: number | null;
  kbps: number | null;
  /** The worst way among its screens. */
  path?: PathName | undefined;
  screens: number;
  helpers: number;
  help: HelpCall[];
  removed: boolean;
}

export interface Tally {
  /** Rooms that answered. */
  rooms: number;
  /** Of these, after the close. */
  late: number;
  /** For each option: rooms that chose it, or pupils counted for it. Empty for a text. */
  totals: number[];
}

export interface ShownQuestion {
  no: number;
  kind: QuestionKind;
  mode: AnswerMode;
  options: number;
  prompt: string | null;
  opened_at: number;
  closed_at: number | null;
  results: (Tally & { texts: string[] }) | null;
}

export interface RoomAnswer {
  place: string;
  value: AnswerValue;
  at: number;
  late: boolean;
}

export interface PrivateMessage {
  no: number;
  /** `null`: from the leads to all rooms. */
  place: string | null;
  from: "host" | "organiser" | "helper";
  key: string;
  text: string;
  at: number;
}

export interface Work {
  no: number;
  place: string;
  at: number;
  shown: boolean;
  named: boolean;
  kept: boolean;
}

// --- page → server ---------------------------------------------------------------------------------------------------

/** Any of these may carry `ref`: `ack` or `error` then comes back with it. */
export type LessonClientMessage = { ref?: string } & (
  | { type: "lesson.lock"; locked: boolean }
  | { type: "place.remove"; place: string }
  | { type: "place.readmit"; place: string }
  | { type: "charge.give"; to: string }
  | { type: "hand"; up: boolean }
  | { type: "hand.lower"; place: string | null }
  | { type: "speak.call"; place: string }
  | { type: "speak.accept"; audio_only: boolean; device: SpeakingDevice }
  | { type: "speak.stop" }
  | { type: "speak.pass" }
  | { type: "speak.audio_only"; on: boolean }
  | { type: "speak.end"; place: string }
  | { type: "speak.give"; place: string }
  | { type: "speak.mute"; place: string; muted: boolean }
  | { type: "pin"; place: string | null }
  | { type: "camera"; on: boolean }
  | { type: "help"; kind: HelpKind; on: boolean }
  | { type: "help.clear"; place: string; kind: HelpKind }
  /** `place`: a lead's, `null` for all rooms; a helper leaves it out. */
  | { type: "message.send"; place?: string | null; key: string; text: string }
  | {
      type: "question.open";
      kind: QuestionKind;
      mode: AnswerMode;
      options: number | null;
      prompt: string | null;
    }
  | { type: "question.close" }
  | { type: "question.show"; question: number; shown: boolean }
  | { type: "answer"; question: number; value: AnswerValue }
  | { type: "work.show"; works: number[]; named: boolean }
  | { type: "work.keep"; work: number; kept: boolean }
  | { type: "work.delete"; work: number }
  /** `place`: a lead's; a helper leaves it out. */
  | { type: "remote"; place?: string | null; action: RemoteAction }
  | { type: "name"; name: string }
);

// --- server → page ---------------------------------------------------------------------------------------------------

export type LessonServerMessage =
  | { type: "ack"; ref: string }
  | {
      type: "room";
      place: string;
      hand: { since: number; position: number } | null;
      turn: Turn | null;
      word: boolean;
      pinned: Pinned | null;
      may_connect: boolean;
      help: HelpCall[];
      answer: { question: number; value: AnswerValue; late: boolean } | null;
      helpers: number;
    }
  | {
      type: "floor";
      turns: (Turn & { name: string })[];
      word: string | null;
      pinned: (Pinned & { name: string }) | null;
    }
  | { type: "hands"; hands: Hand[] }
  | { type: "board"; full: boolean; observers: number; tiles: Tile[] }
  | { type: "question"; question: ShownQuestion | null }
  | ({ type: "tally"; question: number; answers: RoomAnswer[]; full: boolean } & Tally)
  | ({ type: "message" } & PrivateMessage)
  | { type: "messages"; messages: PrivateMessage[] }
  | { type: "works"; works: Work[] }
  | { type: "exhibit"; works: { no: number; name: string | null }[] }
  | {
      type: "charge";
      in_charge: string | null;
      own: string | null;
      hosts: { id: string; label: string | null; connected: boolean }[];
    }
  | { type: "observers"; names: (string | null)[] }
  | { type: "remote"; place: string | null; action: RemoteAction };

export const pathName = oneOf("webrtc", "webrtc_udp", "webrtc_tcp", "segments", "hls", "other");

const helpKind = oneOf("no_sound", "frozen", "help");
const helpCall = object<HelpCall>({ kind: helpKind, since: number });

export const answerValueDecoder: Decoder<AnswerValue> = (value, path) => {
  const { option, counts, text } = fields(value, path);
  if (option !== undefined) return { option: number(option, `${path}.option`) };
  if (counts !== undefined) return { counts: array(number)(counts, `${path}.counts`) };
  if (text !== undefined) return { text: string(text, `${path}.text`) };
  throw new DecodeError(path, "expected an option, counts or a text");
};

const turnShape = {
  place: string,
  phase: oneOf("called", "accepted", "on_air"),
  since: number,
  muted: boolean,
  audio_only: boolean,
  device: nullable(oneOf("tv", "phone")),
};
const pinnedShape = { place: string, phase: oneOf("asked", "open") };

export const tileDecoder: Decoder<Tile> = object<Tile>({
  id: string,
  name: string,
  units: array(string),
  state: oneOf("good", "waiting", "absent", "weak", "no_sound", "frozen", "gone"),
  cause: nullable(
    oneOf(
      "bandwidth",
      "loss",
      "delay",
      "saver",
      "muted",
      "silent",
      "no_frames",
      "hidden",
      "no_report",
      "helper",
    ),
  ),
  next: nullable(
    oneOf(
      "turn_sound_on",
      "check_speaker",
      "change_network",
      "free_the_line",
      "show_page",
      "reload_page",
      "call_room",
    ),
  ),
  since: number,
  rung: nullable(number),
  kbps: nullable(number),
  path: optional(pathName),
  screens: number,
  helpers: number,
  help: array(helpCall),
  removed: boolean,
});

const tallyShape = { rooms: number, late: number, totals: array(number) };
export const tallyDecoder: Decoder<Tally> = object<Tally>(tallyShape);

const questionKind = oneOf("choice", "yes_no", "text");
const answerMode = oneOf("room", "counts");
const questionShape = {
  no: number,
  kind: questionKind,
  mode: answerMode,
  options: number,
  prompt: nullable(string),
  opened_at: number,
  closed_at: nullable(number),
};
const shownQuestion = object<ShownQuestion>({
  ...questionShape,
  results: nullable(object<Tally & { texts: string[] }>({ ...tallyShape, texts: array(string) })),
});

const roomAnswer = object<RoomAnswer>({
  place: string,
  value: answerValueDecoder,
  at: number,
  late: boolean,
});

const messageShape = {
  no: number,
  place: nullable(string),
  from: oneOf("host", "organiser", "helper"),
  key: string,
  text: string,
  at: number,
};

const work = object<Work>({
  no: number,
  place: string,
  at: number,
  shown: boolean,
  named: boolean,
  kept: boolean,
});

type Body<T extends LessonServerMessage["type"]> = Omit<Extract<LessonServerMessage, { type: T }>, "type">;

export const lessonMessageDecoders: { [T in LessonServerMessage["type"]]: Decoder<Body<T>> } = {
  ack: object<Body<"ack">>({ ref: string }),
  room: object<Body<"room">>({
    place: string,
    hand: nullable(object<{ since: number; position: number }>({ since: number, position: number })),
    turn: nullable(object<Turn>(turnShape)),
    word: boolean,
    pinned: nullable(object<Pinned>(pinnedShape)),
    may_connect: boolean,
    help: array(helpCall),
    answer: nullable(
      object<{ question: number; value: AnswerValue; late: boolean }>({
        question: number,
        value: answerValueDecoder,
        late: boolean,
      }),
    ),
    helpers: number,
  }),
  floor: object<Body<"floor">>({
    turns: array(object<Turn & { name: string }>({ ...turnShape, name: string })),
    word: nullable(string),
    pinned: nullable(object<Pinned & { name: string }>({ ...pinnedShape, name: string })),
  }),
  hands: object<Body<"hands">>({ hands: array(object<Hand>({ place: string, since: number })) }),
  board: object<Body<"board">>({ full: boolean, observers: number, tiles: array(tileDecoder) }),
  question: object<Body<"question">>({ question: nullable(shownQuestion) }),
  tally: object<Body<"tally">>({
    ...tallyShape,
    question: number,
    answers: array(roomAnswer),
    full: boolean,
  }),
  message: object<Body<"message">>(messageShape),
  messages: object<Body<"messages">>({ messages: array(object<PrivateMessage>(messageShape)) }),
  works: object<Body<"works">>({ works: array(work) }),
  exhibit: object<Body<"exhibit">>({
    works: array(object<{ no: number; name: string | null }>({ no: number, name: nullable(string) })),
  }),
  charge: object<Body<"charge">>({
    in_charge: nullable(string),
    own: nullable(string),
    hosts: array(
      object<{ id: string; label: string | null; connected: boolean }>({
        id: string,
        label: nullable(string),
        connected: boolean,
      }),
    ),
  }),
  observers: object<Body<"observers">>({ names: array(nullable(string)) }),
  remote: object<Body<"remote">>({
    place: nullable(string),
    action: oneOf("test_sound", "unmute", "mute", "volume_up", "volume_down", "reload", "check"),
  }),
};

/** Whether a message is about what rooms do in the lesson. */
export function isLessonMessage(message: { type: string }): message is LessonServerMessage {
  return message.type in lessonMessageDecoders;
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

export interface HelperTicket {
  url: string;
  expires_in_s: number;
}
export const helperTicketDecoder = object<HelperTicket>({ url: string, expires_in_s: number });

export interface Unit {
  id: string;
  parent: string | null;
  level: string;
  name: string;
}
export const unitDecoder = object<Unit>({
  id: string,
  parent: nullable(string),
  level: string,
  name: string,
});
export const unitsDecoder = object<{ units: Unit[]; partners: string[][] }>({
  units: array(unitDecoder),
  partners: array(array(string)),
});

export interface BadRow {
  line: number;
  column: string | null;
  detail_vi: string;
  detail: string;
}
export const badRowDecoder = object<BadRow>({
  line: number,
  column: nullable(string),
  detail_vi: string,
  detail: string,
});

export interface Helper {
  id: string;
  label: string | null;
  created_at: number;
  expires_at: number;
  revoked: boolean;
  connected: boolean;
}
export const helpersDecoder = object<{ helpers: Helper[] }>({
  helpers: array(
    object<Helper>({
      id: string,
      label: nullable(string),
      created_at: number,
      expires_at: number,
      revoked: boolean,
      connected: boolean,
    }),
  ),
});

export interface AskedQuestion extends Omit<ShownQuestion, "results"> {
  tally: Tally;
  answers: RoomAnswer[];
}
export const questionsDecoder = object<{ questions: AskedQuestion[] }>({
  questions: array(
    object<AskedQuestion>({ ...questionShape, tally: tallyDecoder, answers: array(roomAnswer) }),
  ),
});

export type DecodeWord = "hardware" | "software" | "no";
export type Fix =
  | "no_way_through"
  | "open_udp"
  | "faster_link"
  | "steadier_link"
  | "use_computer"
  | "small_picture"
  | "check_speaker"
  | "confirm_sound"
  | "allow_camera"
  | "speak_without_picture";

/** What a room's check measured; a field that is not there could not be found out. */
export interface CheckResult {
  udp?: boolean | undefined;
  tcp?: boolean | undefined;
  down_kbps?: number | undefined;
  up_kbps?: number | undefined;
  rtt_ms?: number | undefined;
  loss?: number | undefined;
  decode?:
    | {
        h264_720?: DecodeWord | undefined;
        h264_360?: DecodeWord | undefined;
        vp8_720?: DecodeWord | undefined;
        vp8_360?: DecodeWord | undefined;
      }
    | undefined;
  sound_heard?: boolean | undefined;
  camera?: boolean | undefined;
  microphone?: boolean | undefined;
}

export interface CheckVerdict {
  light: "green" | "amber" | "red";
  rung: number;
  fixes: Fix[];
}

export interface RoomCheck {
  place: string | null;
  at: number;
  result: CheckResult;
  verdict: CheckVerdict;
}

const decodeWord = optional(oneOf("hardware", "software", "no"));
export const roomCheckDecoder = object<RoomCheck>({
  place: nullable(string),
  at: number,
  result: object<CheckResult>({
    udp: optional(boolean),
    tcp: optional(boolean),
    down_kbps: optional(number),
    up_kbps: optional(number),
    rtt_ms: optional(number),
    loss: optional(number),
    decode: optional(
      object<NonNullable<CheckResult["decode"]>>({
        h264_720: decodeWord,
        h264_360: decodeWord,
        vp8_720: decodeWord,
        vp8_360: decodeWord,
      }),
    ),
    sound_heard: optional(boolean),
    camera: optional(boolean),
    microphone: optional(boolean),
  }),
  verdict: object<CheckVerdict>({
    light: oneOf("green", "amber", "red"),
    rung: number,
    fixes: array(
      oneOf(
        "no_way_through",
        "open_udp",
        "faster_link",
        "steadier_link",
        "use_computer",
        "small_picture",
        "check_speaker",
        "confirm_sound",
        "allow_camera",
        "speak_without_picture",
      ),
    ),
  }),
});
export const checksDecoder = object<{ checks: RoomCheck[]; missing: string[] }>({
  checks: array(roomCheckDecoder),
  missing: array(string),
});
