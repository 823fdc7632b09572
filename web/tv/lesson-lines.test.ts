import { expect, test } from "vitest";
import { initialFacts } from "../shared/viewer-state.ts";
import { weakLine } from "./lesson-lines.ts";
import { initialTv, type TvFacts } from "./state.ts";
import type { Words } from "./words.ts";

const t = ((key: string) => key) as Words;
const link = {
  rung: 2,
  cause: "bandwidth",
  estimate_kbps: 87,
  playout_ms: 0,
  stills: true,
  withheld: [],
};

function tv(signal: "open" | "waiting", silentSince: number | null): TvFacts {
  const facts = initialTv({
    lang: "vi",
    supported: true,
    token: "T",
    fullscreenPossible: false,
    ableToSpeak: false,
    saver: { kbps: null, mb: null },
  });
  const status =
    signal === "open"
      ? ({ kind: "open" } as const)
      : ({ kind: "waiting", attempt: 1, retryInMs: 500 } as const);
  return { ...facts, viewer: { ...initialFacts(0), signal: status, silentSince, link } };
}

test("a weak link is named while it is there, not beside the word that it is gone", () => {
  expect(weakLine(tv("open", null), t)).not.toBeNull();
  expect(weakLine(tv("waiting", null), t)).toBeNull();
  expect(weakLine(tv("open", 3000), t)).toBeNull();
});
