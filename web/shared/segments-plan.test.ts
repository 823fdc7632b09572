import { expect, test } from "vitest";
import { planElements, playsOneElement } from "./segments-plan.ts";

const vp8 = { codec: "vp8" };
const opus = { codec: "opus" };
const lesson = { program_video: vp8, slides_video: vp8, program_audio: opus };

test("a computer shows slides beside the teacher, whose voice plays with her picture", () => {
  expect(planElements(lesson, ["program_video", "slides_video"], false)).toEqual([
    { picture: "program_video", shows: true, sound: "program_audio" },
    { picture: "slides_video", shows: true, sound: null },
  ]);
});

test("a TV with one decoder shows the slides with the teacher's voice, and the teacher when there are none", () => {
  expect(planElements(lesson, ["program_video", "slides_video"], true)).toEqual([
    { picture: "slides_video", shows: true, sound: "program_audio" },
  ]);
  expect(planElements({ program_video: vp8, program_audio: opus }, ["program_video"], true)).toEqual([
    { picture: "program_video", shows: true, sound: "program_audio" },
  ]);
});

test("a voice without a picture is heard, a picture nobody shows is not fetched", () => {
  expect(planElements({ program_audio: opus }, [], false)).toEqual([
    { picture: "program_video", shows: false, sound: "program_audio" },
  ]);
  expect(planElements({ slides_video: vp8 }, ["program_video"], false)).toEqual([]);
  expect(planElements({}, ["program_video"], true)).toEqual([]);
});

test("a class called to speak is heard beside the teacher", () => {
  const elements = planElements({ ...lesson, extra_audio: opus }, ["program_video"], false);
  expect(elements.map(({ sound }) => sound)).toEqual(["program_audio", "extra_audio"]);
});

test("TVs are known by their names", () => {
  const webos4 =
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/53.0.2785.34 Safari/537.36 WebAppManager";
  const tizen =
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 4.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/4.0 TV Safari/538.1";
  const laptop =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  expect([webos4, tizen, laptop].map(playsOneElement)).toEqual([true, true, false]);
});
