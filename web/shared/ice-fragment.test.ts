import { expect, test } from "vitest";
import { readFragment, restartedAnswer, restartFragment } from "./ice-fragment.ts";

const OFFER = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "a=group:BUNDLE 0 1",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:0",
  "a=ice-ufrag:newu",
  "a=ice-pwd:newpassword",
  "a=fingerprint:sha-256 AA",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=mid:1",
  "a=ice-ufrag:newu",
  "a=ice-pwd:newpassword",
  "",
].join("\r\n");

test("a restart sends the new credentials of the first section and nothing secret besides", () => {
  expect(restartFragment(OFFER)).toBe(
    [
      "a=group:BUNDLE 0 1",
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "a=mid:0",
      "a=ice-ufrag:newu",
      "a=ice-pwd:newpassword",
      "",
    ].join("\r\n"),
  );
});

test("credentials on session level are found too", () => {
  const offer = OFFER.replace(/a=ice-.*\r\n/g, "").replace(
    "a=group",
    "a=ice-ufrag:up\r\na=ice-pwd:down\r\na=group",
  );
  expect(restartFragment(offer)).toContain("a=ice-ufrag:up\r\na=ice-pwd:down\r\n");
});

const ANSWER =
  "v=0\r\nm=audio 9 X 1\r\na=ice-ufrag:old\r\na=ice-pwd:oldpwd\r\na=candidate:1 1 udp 1 10.0.0.1 7000 typ host\r\na=mid:0\r\n" +
  "m=video 9 X 2\r\na=ice-ufrag:old\r\na=ice-pwd:oldpwd\r\na=mid:1\r\n";

test("the server's fragment replaces its credentials in every section", () => {
  const ice = readFragment("a=ice-ufrag:fresh\na=ice-pwd:freshpwd\n");
  expect(ice).not.toBeNull();
  if (ice === null) return;
  const answer = restartedAnswer(ANSWER, ice);
  expect(answer.match(/a=ice-ufrag:fresh/g)).toHaveLength(2);
  expect(answer).not.toContain("old");
  expect(answer).toContain("10.0.0.1 7000");
});

test("new candidates take the place of the old ones", () => {
  const ice = readFragment(
    "a=ice-ufrag:f\r\na=ice-pwd:p\r\na=candidate:9 1 udp 1 10.0.0.2 7000 typ host\r\na=candidate:9 1 udp 1 10.0.0.2 7000 typ host\r\n",
  );
  const answer = restartedAnswer(ANSWER, ice ?? { ufrag: "", pwd: "", candidates: [] });
  expect(answer).not.toContain("10.0.0.1");
  expect(answer.match(/10\.0\.0\.2/g)).toHaveLength(2);
});

test("a fragment without credentials is no restart", () => {
  expect(readFragment("a=candidate:1 1 udp 1 10.0.0.1 7000 typ host\r\n")).toBeNull();
  expect(readFragment("")).toBeNull();
});
