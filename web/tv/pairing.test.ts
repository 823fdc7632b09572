import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startPairing } from "./pairing.ts";
import type { PairingFacts } from "./state.ts";

/** Answers of the relay, by request; `null` = it cannot be reached. */
type Answer = { status: number; body: unknown; retryAfter?: string } | null;
let answer: (request: string) => Answer;
const requests: string[] = [];

function codes(...digits: string[]): (request: string) => Answer {
  let given = 0;
  return (request) => {
    if (request === "POST /api/pairings") {
      const code = digits[Math.min(given, digits.length - 1)] ?? "";
      given += 1;
      return { status: 201, body: { code, secret: `S${code}`, expires_in_s: 600 } };
    }
    return { status: 200, body: { state: "waiting" } };
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  requests.length = 0;
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    const request = `${init.method} ${address}`;
    requests.push(request);
    const given = answer(request);
    if (given === null) throw new TypeError("Failed to fetch");
    const headers = given.retryAfter === undefined ? {} : { "Retry-After": given.retryAfter };
    return new Response(JSON.stringify(given.body), { status: given.status, headers });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function pair() {
  const shown: PairingFacts[] = [];
  const tokens: string[] = [];
  const stop = startPairing({
    onChange: (facts) => shown.push(facts),
    onPaired: (token) => tokens.push(token),
  });
  return { shown, tokens, stop, last: () => shown[shown.length - 1] };
}

test("a code is shown, and the organiser's confirmation brings the token once", async () => {
  answer = codes("482913");
  const { last, tokens } = pair();
  await vi.advanceTimersByTimeAsync(5000);
  expect(last()).toEqual({ code: "482913", reachable: true });
  answer = () => ({ status: 200, body: { state: "paired", token: "T" } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tokens).toEqual(["T"]);
});

test("a TV left alone for a day always shows a code that still works", async () => {
  answer = codes("111111", "222222", "333333");
  const { last } = pair();
  await vi.advanceTimersByTimeAsync(599_000);
  expect(last()?.code).toBe("111111");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(last()?.code).toBe("222222");
});

test("a relay that forgot the code is asked for another", async () => {
  answer = codes("111111");
  const { last } = pair();
  await vi.advanceTimersByTimeAsync(3000);
  const fresh = codes("222222");
  answer = (request) =>
    request === "GET /api/pairings/S111111"
      ? { status: 404, body: { title: "Not Found", status: 404, code: "code_unknown" } }
      : fresh(request);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(last()).toEqual({ code: "222222", reachable: true });
});

test("without a network it says so, keeps the code and comes back by itself", async () => {
  answer = codes("482913");
  const { last } = pair();
  await vi.advanceTimersByTimeAsync(3000);
  answer = () => null;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(last()).toEqual({ code: "482913", reachable: false });
  answer = codes("482913");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(last()).toEqual({ code: "482913", reachable: true });
});

test("a relay that asks for patience gets it", async () => {
  answer = () => ({
    status: 429,
    body: { title: "", status: 429, code: "rate_limited", detail: "", detail_vi: "" },
    retryAfter: "30",
  });
  pair();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(requests).toEqual(["POST /api/pairings"]);
});

test("stopping ends the asking", async () => {
  answer = codes("482913");
  const { stop } = pair();
  await vi.advanceTimersByTimeAsync(3000);
  stop();
  const before = requests.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests.length).toBeLessThanOrEqual(before + 1);
});
