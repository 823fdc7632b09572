import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HttpRefusal } from "../../shared/http.ts";
import { type KnownSheet, MemoryNotebook } from "../../shared/notes/notebook.ts";
import { EMPTY, join, type Register, standing } from "../../shared/notes/register.ts";
import { Sender } from "./sender.ts";
import { SheetDoc } from "./sheet-doc.ts";

const sheet: KnownSheet = {
  id: "s",
  lesson: "lesson",
  via: "link",
  token: "token",
  createdAt: 0,
  registered: false,
  forms: [],
  lessonTitle: "Phân số",
  startedAt: null,
};

/** A server that joins as ours does, and a network that can be cut before or after it. */
class Server {
  readonly registers = new Map<string, Register>();
  registered = 0;
  requests = 0;
  cut: "no" | "before" | "after" = "no";
  slowMs = 0;
  private seq = 0;

  readonly link = {
    beginSheet: async () => {
      if (this.cut === "before") throw new TypeError("no network");
      this.registered += 1;
      return {} as never;
    },
  };
  readonly api = {
    sync: async (_since: number, sent: ReadonlyMap<string, Register>) => {
      if (this.cut === "before") throw new TypeError("no network");
      if (this.registered === 0) throw refusal(404, "sheet_unknown");
      this.requests += 1;
      if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
      const news = new Map<string, Register>();
      for (const [key, register] of sent) {
        const both = join(this.registers.get(key) ?? EMPTY, register);
        this.registers.set(key, both);
        if (both !== register && both.heads.length > 1) news.set(key, both);
      }
      this.seq += 1;
      if (this.cut === "after") throw new TypeError("the answer was lost");
      return {
        seq: this.seq,
        registers: sent.size === 0 && _since === 0 ? new Map(this.registers) : news,
        refused: [],
        timelineOpen: false,
      };
    },
    putPicture: async () => undefined,
  };
}

function refusal(status: number, code: string): HttpRefusal {
  const problem = { code, detail: "", detail_vi: "", title: "", status, type: "about:blank" };
  return new HttpRefusal(status, problem as never, null);
}

async function open(server: Server, notebook = new MemoryNotebook()) {
  const doc: SheetDoc = new SheetDoc({
    id: "s",
    notebook,
    replica: "laptop00",
    registers: await notebook.registers("s"),
    onChange: () => sender.nudge(),
  });
  const sender = new Sender({
    doc,
    notebook,
    sheet,
    link: server.link,
    api: server.api,
    onRefused: () => undefined,
    onTimeline: () => undefined,
    random: () => 0,
  });
  sender.start();
  return { doc, sender, notebook };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("ten minutes without a network, then everything is there once", async () => {
  const server = new Server();
  server.cut = "before";
  const { doc, sender } = await open(server);
  for (let row = 0; row < 40; row++) {
    doc.set([[`row.r${row}.pupils`, `Dòng ${row}`]]);
    await vi.advanceTimersByTimeAsync(15_000);
  }
  expect(sender.state.value.kind).toBe("waiting");
  server.cut = "no";
  await vi.advanceTimersByTimeAsync(15_000);
  expect(sender.state.value.kind).toBe("sent");
  expect(server.registered).toBe(1);
  expect(server.registers.size).toBe(40);
  expect(standing(server.registers.get("row.r39.pupils"))).toBe("Dòng 39");
});

test("answers that are lost cost a repetition and nothing else", async () => {
  const server = new Server();
  const { doc, sender } = await open(server);
  await vi.advanceTimersByTimeAsync(1000);
  server.cut = "after";
  doc.set([["row.a.pupils", "Một lần"]]);
  await vi.advanceTimersByTimeAsync(20_000);
  server.cut = "no";
  await vi.advanceTimersByTimeAsync(15_000);
  expect(sender.state.value.kind).toBe("sent");
  expect(server.registers.get("row.a.pupils")?.heads).toHaveLength(1);
});

test("what is typed while the first words after an outage are on their way is not called sent before it is", async () => {
  const server = new Server();
  server.cut = "before";
  const { doc, sender } = await open(server);
  doc.set([["row.a.pupils", "Trước"]]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sender.state.value.kind).toBe("waiting");
  server.cut = "no";
  server.slowMs = 1000;
  // A letter at every moment of the way back, the last one at 12 s.
  for (let letter = 0; letter < 240; letter++) {
    doc.set([["row.a.remark", `chữ ${letter}`]], "row.a.remark");
    await vi.advanceTimersByTimeAsync(50);
    if (sender.state.value.kind === "sent")
      expect(standing(server.registers.get("row.a.remark"))).toBe(`chữ ${letter}`);
  }
  await vi.advanceTimersByTimeAsync(4000);
  expect([sender.state.value.kind, standing(server.registers.get("row.a.remark"))]).toEqual([
    "sent",
    "chữ 239",
  ]);
});

test("while somebody types, the server hears of it within two seconds and not at every letter", async () => {
  const server = new Server();
  const { doc } = await open(server);
  await vi.advanceTimersByTimeAsync(1000);
  const before = server.requests;
  for (let letter = 0; letter < 60; letter++) {
    doc.set([["row.a.pupils", "x".repeat(letter + 1)]], "row.a.pupils");
    await vi.advanceTimersByTimeAsync(100);
  }
  await vi.advanceTimersByTimeAsync(2000);
  expect(standing(server.registers.get("row.a.pupils"))).toBe("x".repeat(60));
  expect(server.requests - before).toBeLessThan(8);
  expect(server.requests - before).toBeGreaterThan(2);
});

test("a sheet that was deleted on the server is not put back by itself", async () => {
  const server = new Server();
  const { doc, sender } = await open(server);
  await vi.advanceTimersByTimeAsync(1000);
  server.registered = 0;
  server.registers.clear();
  doc.set([["row.a.pupils", "Giữ lại"]]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sender.state.value.kind).toBe("gone");
  expect(server.registers.size).toBe(0);
  sender.begin();
  await vi.advanceTimersByTimeAsync(5000);
  expect([sender.state.value.kind, standing(server.registers.get("row.a.pupils"))]).toEqual([
    "sent",
    "Giữ lại",
  ]);
});

test("more than one request holds goes in several, nothing left out", async () => {
  const server = new Server();
  const { doc, sender } = await open(server);
  doc.set(Array.from({ length: 60 }, (_, row) => [`row.r${row}.pupils`, "ấ".repeat(1000)] as const));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([server.registers.size, sender.state.value.kind]).toEqual([60, "sent"]);
});
