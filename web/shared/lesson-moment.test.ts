import { expect, test } from "vitest";
import { capturedAt, inSightAt, MomentJudge } from "./lesson-moment.ts";

const session = {};
const clock = { rtp: 90_000, at: 1_000_000, rate: 90_000 };

function judge(): MomentJudge {
  const made = new MomentJudge(() => 5_000_000);
  made.setShown(["program_video"]);
  made.setClocks(session, { program_video: clock, program_audio: { rtp: 0, at: 1_000_000, rate: 48_000 } });
  return made;
}

test("a frame's moment is when it was taken, however late it is shown", () => {
  const here = judge();
  here.note({ slot: "program_video", rtp: 90_000 + 45_000, seenAt: 8_000, session });
  expect(here.moment(8_100)).toEqual({ ms: 1_000_500, q: "picture" });
});

test("an RTP clock that wraps goes on", () => {
  expect(capturedAt({ rtp: 2 ** 32 - 900, at: 0, rate: 90_000 }, 900)).toBe(20);
  expect(capturedAt({ rtp: 900, at: 1000, rate: 90_000 }, 2 ** 32 - 900)).toBe(980);
});

test("while the picture stands the voice tells the moment, and when all stands the last one does", () => {
  const here = judge();
  here.note({ slot: "program_video", rtp: 180_000, seenAt: 1_000, session });
  here.note({ slot: "program_audio", rtp: 4 * 48_000, seenAt: 4_000, session });
  expect(here.moment(4_200)).toEqual({ ms: 1_004_000, q: "voice" });
  expect(here.moment(60_000)).toEqual({ ms: 1_004_000, q: "held" });
});

test("voice packets that come no more are not taken for voice", () => {
  const here = judge();
  for (let seenAt = 0; seenAt < 10_000; seenAt += 250)
    here.note({ slot: "program_audio", rtp: 48_000, seenAt, session });
  expect(here.moment(10_000)).toEqual({ ms: 1_001_000, q: "held" });
});

test("a picture nobody looks at does not tell the moment", () => {
  const here = judge();
  here.setShown(["slides_video"]);
  here.note({ slot: "program_video", rtp: 90_000, seenAt: 1_000, session });
  here.note({ slot: "program_audio", rtp: 48_000, seenAt: 1_000, session });
  expect(here.moment(1_100)).toEqual({ ms: 1_001_000, q: "voice" });
});

test("the last picture of a lost connection is not read with the clock of the next one", () => {
  const here = judge();
  here.note({ slot: "program_video", rtp: 180_000, seenAt: 1_000, session });
  here.setClocks({}, { program_video: { ...clock, at: 9_999_999 } });
  expect(here.moment(1_100)).toEqual({ ms: 1_001_000, q: "held" });
});

test("before anything played it is the relay's clock, and before that the machine's", () => {
  const here = new MomentJudge(() => 5_000_000);
  expect(here.moment(7)).toEqual({ ms: 5_000_000, q: "clock" });
  here.setServerTime(2_000_000, 1_000);
  expect(here.moment(1_500)).toEqual({ ms: 2_000_500, q: "clock" });
});

test("a page too busy to hear of a frame takes the one that was delivered meanwhile, and never one of a moment ago", () => {
  const here = judge();
  here.note({ slot: "program_video", rtp: 90_000, seenAt: 1_000, session });
  here.noteDelivered({ slot: "program_video", rtp: 90_000 + 6_000, seenAt: 1_066, session });
  expect(here.moment(1_070)).toEqual({ ms: 1_000_000, q: "picture" });
  here.noteDelivered({ slot: "program_video", rtp: 90_000 + 24_000, seenAt: 1_266, session });
  expect(here.moment(1_270)).toEqual({ ms: 1_000_267, q: "picture" });
});

test("when the picture stops and the voice was a little behind it, the next row is not earlier than the last", () => {
  const here = judge();
  here.note({ slot: "program_video", rtp: 90_000 + 90_000, seenAt: 1_000, session });
  here.note({ slot: "program_audio", rtp: 48_000 - 9_600, seenAt: 1_010, session });
  expect(here.moment(1_100)).toEqual({ ms: 1_001_000, q: "picture" });
  expect(here.moment(30_000)).toEqual({ ms: 1_001_000, q: "held" });
  // A player that was wound back is believed.
  here.note({ slot: "program_video", rtp: 90_000 - 4 * 90_000, seenAt: 40_000, session });
  expect(here.moment(40_010)).toEqual({ ms: 996_000, q: "picture" });
});

test("a player of segments eight seconds behind tells when what it shows was captured, and holds it while it stands", () => {
  const here = judge();
  for (let now = 0; now <= 2_000; now += 250) here.notePosition("program_video", 992_000 + now, now);
  expect(here.moment(2_100)).toEqual({ ms: 994_000, q: "picture" });
  here.notePosition("program_video", 994_000, 6_000);
  expect(here.moment(6_000)).toEqual({ ms: 994_000, q: "held" });
  // WebRTC has the stage again.
  here.notePosition("program_video", null, 7_000);
  here.note({ slot: "program_video", rtp: 90_000, seenAt: 7_000, session });
  expect(here.moment(7_100)).toEqual({ ms: 1_000_000, q: "picture" });
});

test("a picture that stands while the voice plays on, or has not followed a jump yet, is what is in sight", () => {
  expect(inSightAt(12.05, 12)).toBe(12.05);
  expect(inSightAt(13, 12)).toBe(12);
  expect(inSightAt(2, 12)).toBe(12);
  expect(inSightAt(13, null)).toBe(13);
});
