import { expect, test } from "vitest";
import { initialFacts, type ViewerFacts } from "../shared/viewer-state.ts";
import { remoteKey } from "./keys.ts";
import { OPENED } from "./settings.ts";
import { commandFor, initialTv, linkIsDead, reduceTv, type TvFacts, tvScreen } from "./state.ts";

const NEW = initialTv({ lang: "vi", supported: true, token: null, fullscreenPossible: false });

function paired(viewer: Partial<ViewerFacts>, tv: Partial<TvFacts> = {}): TvFacts {
  const facts: ViewerFacts = {
    ...initialFacts(0),
    welcomed: true,
    offlineSince: null,
    signal: { kind: "open" },
    media: { kind: "connected", peer: "p" },
    ...viewer,
  };
  return reduceTv({ ...NEW, token: "T", ...tv }, { type: "viewer", viewer: facts, at: 1000 });
}

const LIVE = {
  id: "L",
  title: "Toán",
  host_place: null,
  state: "live",
  starts_at: null,
  started_at: 0,
  ended_at: null,
} as const;
const PROGRAM = { program_video: { codec: "vp8" }, program_audio: { codec: "opus" } };

test("a browser without WebRTC says so instead of staying dark", () => {
  expect(tvScreen({ ...NEW, supported: false }, 0).kind).toBe("unsupported");
});

test("a screen without a link shows its pairing code", () => {
  const facts = reduceTv(NEW, { type: "pairing", pairing: { code: "482913", reachable: true } });
  expect(tvScreen(facts, 0)).toEqual({ kind: "pairing", code: "482913", reachable: true, linkDied: false });
});

test("a dead link leads back to pairing and says why", () => {
  const facts = reduceTv({ ...NEW, token: "T" }, { type: "token", token: null, linkDied: true });
  expect(tvScreen(facts, 0)).toMatchObject({ kind: "pairing", linkDied: true });
  const refused = (reason: "revoked" | "replaced") =>
    linkIsDead({ ...initialFacts(0), signal: { kind: "refused", reason, problem: null } });
  expect(refused("revoked")).toBe(true);
  expect(refused("replaced")).toBe(false);
});

test("a place opened elsewhere can be taken back with OK", () => {
  const facts = paired({ signal: { kind: "refused", reason: "replaced", problem: null } });
  expect(tvScreen(facts, 0).kind).toBe("elsewhere");
  expect(commandFor(facts, "ok", 0)).toEqual({ kind: "take_over" });
});

test("while sound is blocked, OK brings the sound before anything else", () => {
  expect(commandFor(paired({ lesson: LIVE, slots: PROGRAM, sound: "blocked" }), "ok", 0)).toEqual({
    kind: "unblock_sound",
  });
  expect(commandFor(paired({ lesson: LIVE, slots: PROGRAM, sound: "playing" }), "ok", 0)).toEqual({
    kind: "settings",
    settings: OPENED,
  });
});

test("muting and unmuting are one key each", () => {
  expect(commandFor(paired({}), "mute", 0)).toEqual({ kind: "set_muted", muted: true });
  expect(commandFor(paired({ sound: "muted" }, { muted: true }), "ok", 0)).toEqual({
    kind: "set_muted",
    muted: false,
  });
});

test("unpairing takes two presses, and moving away calls it off", () => {
  let facts = reduceTv(paired({}), { type: "settings", settings: OPENED });
  const press = (key: "ok" | "up" | "down"): string => {
    const command = commandFor(facts, key, 0);
    if (command?.kind === "settings")
      facts = reduceTv(facts, { type: "settings", settings: command.settings });
    return command?.kind ?? "nothing";
  };
  for (let row = 0; row < 5; row += 1) press("down");
  press("ok");
  expect(facts.settings?.armed).toBe(true);
  press("up");
  press("down");
  expect(facts.settings?.armed).toBe(false);
  press("ok");
  expect(press("ok")).toBe("unpair");
});

test("every setting can be reached and left with arrows, OK and Back", () => {
  let facts = reduceTv(paired({}), { type: "settings", settings: OPENED });
  const reached: string[] = [];
  for (let step = 0; step < 10; step += 1) {
    const command = commandFor(facts, "ok", 0);
    reached.push(command?.kind ?? "nothing");
    const down = commandFor(facts, "down", 0);
    if (down?.kind === "settings") facts = reduceTv(facts, { type: "settings", settings: down.settings });
  }
  expect(reached.slice(0, 7)).toEqual([
    "language",
    "layout",
    "set_muted",
    "saver",
    "megabytes",
    "settings",
    "settings",
  ]);
  expect(commandFor(facts, "back", 0)).toEqual({ kind: "settings", settings: null });
});

test("the teacher going away keeps the last pictures on the screen", () => {
  const seen = { program_video: { seen: true, frozenSince: null } };
  const watching = paired({ lesson: LIVE, slots: PROGRAM, pictures: seen, sound: "playing" });
  expect(watching.lastPublished).toEqual(["program_video"]);
  const away = reduceTv(watching, {
    type: "viewer",
    viewer: { ...(watching.viewer ?? initialFacts(0)), slots: {}, sound: "none" },
    at: 2000,
  });
  expect(away.lastPublished).toEqual(["program_video"]);
  expect(tvScreen(away, 2000)).toMatchObject({ kind: "watching", trouble: { kind: "teacher_away" } });
});

test("slides that end leave the screen although the teacher stays", () => {
  const facts = paired(
    { lesson: LIVE, slots: PROGRAM },
    { lastPublished: ["program_video", "slides_video"] },
  );
  expect(facts.lastPublished).toEqual(["program_video"]);
});

test("the thanks stay for three minutes, although the relay goes on to the next lesson at once", () => {
  const ended = paired({ lesson: { ...LIVE, state: "ended" } });
  const next = { ...LIVE, id: "M", state: "scheduled" } as const;
  const announced = reduceTv(ended, {
    type: "viewer",
    viewer: { ...(ended.viewer ?? initialFacts(0)), lesson: next },
    at: 1100,
  });
  expect(tvScreen(ended, 60_000)).toEqual({ kind: "ended", lesson: { ...LIVE, state: "ended" } });
  expect(tvScreen(announced, 60_000).kind).toBe("ended");
  expect(tvScreen(announced, 182_000)).toMatchObject({ kind: "idle", next });
  expect(tvScreen(ended, 182_000)).toMatchObject({ kind: "idle", next: null });
});

test("a lesson that begins ends the thanks for the one before", () => {
  const ended = paired({ lesson: { ...LIVE, state: "ended" } });
  const live = reduceTv(ended, {
    type: "viewer",
    viewer: { ...(ended.viewer ?? initialFacts(0)), lesson: { ...LIVE, id: "M" } },
    at: 2000,
  });
  expect(tvScreen(live, 3000).kind).toBe("waiting");
});

test("remote controls of both makers and keyboards mean the same", () => {
  expect(remoteKey({ key: "Unidentified", keyCode: 10009 })).toBe("back");
  expect(remoteKey({ key: "Unidentified", keyCode: 461 })).toBe("back");
  expect(remoteKey({ key: "GoBack", keyCode: 461 })).toBe("back");
  expect(remoteKey({ key: "Enter", keyCode: 13 })).toBe("ok");
  expect(remoteKey({ key: "MediaPlayPause", keyCode: 10252 })).toBe("ok");
  expect(remoteKey({ key: "ArrowLeft", keyCode: 37 })).toBe("left");
  expect(remoteKey({ key: "q", keyCode: 81 })).toBeNull();
  expect(remoteKey({ key: "f", keyCode: 70, ctrlKey: true })).toBeNull();
});
