import { describe, expect, test } from "vitest";
import { withInbandFec, withStartRate } from "./whip-sdp.ts";

const lines = (...text: string[]): string => `${text.join("\r\n")}\r\n`;

describe("in-band FEC", () => {
  test("is asked for in an Opus line that does not name it", () => {
    const answer = lines(
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "a=rtpmap:111 opus/48000/2",
      "a=fmtp:111 minptime=10",
    );
    expect(withInbandFec(answer)).toContain("a=fmtp:111 minptime=10;useinbandfec=1\r\n");
  });
  test("is added where there is no fmtp line at all", () => {
    const answer = lines("a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111");
    expect(withInbandFec(answer)).toContain("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n");
    expect(withInbandFec(answer)).toContain("a=fmtp:63 111/111\r\n");
  });
  test("leaves an answer alone that already says it", () => {
    const answer = lines("a=rtpmap:96 VP8/90000", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1");
    expect(withInbandFec(answer)).toBe(answer);
  });
});

describe("a known line", () => {
  test("is told to every picture codec, to repair and sound not", () => {
    const answer = lines(
      "a=rtpmap:111 opus/48000/2",
      "a=rtpmap:96 VP8/90000",
      "a=rtpmap:97 rtx/90000",
      "a=fmtp:97 apt=96",
      "a=rtpmap:108 H264/90000",
      "a=fmtp:108 packetization-mode=1",
    );
    expect(withStartRate(answer, 1800.4)).toBe(
      lines(
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:96 VP8/90000",
        "a=fmtp:96 x-google-start-bitrate=1800",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:108 H264/90000",
        "a=fmtp:108 packetization-mode=1;x-google-start-bitrate=1800",
      ),
    );
  });
});
