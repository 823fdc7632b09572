import { expect, test } from "vitest";
import type { Timeline, TimelineEntry } from "../shared/notes/api.ts";
import {
  authorsOf,
  countEntries,
  filtered,
  minutesLine,
  NO_FILTER,
  paperOfTimeline,
  timelineTable,
} from "./entries.ts";

function entry(author: string, row: string, ms: number, pupils: string, phase = "luyen_tap"): TimelineEntry {
  return {
    sheet: `sheet-${author}`,
    row,
    author,
    unit: "THCS Mèo Vạc",
    at: { ms, q: "picture" },
    phase,
    teacher: "",
    pupils,
    remark: "",
    tags: [],
    pics: [],
  };
}

const timeline: Timeline = {
  title: "Phương trình bậc hai",
  started_at: 0,
  open: true,
  minutes: [
    { minute: -1, entries: [entry("Cô Lan", "a", -5_000, "Ổn định lớp", "khoi_dong")] },
    {
      minute: 2,
      entries: [
        entry("Thầy Đức", "a", 121_000, "Học sinh thảo luận"),
        entry("Cô Lan", "b", 125_000, "Nhóm 2 lúng túng"),
      ],
    },
  ],
  closings: [],
  comments: [
    {
      id: "c",
      author_sheet: null,
      author: "",
      sheet: "sheet-Cô Lan",
      row: "b",
      text: "Vì sao?",
      created_at: 1,
    },
  ],
  phases: { luyen_tap: "Luyện tập", khoi_dong: "Khởi động" },
};

const t = (key: string): string => key;

test("filters take rows away and never lose the others", () => {
  expect(countEntries(filtered(timeline, NO_FILTER))).toBe(3);
  expect(countEntries(filtered(timeline, { ...NO_FILTER, sheet: "sheet-Cô Lan" }))).toBe(2);
  expect(filtered(timeline, { ...NO_FILTER, phase: "luyen_tap" }).map(({ minute }) => minute)).toEqual([2]);
});

test("a row goes into the minutes as one line that says whose it is and when", () => {
  const row = entry("Cô Lan", "b", 125_000, "Nhóm 2 lúng túng\nNhóm 3 xong");
  expect(minutesLine(timeline, row)).toBe("– Nhóm 2 lúng túng; Nhóm 3 xong (Cô Lan, 02:05)");
  expect(minutesLine(timeline, { ...row, remark: "Chia việc rõ hơn" })).toBe(
    "– Chia việc rõ hơn (Cô Lan, 02:05)",
  );
  expect(minutesLine(timeline, { ...row, author: "", at: null })).toBe("– Nhóm 2 lúng túng; Nhóm 3 xong");
});

test("a search finds Vietnamese typed without its marks", () => {
  expect(countEntries(filtered(timeline, { ...NO_FILTER, text: "thao luan" }))).toBe(1);
  expect(countEntries(filtered(timeline, { ...NO_FILTER, text: "Thảo" }))).toBe(1);
  expect(countEntries(filtered(timeline, { ...NO_FILTER, text: "giơ tay" }))).toBe(0);
});

test("the exported table holds every row once, in order, with its comments", () => {
  const [, ...rows] = timelineTable(timeline, t);
  expect(rows.map(([time, author]) => [time, author])).toEqual([
    ["−00:05", "Cô Lan"],
    ["02:01", "Thầy Đức"],
    ["02:05", "Cô Lan"],
  ]);
  expect(rows[2]?.at(-1)).toBe("review.comment.organiser: Vì sao?");
  const [table] = paperOfTimeline(timeline, t).blocks;
  expect(table?.kind === "table" && table.rows.length).toBe(5);
});

test("authors are listed once", () => {
  expect(authorsOf(timeline).map(({ name }) => name)).toEqual(["Cô Lan", "Thầy Đức"]);
});
