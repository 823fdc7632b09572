// @vitest-environment node
import "fake-indexeddb/auto";
import { expect, test, vi } from "vitest";
import { MemoryNotebook, type Notebook, openNotebook } from "../../shared/notes/notebook.ts";
import { EMPTY, join, type Register, standing } from "../../shared/notes/register.ts";
import { SheetDoc } from "./sheet-doc.ts";

let count = 0;
const fresh = (): Promise<Notebook> => openNotebook(`test-${count++}`);

async function docOn(notebook: Notebook, replica = "laptop00", now?: () => number): Promise<SheetDoc> {
  const registers = await notebook.registers("s");
  return new SheetDoc({ id: "s", notebook, replica, registers, ...(now === undefined ? {} : { now }) });
}

test("every keystroke is on the disk before anything else happens, and a new page finds it", async () => {
  const notebook = await fresh();
  expect(notebook.volatile).toBeNull();
  const doc = await docOn(notebook);
  for (const text of ["H", "Họ", "Học", "Học sinh"]) doc.set([["row.a.pupils", text]], "row.a.pupils");
  expect(doc.disk.value).toBe("saving");
  expect(doc.atRisk).toBe(true);
  await doc.settled();
  expect(doc.disk.value).toBe("saved");
  expect(doc.atRisk).toBe(false);
  const again = await docOn(notebook);
  expect(again.value("row.a.pupils")).toBe("Học sinh");
  expect([...(await again.unsent()).keys()]).toEqual(["row.a.pupils"]);
});

test("a clock that was set back does not make new words older than old ones", async () => {
  const notebook = await fresh();
  const before = await docOn(notebook, "laptop00", () => 1_700_000_000_000);
  before.set([["close.advice", "Trước"]]);
  await before.settled();
  const after = await docOn(notebook, "laptop00", () => 1_600_000_000_000);
  after.set([["close.advice", "Sau"]]);
  await after.settled();
  expect((await docOn(notebook)).value("close.advice")).toBe("Sau");
});

test("two tabs on one disk lose nothing, though they hear of each other only there", async () => {
  const notebook = await fresh();
  const [one, two] = [await docOn(notebook, "tab00001"), await docOn(notebook, "tab00002")];
  one.set([["row.a.pupils", "Thẻ một"]]);
  two.set([["row.a.pupils", "Thẻ hai"]]);
  two.set([["row.b.pupils", "Dòng khác"]]);
  await Promise.all([one.settled(), two.settled()]);
  const register = (await notebook.registers("s")).get("row.a.pupils");
  expect(register?.heads.map(([, value]) => value).sort()).toEqual(["Thẻ hai", "Thẻ một"]);
  expect(standing((await notebook.registers("s")).get("row.b.pupils"))).toBe("Dòng khác");
});

test("typing is one undo, a later action another, and what somebody else wrote is not undone", async () => {
  let now = 0;
  const doc = await docOn(new MemoryNotebook(), "laptop00", () => now);
  for (const text of ["T", "Tố", "Tốt"]) {
    now += 100;
    doc.set([["row.a.remark", text]], "row.a.remark");
  }
  now += 10_000;
  doc.set([["row.a.gone", true]]);
  doc.undo();
  expect([doc.value("row.a.gone"), doc.value("row.a.remark")]).toEqual([null, "Tốt"]);
  doc.redo();
  expect(doc.value("row.a.gone")).toBe(true);
  doc.undo();
  doc.undo();
  expect(doc.value("row.a.remark")).toBeNull();
  doc.redo();
  expect(doc.value("row.a.remark")).toBe("Tốt");

  doc.set([["close.limits", "Của tôi"]]);
  const other = new SheetDoc({
    id: "s",
    notebook: new MemoryNotebook(),
    replica: "phone000",
    registers: new Map(doc.all),
  });
  other.set([["close.limits", "Của điện thoại"]]);
  doc.take(other.all);
  doc.undo();
  expect(doc.value("close.limits")).toBe("Của điện thoại");
});

test("a disk that is full is said at once, and the words go to the server all the same", async () => {
  vi.useFakeTimers();
  const full = new MemoryNotebook();
  let refuses = true;
  const merge = full.merge.bind(full);
  full.merge = async (...args) => {
    if (refuses) throw new DOMException("full", "QuotaExceededError");
    return merge(...args);
  };
  const doc = await docOn(full);
  doc.set([["row.a.pupils", "Chưa mất"]]);
  await doc.settled();
  expect([doc.disk.value, doc.atRisk]).toEqual(["failed", true]);
  const unsent = await doc.unsent();
  expect(standing(unsent.get("row.a.pupils"))).toBe("Chưa mất");
  // The server has it now: closing the page would lose nothing.
  doc.acknowledged(unsent);
  expect(doc.atRisk).toBe(false);
  doc.set([["row.a.pupils", "Chưa mất gì"]]);
  refuses = false;
  await vi.advanceTimersByTimeAsync(6000);
  await doc.settled();
  expect([doc.disk.value, doc.atRisk]).toEqual(["saved", false]);
  vi.useRealTimers();
});

test("what the server acknowledges is not sent again, but what was typed meanwhile is", async () => {
  const notebook = await fresh();
  const doc = await docOn(notebook);
  doc.set([["row.a.pupils", "Một"]]);
  await doc.settled();
  const sent = await doc.unsent();
  doc.set([["row.a.pupils", "Một hai"]]);
  await doc.settled();
  await notebook.acknowledge("s", sent);
  expect(standing((await doc.unsent()).get("row.a.pupils"))).toBe("Một hai");
  await notebook.acknowledge("s", await doc.unsent());
  expect((await doc.unsent()).size).toBe(0);
});

test("a server that was restored from a backup gets back what it lost", async () => {
  const notebook = await fresh();
  const doc = await docOn(notebook);
  doc.set([
    ["row.a.pupils", "Một"],
    ["row.b.pupils", "Hai"],
  ]);
  await doc.settled();
  await notebook.acknowledge("s", await doc.unsent());
  const backup = new Map<string, Register>([
    ["row.a.pupils", join(EMPTY, doc.all.get("row.a.pupils") ?? EMPTY)],
  ]);
  await notebook.compare("s", backup);
  expect([...(await doc.unsent()).keys()]).toEqual(["row.b.pupils"]);
});

test("a keystroke leaves every other row the object it was, so that only its own is drawn anew", async () => {
  const doc = await docOn(await fresh());
  for (const row of ["a", "b", "c"]) doc.set([[`row.${row}.pupils`, `Dòng ${row}`]]);
  const before = doc.view.value.rows;
  doc.set([["row.b.pupils", "Dòng b, sửa"]]);
  const after = doc.view.value.rows;
  expect(after.map((row, index) => row === before[index])).toEqual([true, false, true]);
  expect(after[1]?.pupils).toBe("Dòng b, sửa");
});
