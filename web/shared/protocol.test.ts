import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";
import { meDecoder, pairingStateDecoder, parseServerMessage, problemDecoder } from "./protocol.ts";

const examples = import.meta.glob<string>("../../tests/fixtures/protocol/**/*.json", {
  eager: true,
  query: "?raw",
  import: "default",
});

/** Messages pages send; the relay's own tests read these examples. */
const FROM_PAGES: ReadonlySet<string> = new Set([
  "hello",
  "lesson.test",
  "lesson.start",
  "lesson.end",
  "demand",
  "terms",
  "report",
  "ping",
  "lesson.lock",
  "place.remove",
  "place.readmit",
  "charge.give",
  "hand",
  "hand.lower",
  "speak.call",
  "speak.accept",
  "speak.stop",
  "speak.pass",
  "speak.audio_only",
  "speak.end",
  "speak.give",
  "speak.mute",
  "pin",
  "camera",
  "help",
  "help.clear",
  "message.send",
  "question.open",
  "question.close",
  "question.show",
  "answer",
  "work.show",
  "work.keep",
  "work.delete",
  "name",
]);

describe("every example of the relay's messages", () => {
  const seen = new Set<string>();
  for (const [path, text] of Object.entries(examples)) {
    const type = (JSON.parse(text) as { type?: string }).type;
    if (type === undefined || FROM_PAGES.has(type) || path.endsWith("problem.json")) continue;
    seen.add(type);
    test(`is understood: ${path.replace(/^.*\//, "")}`, () => {
      const read = parseServerMessage(text);
      expect(read).toMatchObject({ ok: true });
      // Nothing the relay says may get lost on the way into our types, `null` for absent aside.
      if (read.ok) expect(read.value).toMatchObject(withoutNulls(JSON.parse(text)) as object);
    });
  }
  test("covers every message there is", () => {
    expect([...seen].sort()).toEqual(
      [
        "closing",
        "codec",
        "error",
        "lesson",
        "link",
        "media",
        "pong",
        "roster",
        "still",
        "uplink",
        "welcome",
        "ack",
        "room",
        "floor",
        "hands",
        "board",
        "question",
        "tally",
        "message",
        "messages",
        "works",
        "exhibit",
        "charge",
        "observers",
        "remote",
      ].sort(),
    );
  });
});

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}

test("a refusal names the place, the value and the expectation", () => {
  const text = JSON.stringify({
    type: "roster",
    connected: 1,
    total: 1,
    observers: 0,
    places: [{ id: "a", name: "b", state: "lost", frozen: false, muted: false }],
  });
  expect(parseServerMessage(text)).toEqual({
    ok: false,
    problem: 'places[0].state: expected one of watching, connected, gone, got "lost"',
  });
});

test("unknown fields are ignored, unknown messages and slots are not guessed", () => {
  expect(parseServerMessage('{"type":"codec","prefer":"vp8","since":"tomorrow"}')).toEqual({
    ok: true,
    value: { type: "codec", prefer: "vp8" },
  });
  expect(parseServerMessage('{"type":"codec2"}').ok).toBe(false);
  expect(
    parseServerMessage('{"type":"media","slots":{"program_video":{"codec":"vp8"},"hologram":{"codec":"x"}}}'),
  ).toEqual({
    ok: true,
    value: { type: "media", slots: { program_video: { codec: "vp8" } } },
  });
});

test("no shape of bad JSON throws", () => {
  for (const text of [
    "",
    "nul",
    "null",
    "1",
    "[]",
    '"hello"',
    '{"type":null}',
    '{"type":"welcome"}',
    '{"type":"toString"}',
  ]) {
    expect([text, parseServerMessage(text).ok]).toEqual([text, false]);
  }
});

test("who am I reads with and without lesson and place", () => {
  expect(decode(meDecoder, { role: "observer" })).toEqual({
    ok: true,
    value: { role: "observer", lesson: null, place: null },
  });
});

test("pairing tells waiting from paired, and paired must bring a token", () => {
  expect(decode(pairingStateDecoder, { state: "waiting" })).toEqual({
    ok: true,
    value: { state: "waiting" },
  });
  expect(decode(pairingStateDecoder, { state: "paired", token: "T" })).toEqual({
    ok: true,
    value: { state: "paired", token: "T" },
  });
  expect(decode(pairingStateDecoder, { state: "paired" }).ok).toBe(false);
});

test("the example of a problem document is understood", () => {
  const text = Object.entries(examples).find(([path]) => path.endsWith("/problem.json"))?.[1] ?? "null";
  expect(decode(problemDecoder, JSON.parse(text))).toMatchObject({
    ok: true,
    value: { code: "rate_limited" },
  });
});

test("a problem document without sentences still says its title", () => {
  expect(decode(problemDecoder, { title: "Not Found", status: 404, code: "lesson_unknown" })).toEqual({
    ok: true,
    value: { code: "lesson_unknown", detail: "Not Found", detail_vi: "Not Found" },
  });
});
