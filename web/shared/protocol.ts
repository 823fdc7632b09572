/**
 * The wire, as `crates/signalling/PROTOCOL.md` describes it. Bytes from the network become types here and nowhere else.
 */
import {
  anything,
  array,
  boolean,
  type Decoded,
  type Decoder,
  decode,
  fields,
  nullable,
  number,
  object,
  oneOf,
  optional,
  record,
  string,
} from "./decode.ts";
import {
  type LessonClientMessage,
  type LessonServerMessage,
  lessonMessageDecoders,
  type PathName,
  pathName,
} from "./lesson-protocol.ts";
import type { LinkFacts, StillFacts } from "./weak-link.ts";

export const PROTOCOL_VERSION = 1;

export type Lang = "vi" | "en";
export type Role = "host" | "organiser" | "observer" | "place" | "helper";
export type CodecName = "h264" | "vp8";
export type LayerName = "high" | "mid" | "low";

/** Video slots in the order of a viewer's video sections, audio slots in the order of its audio sections. */
export const VIDEO_SLOTS = ["program_video", "slides_video", "extra_video"] as const;
export const AUDIO_SLOTS = ["program_audio", "extra_audio"] as const;
export type VideoSlot = (typeof VIDEO_SLOTS)[number];
export type AudioSlot = (typeof AUDIO_SLOTS)[number];
export type Slot = VideoSlot | AudioSlot;
export const SLOTS: readonly Slot[] = [
  "program_video",
  "slides_video",
  "extra_video",
  "program_audio",
  "extra_audio",
];

/** The order in which the relay numbers slots in binary messages. */
export const SLOT_ORDER: readonly Slot[] = [
  "program_audio",
  "extra_audio",
  "program_video",
  "slides_video",
  "extra_video",
];

/** How the lesson reaches a screen. */
export type { PathName } from "./lesson-protocol.ts";

export type LessonState = "scheduled" | "test_run" | "live" | "ended";

/** Times are milliseconds since the Unix epoch. */
export interface Lesson {
  id: string;
  title: string;
  host_place: string | null;
  state: LessonState;
  starts_at: number | null;
  started_at: number | null;
  ended_at: number | null;
  /** Nobody may come in who was not there before. */
  locked?: boolean | undefined;
  /** Places are asked to check themselves before the day. */
  rehearsal?: boolean | undefined;
}

export interface Place {
  id: string;
  name: string;
  /** The place's permanent link; present only in answers to organisers that have just made it. */
  url?: string | undefined;
  /** The unit it belongs to; for organisers. */
  unit?: string | undefined;
  connected?: boolean | undefined;
}

export interface Invitation {
  id: string;
  role: Role;
  label: string | null;
  created_at: number;
  revoked: boolean;
  /** Shown once, in the answer that creates the invitation. */
  url?: string | undefined;
}

export interface Me {
  role: Role;
  lesson: Lesson | null;
  place: Place | null;
}

/** What is published now; a slot that is not there carries nothing. */
export type Slots = { [S in Slot]?: { codec: string } };

export interface PlaceStatus {
  id: string;
  name: string;
  state: "watching" | "connected" | "gone";
  frozen: boolean;
  muted: boolean;
  /** How the lesson reaches it; the worst way among its screens. */
  path?: PathName | undefined;
}

/** A refusal in both languages. `code` is stable and for programs; the sentences are for people. */
export interface Problem {
  code: string;
  detail_vi: string;
  detail: string;
}

export interface CodecAbility {
  codec: CodecName;
  hardware: boolean;
}

// --- page → server ---------------------------------------------------------------------------------------------------

export interface Hello {
  type: "hello";
  v: typeof PROTOCOL_VERSION;
  token: string;
  lang: Lang;
  device: { kind: "tv" | "browser"; codecs: CodecAbility[] };
  /** An observer's name. */
  name?: string | undefined;
  /** The seat of an earlier `welcome` of this lesson. */
  seat?: string | undefined;
}

