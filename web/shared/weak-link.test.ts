import { expect, test, vi } from "vitest";
import { initialFacts, lessonView, reduceViewer, type ViewerFacts, wantsStill } from "./viewer-state.ts";
import { firstPlayout, nextPlayout, type ShownStill, StillKeeper, weakWords } from "./weak-link.ts";

const LIVE = {
  id: "l1",
  title: "Phân số",
  host_place: null,
  state: "live",
  starts_at: null,
  started_at: 1,
  ended_at: null,
} as const;
const WEAK = { rung: 2, cause: "bandwidth", estimate_kbps: 96, playout_ms: 700, stills: true } as const;

function watching(): ViewerFacts {
  const moving = { seen: true, frozenSince: null };
  return {
    ...initialFacts(0),
    signal: { kind: "open" },
    welcomed: true,
    offlineSince: null,
    lesson: LIVE,
    media: { kind: "connected", peer: "p" },
    slots: {
      program_video: { codec: "vp8" },
      program_audio: { codec: "opus" },
      slides_video: { codec: "vp8" },
    },
    pictures: { program_video: moving, slides_video: moving },
    hearing: true,
    sound: "playing",
  };
}

test("a far school's voice waits from its first packet on, a near one's not at all", () => {
  expect([40, 149].map(firstPlayout)).toEqual([0, 0]);
  expect([150, 310, 4000].map(firstPlayout)).toEqual([150, 350, 500]);
});

test("a picture the link has no room for is not called frozen", () => {
  const standing = { seen: true, frozenSince: 5000 };
  let facts = reduceViewer(watching(), { type: "picture", slot: "program_video", picture: standing });
  expect(lessonView(facts)).toMatchObject({ trouble: { kind: "frozen" } });
  const link = { type: "link", ...WEAK, withheld: ["program_video", "slides_video"] } as const;
  facts = reduceViewer(facts, { type: "message", message: link, at: 6000 });
  expect(lessonView(facts)).toMatchObject({ kind: "watching", trouble: null });
});

test("stills are wanted while slides do not move, and by whoever has just come", () => {
  const still = { no: 3, bytes: 17_000, at: 1 };
  let facts = reduceViewer(watching(), { type: "message", message: { type: "still", still }, at: 0 });
  expect(wantsStill(facts)).toBe(false);
  expect(wantsStill({ ...facts, pictures: {} })).toBe(true);
  const link = { type: "link", ...WEAK, withheld: [] } as const;
  facts = reduceViewer(facts, { type: "message", message: link, at: 0 });
  expect(wantsStill(facts)).toBe(true);
  // A new media session starts without the words about the old one.
  facts = reduceViewer(facts, { type: "media", state: { kind: "stopped" } });
  expect(facts.link).toBeNull();
});

test("a player is made to wait in steps and let go at once", () => {
  const steps = [0];
  while ((steps.at(-1) ?? 0) < 300) steps.push(nextPlayout(steps.at(-1) ?? 0, 300));
  expect(steps).toEqual([0, 50, 100, 150, 200, 250, 300]);
  expect(nextPlayout(300, 0)).toBe(0);
});

test("every rung below the top has words, with their cause", () => {
  expect(weakWords({ ...WEAK, withheld: [] })).toEqual({
    rung: "weak.rung.2",
    cause: "weak.cause.bandwidth",
  });
  expect(weakWords({ ...WEAK, rung: 6, withheld: [] })).toBeNull();
  expect(weakWords({ ...WEAK, cause: null, withheld: [] })).toBeNull();
  expect(weakWords(null)).toBeNull();
});

test("of stills that are announced faster than they come, the newest is fetched next", async () => {
  vi.stubGlobal("URL", {
    createObjectURL: (blob: Blob) => `blob:${blob.size}`,
    revokeObjectURL: () => undefined,
  });
  const asked: string[] = [];
  let answer: (image: Blob) => void = () => undefined;
  const shown: (ShownStill | null)[] = [];
  const keeper = new StillKeeper({
    token: "t",
    onChange: (still) => shown.push(still),
    fetch: (url) => {
      asked.push(url.replace(/^.*\//, ""));
      return new Promise((done) => {
        answer = done;
      });
    },
  });
  for (const no of [1, 2, 3]) keeper.want("l1", { no, bytes: 9 });
  answer(new Blob(["1"]));
  await vi.waitFor(() => expect(asked).toEqual(["1", "3"]));
  answer(new Blob(["333"]));
  await vi.waitFor(() => expect(shown.at(-1)).toEqual({ no: 3, url: "blob:3" }));
  keeper.want("l1", null);
  expect(shown.at(-1)).toBeNull();
  vi.unstubAllGlobals();
});
