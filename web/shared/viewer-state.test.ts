import { describe, expect, test } from "vitest";
import type { Lesson, LessonState, ServerMessage, Slots } from "./protocol.ts";
import {
  initialFacts,
  lessonClockMs,
  lessonView,
  reduceViewer,
  type ViewerEvent,
  type ViewerFacts,
} from "./viewer-state.ts";

const PROGRAM: Slots = { program_video: { codec: "vp8" }, program_audio: { codec: "opus" } };

function lesson(state: LessonState): Lesson {
  return {
    id: "L",
    title: "Phương trình bậc hai",
    host_place: null,
    state,
    starts_at: null,
    started_at: state === "live" ? 1000 : null,
    ended_at: null,
  };
}

function welcome(state: LessonState | null): ServerMessage {
  return {
    type: "welcome",
    v: 1,
    role: "place",
    lesson: state === null ? null : lesson(state),
    place: null,
    server_time: 5000,
  };
}

function after(...events: ViewerEvent[]): ViewerFacts {
  return events.reduce(reduceViewer, initialFacts(0));
}

const OPEN: ViewerEvent = { type: "signal", status: { kind: "open" }, at: 0 };
const say = (message: ServerMessage, at = 0): ViewerEvent => ({ type: "message", message, at });
const CONNECTED: ViewerEvent = { type: "media", state: { kind: "connected", peer: "p" } };
const SEEN: ViewerEvent = {
  type: "picture",
  slot: "program_video",
  picture: { seen: true, frozenSince: null },
};
const PLAYING: ViewerEvent = { type: "sound", sound: "playing" };
const WATCHING = [
  OPEN,
  say(welcome("live")),
  say({ type: "media", slots: PROGRAM }),
  CONNECTED,
  SEEN,
  PLAYING,
];

test("before the first welcome nothing is claimed about lessons", () => {
  expect(lessonView(after()).kind).toBe("connecting");
});

test("a screen whose line was down when the lesson ended says so; one that is sent out does not", () => {
  const gone: ViewerEvent = {
    type: "signal",
    status: { kind: "waiting", attempt: 1, retryInMs: 500 },
    at: 10,
  };
  const back = after(...WATCHING, gone, OPEN, say(welcome(null)));
  expect(lessonView(back)).toMatchObject({ kind: "ended", lesson: { id: "L" } });
  expect(lessonView(reduceViewer(back, say({ type: "lesson", lesson: null }))).kind).toBe("idle");
  expect(lessonView(after(...WATCHING, say({ type: "lesson", lesson: null }))).kind).toBe("idle");
  expect(lessonView(after(OPEN, say(welcome("test_run")), gone, OPEN, say(welcome(null)))).kind).toBe("idle");
});

test("a place without a lesson waits, a scheduled lesson is announced", () => {
  expect(lessonView(after(OPEN, say(welcome(null))))).toEqual({
    kind: "idle",
    next: null,
    offlineSince: null,
  });
  expect(lessonView(after(OPEN, say(welcome("scheduled"))))).toMatchObject({
    kind: "idle",
    next: { title: "Phương trình bậc hai" },
  });
});

test("a lesson that went live is waited for until its first picture or sound", () => {
  const waiting = after(OPEN, say(welcome("live")), say({ type: "media", slots: PROGRAM }), CONNECTED);
  expect(lessonView(waiting)).toMatchObject({ kind: "waiting", trouble: null });
  expect(lessonView(reduceViewer(waiting, SEEN))).toMatchObject({ kind: "watching", trouble: null });
  expect(lessonView(reduceViewer(waiting, PLAYING))).toMatchObject({ kind: "watching", trouble: null });
});

test("a teacher who has not come yet is not called lost", () => {
  const early = after(OPEN, say(welcome("live")), say({ type: "media", slots: {} }), CONNECTED);
  expect(lessonView(early)).toMatchObject({ kind: "waiting", trouble: null });
});

test("a test run says that it is one", () => {
  expect(lessonView(after(OPEN, say(welcome("test_run"))))).toMatchObject({ rehearsal: true });
});

test("the end of the lesson is said, the next lesson takes over", () => {
  const ended = after(...WATCHING, say({ type: "lesson", lesson: lesson("ended") }));
  expect(lessonView(ended).kind).toBe("ended");
  expect(lessonView(reduceViewer(ended, say({ type: "lesson", lesson: null }))).kind).toBe("idle");
});

test("pictures of the last lesson do not count for the next", () => {
  const next = { ...lesson("live"), id: "M" };
  const facts = after(...WATCHING, { type: "sound", sound: "none" }, say({ type: "lesson", lesson: next }));
  expect(lessonView(facts).kind).toBe("waiting");
});