export type ClientMessage =
  | Hello
  | { type: "lesson.test" }
  | { type: "lesson.start" }
  | { type: "lesson.end" }
  /** The size a viewer shows of a slot; `null` = not wanted. `peer` is the last part of the session's address. */
  | { type: "demand"; peer: string; slot: Slot; layer: LayerName | null }
  /** What this page can do on a weak link, and what a person allows it to use. */
  | {
      type: "terms";
      peer: string;
      stills: boolean;
      can_wait: boolean;
      ceiling_kbps: number | null;
      ceiling_mb: number | null;
    }
  | {
      type: "report";
      frames_decoded: number;
      frozen: boolean;
      /** 0..1; `null` when there is no sound to measure. */
      audio_level: number | null;
      muted: boolean;
      visible: boolean;
      path: PathName;
    }
  | { type: "ping"; t: unknown }
  | LessonClientMessage;

// --- server → page ---------------------------------------------------------------------------------------------------

export type ClosingReason = "draining" | "revoked" | "replaced" | "removed" | "lesson_deleted";

export type ServerMessage =
  | {
      type: "welcome";
      v: number;
      role: Role;
      lesson: Lesson | null;
      place: Place | null;
      server_time: number;
      /** An observer's seat, to be shown in the next `hello`. */
      seat?: string | undefined;
    }
  | { type: "lesson"; lesson: Lesson | null }
  | { type: "media"; slots: Slots }
  | { type: "roster"; connected: number; total: number; observers: number; places: PlaceStatus[] }
  | { type: "codec"; prefer: CodecName }
  | { type: "uplink"; loss: number; rtt_ms: number | null; kbps: number }
  | ({ type: "link" } & LinkFacts)
  | { type: "still"; still: (StillFacts & { readonly at: number }) | null }
  | { type: "closing"; reason: ClosingReason; retry: boolean }
  | ({ type: "error"; ref?: string | undefined } & Problem)
  | { type: "pong"; t?: unknown }
  | LessonServerMessage;

export type ServerMessageType = ServerMessage["type"];
export type ServerMessageOf<T extends ServerMessageType> = Extract<ServerMessage, { type: T }>;

const role = oneOf("host", "organiser", "observer", "place", "helper");

export const lessonDecoder: Decoder<Lesson> = object<Lesson>({
  id: string,
  title: string,
  host_place: nullable(string),
  state: oneOf("scheduled", "test_run", "live", "ended"),
  starts_at: nullable(number),
  started_at: nullable(number),
  ended_at: nullable(number),
  locked: optional(boolean),
  rehearsal: optional(boolean),
});

export const placeDecoder: Decoder<Place> = object<Place>({
  id: string,
  name: string,
  url: optional(string),
  unit: optional(string),
  connected: optional(boolean),
});

export const invitationDecoder: Decoder<Invitation> = object<Invitation>({
  id: string,
  role,
  label: nullable(string),
  created_at: number,
  revoked: boolean,
  url: optional(string),
});

export const meDecoder: Decoder<Me> = object<Me>({
  role,
  lesson: nullable(lessonDecoder),
  place: nullable(placeDecoder),
});

export const lessonsDecoder = object<{ lessons: Lesson[] }>({ lessons: array(lessonDecoder) });
export const placesDecoder = object<{ places: Place[] }>({ places: array(placeDecoder) });
export const invitationsDecoder = object<{ invitations: Invitation[] }>({
  invitations: array(invitationDecoder),
});

export interface Pairing {
  code: string;
  secret: string;
  expires_in_s: number;
}
export const pairingDecoder = object<Pairing>({ code: string, secret: string, expires_in_s: number });

export type PairingState = { state: "waiting" } | { state: "paired"; token: string };
export const pairingStateDecoder: Decoder<PairingState> = (value, path) => {
  const { state } = object<{ state: "waiting" | "paired" }>({ state: oneOf("waiting", "paired") })(
    value,
    path,
  );
  if (state === "waiting") return { state };
  return { state, token: string(fields(value, path).token, "token") };
};

/** RFC 9457 problem details; the sentences fall back to the title so that a proxy's answer still reads as something. */
export const problemDecoder: Decoder<Problem> = (value, path) => {
  const source = fields(value, path);
  const title = typeof source.title === "string" ? source.title : "";
  return {
    code: string(source.code, "code"),
    detail_vi: typeof source.detail_vi === "string" ? source.detail_vi : title,
    detail: typeof source.detail === "string" ? source.detail : title,
  };
};

