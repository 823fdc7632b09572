import { describe, expect, test } from "vitest";
import { readFragment, restartedAnswer, restartFragment, withInbandFec } from "./whip-sdp.ts";

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

describe("ICE restart", () => {
  const offer = lines(
    "v=0",
    "a=group:BUNDLE 0 1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=ice-ufrag:new1",
    "a=ice-pwd:newpwd",
    "a=fingerprint:sha-256 AA",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
    "a=ice-ufrag:new1",
    "a=ice-pwd:newpwd",
  );
  test("sends our new credentials once, for the bundle's first section", () => {
    expect(restartFragment(offer)).toBe(
      lines(
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=ice-ufrag:new1",
        "a=ice-pwd:newpwd",
      ),
    );
  });
  test("puts the relay's new credentials and addresses into every section of the old answer", () => {
    const answer = lines(
      "m=audio",
      "a=ice-ufrag:o",
      "a=ice-pwd:o",
      "a=candidate:1 old",
      "m=video",
      "a=ice-ufrag:o",
      "a=ice-pwd:o",
    );
    const ice = readFragment(lines("a=ice-ufrag:n", "a=ice-pwd:np", "m=audio", "a=candidate:1 new"));
    expect(ice).not.toBeNull();
    if (ice === null) return;
    expect(restartedAnswer(answer, ice)).toBe(
      lines(
        "m=audio",
        "a=ice-ufrag:n",
        "a=ice-pwd:np",
        "a=candidate:1 new",
        "m=video",
        "a=ice-ufrag:n",
        "a=ice-pwd:np",
        "a=candidate:1 new",
      ),
    );
  });
  test("keeps the old addresses when the relay names none", () => {
    const answer = lines("a=ice-ufrag:o", "a=ice-pwd:o", "a=candidate:1 old");
    expect(restartedAnswer(answer, { ufrag: "n", pwd: "np", candidates: [] })).toContain("a=candidate:1 old");
  });
  test("a fragment without credentials is no restart", () => {
    expect(readFragment("a=candidate:1 x\r\n")).toBeNull();
  });
});
