import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Outbox, type Outcome } from "./outbox.ts";
import type { ClientMessage, ServerMessage } from "./protocol.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const WELCOME: ServerMessage = {
  type: "welcome",
  v: 1,
  role: "helper",
  lesson: null,
  place: null,
  server_time: 0,
};

function line() {
  const sent: ClientMessage[] = [];
  const state = { online: true };
  const outbox = new Outbox({
    send: (message) => {
      if (state.online) sent.push(message);
      return state.online;
    },
  });
  const outcomes: string[] = [];
  const note = (name: string) => (outcome: Outcome) => outcomes.push(`${name} ${outcome.kind}`);
  return { outbox, sent, state, outcomes, note };
}

test("an answer given without a network is sent when the network is back, and once more if nobody confirmed it", async () => {
  const { outbox, sent, state, outcomes, note } = line();
  state.online = false;
  void outbox.post({ type: "answer", question: 3, value: { option: 1 } }).then(note("answer"));
  expect(sent).toEqual([]);
  state.online = true;
  outbox.receive(WELCOME);
  outbox.receive(WELCOME);
  expect(sent).toHaveLength(2);
  expect(sent[0]).toEqual(sent[1]);
  outbox.receive({ type: "ack", ref: "1" });
  outbox.receive(WELCOME);
  expect(sent).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual(["answer done"]);
});

test("a hand that went up and down without a network is only sent as it is now", async () => {
  const { outbox, sent, state, outcomes, note } = line();
  state.online = false;
  void outbox.post({ type: "hand", up: true }, { subject: "hand" }).then(note("up"));
  void outbox.post({ type: "hand", up: false }, { subject: "hand" }).then(note("down"));
  state.online = true;
  outbox.receive(WELCOME);
  expect(sent).toEqual([{ type: "hand", up: false, ref: "2" }]);
  outbox.receive({ type: "ack", ref: "2" });
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual(["up superseded", "down done"]);
});

test("a refusal names its message and is not repeated", async () => {
  const { outbox, sent, outcomes, note } = line();
  void outbox.post({ type: "speak.stop" }).then(note("stop"));
  void outbox.post({ type: "hand", up: true }).then(note("hand"));
  outbox.receive({ type: "error", ref: "1", code: "not_called", detail: "", detail_vi: "" });
  outbox.receive(WELCOME);
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual(["stop refused"]);
  expect(sent.map(({ type }) => type)).toEqual(["speak.stop", "hand", "hand"]);
});

test("a server with a full disk is asked again later", async () => {
  const { outbox, outcomes, note } = line();
  void outbox.post({ type: "hand", up: true }).then(note("hand"));
  outbox.receive({ type: "error", ref: "1", code: "storage_full", detail: "", detail_vi: "" });
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual([]);
  expect(outbox.waiting).toHaveLength(1);
});

test("a call that could not be made in time is given up instead of surprising a class later", async () => {
  const { outbox, sent, state, outcomes, note } = line();
  state.online = false;
  void outbox.post({ type: "speak.call", place: "P" }, { keepMs: 8000 }).then(note("call"));
  await vi.advanceTimersByTimeAsync(8000);
  state.online = true;
  outbox.receive(WELCOME);
  expect(sent).toEqual([]);
  expect(outcomes).toEqual(["call expired"]);
});
