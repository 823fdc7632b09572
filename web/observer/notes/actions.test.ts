import { expect, test } from "vitest";
import { EMPTY, type Json, join, type Register, write } from "../../shared/notes/register.ts";
import { type Row, viewSheet } from "../../shared/notes/sheet.ts";
import { stampOf, TickClock } from "../../shared/notes/stamp.ts";
import { type Changes, mergeUp, moveRow, newRow, setMoment, settleSibling, toggleTag } from "./actions.ts";

class Paper {
  readonly registers = new Map<string, Register>();
  private readonly clock = new TickClock();
  private readonly replica: string;
  constructor(replica = "laptop00") {
    this.replica = replica;
  }
  stamp(): string {
    return stampOf(this.clock.tick(1000), this.replica);
  }
  write(changes: Changes): void {
    for (const [key, value] of changes)
      this.registers.set(key, write(this.registers.get(key) ?? EMPTY, this.stamp(), value));
  }
  row(ms: number, words: { [field: string]: Json } = {}): string {
    const { id, changes } = newRow({ ms, q: "picture" }, "khoi_dong", this.stamp());
    this.write([
      ...changes,
      ...Object.entries(words).map(([field, value]): [string, Json] => [`row.${id}.${field}`, value]),
    ]);
    return id;
  }
  get rows(): readonly Row[] {
    return viewSheet(this.registers).rows;
  }
  get times(): (number | undefined)[] {
    return this.rows.map((row) => row.at?.ms);
  }
}

test("rows stand in the order of the lesson, also when they are written late", () => {
  const paper = new Paper();
  for (const ms of [3000, 1000, 2000, 1000]) paper.row(ms);
  expect(paper.times).toEqual([1000, 1000, 2000, 3000]);
});

test("a row moves one place and stops at the end", () => {
  const paper = new Paper();
  const [first, , last] = [paper.row(1000), paper.row(2000), paper.row(3000)];
  paper.write(moveRow(paper.registers, paper.rows, first, 1));
  expect(paper.times).toEqual([2000, 1000, 3000]);
  paper.write(moveRow(paper.registers, paper.rows, last, -1));
  paper.write(moveRow(paper.registers, paper.rows, last, -1));
  expect(paper.times).toEqual([3000, 2000, 1000]);
  expect(moveRow(paper.registers, paper.rows, last, -1)).toEqual([]);
});

test("a corrected moment puts the row where it belongs", () => {
  const paper = new Paper();
  paper.row(1000);
  const late = paper.row(2000);
  const row = paper.rows.find(({ id }) => id === late);
  if (row !== undefined) paper.write(setMoment(row, 500, paper.stamp()));
  expect(paper.rows.map(({ at }) => at)).toEqual([
    { ms: 500, q: "hand" },
    { ms: 1000, q: "picture" },
  ]);
});

test("merging keeps every word, tag and picture, and privacy", () => {
  const paper = new Paper();
  const above = paper.row(1000, { teacher: "Giao việc", tags: ["Nhóm"] });
  const below = paper.row(2000, {
    teacher: "Đi quanh lớp",
    pupils: "Thảo luận",
    tags: ["Nhóm", "Quá giờ"],
    pics: ["p1"],
    private: true,
  });
  paper.write(mergeUp(paper.rows, below));
  const view = viewSheet(paper.registers);
  expect(view.rows).toHaveLength(1);
  expect(view.rows[0]).toMatchObject({
    id: above,
    teacher: "Giao việc\nĐi quanh lớp",
    pupils: "Thảo luận",
    tags: ["Nhóm", "Quá giờ"],
    pics: ["p1"],
    private: true,
  });
  expect(view.bin.map(({ id }) => id)).toEqual([below]);
  expect(mergeUp(view.rows, above)).toEqual([]);
});

test("a tag goes on and off", () => {
  const paper = new Paper();
  paper.row(1000);
  for (const expected of [["Nhóm"], []]) {
    const [row] = paper.rows;
    if (row !== undefined) paper.write(toggleTag(row, "Nhóm"));
    expect(paper.rows[0]?.tags).toEqual(expected);
  }
});

test("two versions of a cell become one as the writer decides", () => {
  for (const keepBoth of [true, false]) {
    const laptop = new Paper("laptop00");
    const id = laptop.row(1000);
    const phone = new Paper("phone000");
    for (const [key, register] of laptop.registers) phone.registers.set(key, register);
    laptop.write([[`row.${id}.pupils`, "Bản máy tính"]]);
    phone.write([[`row.${id}.pupils`, "Bản điện thoại"]]);
    for (const [key, register] of phone.registers)
      laptop.registers.set(key, join(laptop.registers.get(key) ?? EMPTY, register));
    const [row] = laptop.rows;
    if (row === undefined) throw new Error("the row is gone");
    const [other] = row.siblings;
    expect([row.pupils, other?.text].sort()).toEqual(["Bản máy tính", "Bản điện thoại"].sort());
    laptop.write(settleSibling(row, "pupils", keepBoth));
    expect(laptop.rows[0]?.pupils).toBe(keepBoth ? `${row.pupils}\n${other?.text}` : row.pupils);
    expect(laptop.rows[0]?.siblings).toEqual([]);
  }
});
