import { expect, test } from "vitest";
import { readSegmentFrame } from "./segments-frame.ts";

function message(head: readonly number[], rest: readonly number[]): ArrayBuffer {
  return new Uint8Array([...head, ...rest]).buffer;
}

test("an initialisation segment comes with the type a player asks for", () => {
  const mime = [...'video/webm; codecs="vp8"'].map((letter) => letter.charCodeAt(0));
  const frame = readSegmentFrame(
    message([0, 2, 1, 0, ...new Array(16).fill(0)], [0, mime.length, ...mime, 7, 8]),
  );
  expect(frame).toEqual({
    kind: "init",
    slot: "program_video",
    layer: "mid",
    mime: 'video/webm; codecs="vp8"',
    bytes: new Uint8Array([7, 8]),
  });
});

test("a chunk says where it belongs and what time it was at the host", () => {
  const begin = [0, 0, 0, 1, 0, 0, 0, 0];
  const wall = [0, 0, 1, 0x9a, 0, 0, 0, 0];
  const frame = readSegmentFrame(message([1, 0, 2, 1, ...begin, ...wall], [9]));
  expect(frame).toEqual({
    kind: "chunk",
    slot: "program_audio",
    layer: "high",
    start: true,
    begin: 4294.967296,
    wallMs: 0x19a00000000,
    bytes: new Uint8Array([9]),
  });
});

test("anything else is nothing", () => {
  const zeros = new Array(16).fill(0);
  for (const bytes of [
    [],
    [1, 0],
    [2, 0, 0, 0, ...zeros],
    [1, 9, 0, 0, ...zeros],
    [0, 0, 0, 0, ...zeros, 0, 9, 1],
  ]) {
    expect(readSegmentFrame(new Uint8Array(bytes).buffer)).toBeNull();
  }
});
