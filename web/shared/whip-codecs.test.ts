import { describe, expect, test } from "vitest";
import { CodecChoice, canSend, H264_HOLD_MS, orderPictureCodecs, orderSoundCodecs } from "./whip-codecs.ts";

const h264 = (profile: string, mode: number) => ({
  mimeType: "video/H264",
  clockRate: 90_000,
  sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
});
const chromium = [
  { mimeType: "video/VP8", clockRate: 90_000 },
  { mimeType: "video/rtx", clockRate: 90_000 },
  { mimeType: "video/VP9", clockRate: 90_000, sdpFmtpLine: "profile-id=0" },
  h264("42001f", 1),
  h264("42e01f", 0),
  h264("42e01f", 1),
  h264("4d001f", 1),
  { mimeType: "video/AV1", clockRate: 90_000 },
  { mimeType: "video/ulpfec", clockRate: 90_000 },
];
const names = (codecs: { mimeType: string }[]): string[] =>
  codecs.map(({ mimeType }) => mimeType.replace(/^\w+\//, ""));

describe("pictures", () => {
  test("H.264 wished: H.264 first, VP8 as a way back, repair, nothing else", () => {
    expect(names(orderPictureCodecs(chromium, "h264"))).toEqual(["H264", "VP8", "rtx"]);
  });
  test("VP8 wished: VP8 first", () => {
    expect(names(orderPictureCodecs(chromium, "vp8"))).toEqual(["VP8", "H264", "rtx"]);
  });
  test("only the constrained baseline in packetization mode 1 counts as H.264", () => {
    expect(orderPictureCodecs(chromium, "h264")[0]).toEqual(h264("42e01f", 1));
  });
  test("a browser without H.264 cannot follow a wish for it", () => {
    const firefox = chromium.filter(({ mimeType }) => mimeType !== "video/H264");
    expect(canSend(firefox, "h264")).toBe(false);
    expect(canSend(firefox, "vp8")).toBe(true);
    expect(canSend(chromium, "h264")).toBe(true);
  });
});

describe("sound", () => {
  const opus = { mimeType: "audio/opus", clockRate: 48_000, channels: 2 };
  const red = { mimeType: "audio/red", clockRate: 48_000, channels: 2 };
  test("RED goes first where the browser has it", () => {
    expect(orderSoundCodecs([opus, red, { mimeType: "audio/PCMU", clockRate: 8000 }])).toEqual([red, opus]);
  });
  test("without RED it is plain Opus", () => {
    expect(orderSoundCodecs([opus])).toEqual([opus]);
  });
});

describe("changing codec while a lesson runs", () => {
  test("before anybody watches every wish is followed at once", () => {
    const choice = new CodecChoice("vp8");
    choice.wish("h264", 0, false);
    expect(choice.current).toBe("h264");
  });
  test("VP8 is followed at once: a place that cannot decode H.264 sees nothing", () => {
    const choice = new CodecChoice("h264");
    choice.wish("vp8", 5000, true);
    expect(choice.current).toBe("vp8");
  });
  test("H.264 waits until the wish has stood", () => {
    const choice = new CodecChoice("vp8");
    choice.wish("h264", 1000, true);
    choice.settle(1000 + H264_HOLD_MS - 1);
    expect(choice.current).toBe("vp8");
    choice.settle(1000 + H264_HOLD_MS);
    expect(choice.current).toBe("h264");
  });
  test("that takes longer than a class needs to leave and come back", () => {
    expect(H264_HOLD_MS).toBeGreaterThanOrEqual(10_000);
  });
  test("a place that comes and goes does not make the picture step back and forth", () => {
    const choice = new CodecChoice("vp8");
    for (let now = 0; now < 10 * H264_HOLD_MS; now += H264_HOLD_MS / 2) {
      choice.wish(now % H264_HOLD_MS === 0 ? "h264" : "vp8", now, true);
      choice.settle(now);
      expect(choice.current).toBe("vp8");
    }
  });
});