const slotsDecoder: Decoder<Slots> = record(SLOTS, object<{ codec: string }>({ codec: string }));

const placeStatusDecoder = object<PlaceStatus>({
  id: string,
  name: string,
  state: oneOf("watching", "connected", "gone"),
  frozen: boolean,
  muted: boolean,
  path: optional(pathName),
});

const serverMessageDecoders: { [T in ServerMessageType]: Decoder<Omit<ServerMessageOf<T>, "type">> } = {
  welcome: object<Omit<ServerMessageOf<"welcome">, "type">>({
    v: number,
    role,
    lesson: nullable(lessonDecoder),
    place: nullable(placeDecoder),
    server_time: number,
    seat: optional(string),
  }),
  lesson: object<Omit<ServerMessageOf<"lesson">, "type">>({ lesson: nullable(lessonDecoder) }),
  media: object<Omit<ServerMessageOf<"media">, "type">>({ slots: slotsDecoder }),
  roster: object<Omit<ServerMessageOf<"roster">, "type">>({
    connected: number,
    total: number,
    observers: number,
    places: array(placeStatusDecoder),
  }),
  codec: object<Omit<ServerMessageOf<"codec">, "type">>({ prefer: oneOf("h264", "vp8") }),
  uplink: object<Omit<ServerMessageOf<"uplink">, "type">>({
    loss: number,
    rtt_ms: nullable(number),
    kbps: number,
  }),
  link: object<Omit<ServerMessageOf<"link">, "type">>({
    rung: number,
    cause: nullable(string),
    estimate_kbps: nullable(number),
    playout_ms: number,
    stills: boolean,
    withheld: array(string),
  }),
  still: object<Omit<ServerMessageOf<"still">, "type">>({
    still: nullable(object<StillFacts & { at: number }>({ no: number, bytes: number, at: number })),
  }),
  closing: object<Omit<ServerMessageOf<"closing">, "type">>({
    reason: oneOf("draining", "revoked", "replaced", "removed", "lesson_deleted"),
    retry: boolean,
  }),
  error: (value, path) => ({
    ...problemDecoder(value, path),
    ref: optional(string)(fields(value, path).ref, "ref"),
  }),
  pong: object<Omit<ServerMessageOf<"pong">, "type">>({ t: anything }),
  ...lessonMessageDecoders,
};

const serverMessageDecoder: Decoder<ServerMessage> = (value, path) => {
  const type = oneOf(...(Object.keys(serverMessageDecoders) as ServerMessageType[]))(
    fields(value, path).type,
    "type",
  );
  // One decoder per `type`, so the pair is a member of the union; the compiler cannot follow the lookup.
  return { type, ...(serverMessageDecoders[type](value, path) as object) } as ServerMessage;
};

/** Reads one text frame of the WebSocket. */
export function parseServerMessage(text: string): Decoded<ServerMessage> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, problem: `message: expected JSON, got ${text.slice(0, 60)}` };
  }
  return decode(serverMessageDecoder, json);
}

/** What the relay says in text on `/api/segments`. */
export type SegmentsWord =
  | { type: "rung"; layer: LayerName | null }
  /** The lesson's timeline (µs) on the relay's wall clock (ms). */
  | { type: "clock"; timeline: number; at: number }
  | { type: "closing"; reason: ClosingReason; retry: boolean }
  | ({ type: "error" } & Problem);

const layerName = oneOf("high", "mid", "low");

export const segmentsWordDecoder: Decoder<SegmentsWord> = (value, path) => {
  const type = oneOf("rung", "clock", "closing", "error")(fields(value, path).type, "type");
  switch (type) {
    case "rung":
      return { type, layer: nullable(layerName)(fields(value, path).layer, "layer") };
    case "clock": {
      const { timeline, at } = fields(value, path);
      return { type, timeline: number(timeline, "timeline"), at: number(at, "at") };
    }
    case "closing": {
      const { reason, retry } = serverMessageDecoders.closing(value, path);
      return { type, reason, retry };
    }
    case "error":
      return { type, ...problemDecoder(value, path) };
  }
};
