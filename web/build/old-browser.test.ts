import { expect, test } from "vitest";
import { known, unguarded } from "./old-browser.ts";

const api = known();
const floor = {
  chrome: 53,
  syntax: 2020,
  ours: ["drop"],
  askedElsewhere: { RTCPeerConnection: "the ladder asks" },
} as const;
const found = (code: string) => unguarded(code, api, floor).map(({ what }) => what);

test("a TV of 2018 has no ResizeObserver, queueMicrotask or Promise.allSettled, and the build says so", () => {
  expect(found("new ResizeObserver(draw)")).toEqual(["ResizeObserver"]);
  expect(found("queueMicrotask(draw)")).toEqual(["queueMicrotask"]);
  expect(found("Promise.allSettled(all).then(draw)")).toEqual(["Promise.allSettled"]);
  expect(found("crypto.randomUUID()")).toEqual(["crypto.randomUUID"]);
  expect(found("stage.replaceChildren(video)")).toEqual([".replaceChildren()"]);
  expect(found("navigator.wakeLock.request()")).toEqual(["navigator.wakeLock"]);
  expect(found("window.structuredClone(state)")).toEqual(["window.structuredClone"]);
});

test("what every TV has is let through", () => {
  expect(found("fetch(url).then((answer) => answer.json()); new MediaSource(); new WebSocket(url)")).toEqual(
    [],
  );
  expect(found("document.querySelector('video').play(); [1].includes(1); setTimeout(draw, 5)")).toEqual([]);
  expect(found("localStorage.setItem('a', 'b'); performance.now(); URL.createObjectURL(source)")).toEqual([]);
});

test("who asks first may use it", () => {
  expect(found("if (typeof ResizeObserver === 'function') new ResizeObserver(draw)")).toEqual([]);
  expect(found("typeof ResizeObserver === 'function' && new ResizeObserver(draw)")).toEqual([]);
  expect(
    found("function watch() { if (typeof ResizeObserver !== 'function') return; new ResizeObserver(draw) }"),
  ).toEqual([]);
  expect(found("if ('wakeLock' in navigator) navigator.wakeLock.request()")).toEqual([]);
  expect(found("const lock = navigator.wakeLock; if (lock) lock.request()")).toEqual([]);
  expect(found("try { crypto.randomUUID() } catch { draw() }")).toEqual([]);
  expect(found("new RTCPeerConnection()")).toEqual([]);
});

test("a question about something else, or after the use, is none", () => {
  expect(found("if (typeof WebSocket === 'function') new ResizeObserver(draw)")).toEqual(["ResizeObserver"]);
  expect(found("new ResizeObserver(draw); if (typeof ResizeObserver === 'function') draw()")).toEqual([
    "ResizeObserver",
  ]);
  expect(found("if (ResizeObserver) draw()"), "a bare name that is not there throws").toEqual([
    "ResizeObserver",
  ]);
});

test("names of our own are ours", () => {
  expect(found("client.drop(); const queueMicrotask = (run) => run(); queueMicrotask(draw)")).toEqual([]);
});
