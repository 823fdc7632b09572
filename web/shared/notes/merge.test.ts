/** The merge rules against the cases Rust answers too, and against histories of tabs, phones, retries and wrong clocks. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  EMPTY,
  type Json,
  join,
  type Register,
  readRegister,
  same,
  siblingsOf,
  standing,
  write,
} from "./register.ts";
import { viewSheet } from "./sheet.ts";
import { stampOf, TickClock } from "./stamp.ts";

type Copy = { readonly [key: string]: Register };

interface Fixture {
  readonly histories: readonly {
    readonly copies: readonly Copy[];
    readonly joined: Copy;
    readonly view: Json;
  }[];
  readonly clocks: readonly {
    readonly heard: readonly string[];
    readonly wall: readonly number[];
    readonly ticks: readonly string[];
  }[];
}

const fixture = JSON.parse(
  readFileSync(new URL("../../../tests/fixtures/notes/merging.json", import.meta.url), "utf8"),
) as Fixture;

function joinCopies(copies: readonly Copy[]): Map<string, Register> {
  const all = new Map<string, Register>();
  for (const copy of copies) {
    for (const [key, register] of Object.entries(copy)) all.set(key, join(all.get(key) ?? EMPTY, register));
  }
  return all;
}

test("the browser joins every shared case as the server does, in any order and twice", () => {
  expect(fixture.histories.length).toBeGreaterThan(5);
  for (const { copies, joined, view } of fixture.histories) {
    for (const order of [copies, [...copies].reverse(), [...copies, ...copies]]) {
      const found = joinCopies(order);
      expect(Object.fromEntries(found)).toEqual(joined);
      expect(viewSheet(found)).toEqual(view);
    }
  }
});

test("the browser's clock ticks as the server's does", () => {
  for (const { heard, wall, ticks } of fixture.clocks) {
    const clock = new TickClock();
    for (const tick of heard) clock.hear(tick);
    expect(wall.map((millis) => clock.tick(millis))).toEqual(ticks);
  }
});

const DEVICES = 4;
type Step =
  | { kind: "write"; device: number; wall: number }
  | { kind: "send"; from: number }
  | { kind: "arrive"; copy: number; at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), device: fc.nat(DEVICES - 1), wall: fc.nat(2000) }),
  fc.record({ kind: fc.constant("send" as const), from: fc.nat(DEVICES - 1) }),
  fc.record({ kind: fc.constant("arrive" as const), copy: fc.nat(50), at: fc.nat(DEVICES - 1) }),
);

test("whatever the network does every copy ends the same and no word is lost", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const copies = Array.from({ length: DEVICES }, () => EMPTY);
      const clocks = Array.from({ length: DEVICES }, () => new TickClock());
      const knows = Array.from({ length: DEVICES }, () => new Set<number>());
      const written: Set<number>[] = [];
      const underWay: { register: Register; knows: Set<number> }[] = [];
      const arrive = (at: number, sent: { register: Register; knows: Set<number> }): void => {
        copies[at] = join(copies[at] ?? EMPTY, sent.register);
        for (const tick of Object.values(sent.register.seen)) clocks[at]?.hear(tick);
        for (const known of sent.knows) knows[at]?.add(known);
      };
      const send = (from: number) => ({ register: copies[from] ?? EMPTY, knows: new Set(knows[from]) });
      for (const now of steps) {
        if (now.kind === "write") {
          const tick = clocks[now.device]?.tick(now.wall) ?? "";
          copies[now.device] = write(
            copies[now.device] ?? EMPTY,
            stampOf(tick, `device0${now.device}`),
            written.length,
          );
          knows[now.device]?.add(written.length);
          written.push(new Set([...(knows[now.device] ?? [])].filter((known) => known !== written.length)));
        } else if (now.kind === "send") {
          underWay.push(send(now.from));
        } else if (underWay.length > 0) {
          const sent = underWay[now.copy % underWay.length];
          if (sent !== undefined) arrive(now.at, sent);
        }
      }
      for (let turn = 0; turn < 2; turn++) {
        for (let from = 0; from < DEVICES; from++)
          for (let at = 0; at < DEVICES; at++) arrive(at, send(from));
      }
      const [first = EMPTY, ...others] = copies;
      for (const copy of others) expect(same(first, copy)).toBe(true);
      const replaced = new Set(written.flatMap((known) => [...known]));
      const mustStand = written.map((_, number) => number).filter((number) => !replaced.has(number));
      expect(first.heads.map(([, value]) => value).sort()).toEqual(mustStand.sort());
    }),
    { numRuns: 300 },
  );
});

test("a text written in two tabs at once is kept twice until somebody decides", () => {
  const laptop = write(EMPTY, stampOf("0000000010000", "laptop00"), "Giao nhiệm vụ");
  const phone = write(EMPTY, stampOf("0000000020000", "phone000"), "Chia nhóm");
  const both = join(laptop, phone);
  expect(standing(both)).toBe("Chia nhóm");
  expect(siblingsOf(both)).toEqual(["Giao nhiệm vụ"]);
  const decided = write(both, stampOf("0000000030000", "laptop00"), "Giao nhiệm vụ, chia nhóm");
  expect(join(phone, decided).heads).toEqual(decided.heads);
});

test("what is not a register is not taken for one", () => {
  for (const bad of [
    null,
    7,
    {},
    { heads: [], seen: null },
    { heads: [["x", 1]], seen: {} },
    { heads: [], seen: { ab: "c" } },
  ]) {
    expect(readRegister(bad)).toBeNull();
  }
  expect(readRegister(JSON.parse(JSON.stringify(EMPTY)))).toEqual(EMPTY);
});