describe("trouble", () => {
  function troubleAfter(...events: ViewerEvent[]) {
    const view = lessonView(after(...WATCHING, ...events));
    return view.kind === "watching" ? view.trouble : view.kind;
  }
  const silence = (ms: number, uncheckedMs: number | null, at = 10_000): ViewerEvent => ({
    type: "flow",
    silentMs: ms,
    uncheckedMs,
    at,
  });

  test("there is none while everything flows, jitter included", () => {
    expect(troubleAfter()).toBeNull();
    expect(troubleAfter(silence(1500, 1500))).toBeNull();
  });

  test("a standing picture is named while the voice goes on", () => {
    const frozen: ViewerEvent = {
      type: "picture",
      slot: "program_video",
      picture: { seen: true, frozenSince: 7000 },
    };
    expect(troubleAfter(silence(0, 500), frozen)).toEqual({
      kind: "frozen",
      since: 7000,
      slots: ["program_video"],
      partial: false,
      hearing: true,
    });
    expect(troubleAfter(frozen, SEEN)).toBeNull();
  });

  test("silence is first only frozen: nobody knows yet whose side is broken", () => {
    expect(troubleAfter(silence(2500, 2500))).toMatchObject({ kind: "frozen", since: 7500, hearing: false });
  });

  test("the voice is not promised when the last second brought nothing", () => {
    const frozen: ViewerEvent = {
      type: "picture",
      slot: "program_video",
      picture: { seen: true, frozenSince: 7000 },
    };
    expect(troubleAfter(silence(0, 500), silence(1000, 500), frozen)).toMatchObject({ hearing: false });
  });

  test("one standing picture beside a moving one is said to be one", () => {
    expect(
      troubleAfter(
        silence(0, 500),
        say({ type: "media", slots: { ...PROGRAM, slides_video: { codec: "vp8" } } }),
        { type: "picture", slot: "slides_video", picture: { seen: true, frozenSince: null } },
        { type: "picture", slot: "program_video", picture: { seen: true, frozenSince: 7000 } },
      ),
    ).toMatchObject({ kind: "frozen", slots: ["program_video"], partial: true });
  });

  test("silence with an answering relay is the teacher's", () => {
    expect(troubleAfter(silence(6000, 800))).toEqual({ kind: "teacher_away", since: 4000 });
  });

  test("silence while the path is being repaired is ours", () => {
    expect(troubleAfter(silence(6000, 6000), { type: "media", state: { kind: "repairing" } })).toEqual({
      kind: "lost",
      since: 4000,
    });
  });

  test("a WebSocket lost alone does not alarm the class", () => {
    expect(troubleAfter({ type: "signal", status: { kind: "connecting", attempt: 3 }, at: 9000 })).toBeNull();
  });

  test("both lost: the seconds count from when it began and survive every attempt", () => {
    expect(
      troubleAfter(
        { type: "signal", status: { kind: "waiting", attempt: 1, retryInMs: 400 }, at: 9000 },
        { type: "media", state: { kind: "waiting", attempt: 1, retryInMs: 400, problem: null } },
        { type: "signal", status: { kind: "connecting", attempt: 2 }, at: 15_000 },
      ),
    ).toEqual({ kind: "lost", since: 9000 });
  });

  test("a path that breaks while one picture stood already is lost, not partly frozen", () => {
    expect(
      troubleAfter(
        say({ type: "media", slots: { ...PROGRAM, slides_video: { codec: "vp8" } } }),
        { type: "picture", slot: "slides_video", picture: { seen: true, frozenSince: null } },
        { type: "picture", slot: "program_video", picture: { seen: true, frozenSince: 3000 } },
        silence(4000, 4000),
        { type: "signal", status: { kind: "connecting", attempt: 1 }, at: 9000 },
      ),
    ).toEqual({ kind: "lost", since: 6000 });
  });

  test("nothing published any more: the teacher is away, the last picture stays", () => {
    expect(troubleAfter(say({ type: "media", slots: {} }))).toEqual({ kind: "teacher_away", since: null });
  });
});

test("a revoked link and a browser without the codec are told apart", () => {
  expect(
    lessonView(
      after({ type: "signal", status: { kind: "refused", reason: "revoked", problem: null }, at: 0 }),
    ),
  ).toEqual({ kind: "refused", reason: "revoked", problem: null });
  const problem = { code: "sdp_unsupported", detail: "", detail_vi: "" };
  expect(
    lessonView(
      after(OPEN, say(welcome("live")), { type: "media", state: { kind: "refused", status: 422, problem } }),
    ),
  ).toEqual({ kind: "unplayable", problem });
});

test("the lesson's clock follows the relay, not a TV whose clock is wrong", () => {
  const facts = after(OPEN, say(welcome("live"), 905_000));
  expect(facts.clockOffsetMs).toBe(-900_000);
  expect(lessonClockMs(lesson("live"), facts, 961_000)).toBe(60_000);
});
