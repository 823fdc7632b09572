import { expect, test } from "vitest";
import { Lead } from "./lead.ts";
import type { ClientMessage, ServerMessage } from "./protocol.ts";

const WELCOME: ServerMessage = {
  type: "welcome",
  v: 1,
  role: "host",
  lesson: null,
  place: null,
  server_time: 0,
};

test("what is pressed while the line is away is said when it is back, once", async () => {
  const said: ClientMessage[] = [];
  const failures: unknown[] = [];
  let open = false;
  const send = (message: ClientMessage): boolean => {
    if (open) said.push(message);
    return open;
  };
  const lead = new Lead({ token: "t", send, onFailure: (problem) => failures.push(problem) });
  const ended = lead.wish("lesson.end");
  expect(said).toEqual([]);
  open = true;
  lead.receive(WELCOME);
  expect(said).toEqual([{ type: "lesson.end", ref: "1" }]);
  lead.receive({ type: "ack", ref: "1" });
  expect(await ended).toEqual({ kind: "done" });
  lead.receive(WELCOME);
  expect(said).toHaveLength(1);
  expect(failures).toEqual([]);
});
