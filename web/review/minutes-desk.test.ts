import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HttpRefusal } from "../shared/http.ts";
import { MINUTES_FIELDS, type Minutes, type MinutesInfo } from "../shared/notes/api.ts";
import { MinutesDesk } from "./minutes-desk.ts";

const EMPTY = Object.fromEntries(MINUTES_FIELDS.map((field) => [field, ""])) as unknown as Minutes;

/** A server that keeps one version and says when somebody writes over another. */
class Office {
  info: MinutesInfo = { revision: 0, minutes: EMPTY, draft: EMPTY } as MinutesInfo;
  away = false;
  async minutes(): Promise<MinutesInfo> {
    if (this.away) throw new TypeError("no network");
    return this.info;
  }
  async saveMinutes(_lesson: string, revision: number, minutes: Minutes): Promise<MinutesInfo> {
    if (this.away) throw new TypeError("no network");
    if (revision !== this.info.revision)
      throw new HttpRefusal(409, { code: "conflict", detail: "", detail_vi: "" } as never, null);
    this.info = { ...this.info, revision: revision + 1, minutes };
    return this.info;
  }
}

const kept = new Map<string, string>();

beforeEach(() => {
  vi.useFakeTimers();
  kept.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened(office: Office): Promise<MinutesDesk> {
  const desk = new MinutesDesk(office, "lesson");
  await vi.advanceTimersByTimeAsync(0);
  return desk;
}

test("what is written is on the server a moment later, and on the machine until then", async () => {
  const office = new Office();
  const desk = await opened(office);
  office.away = true;
  desk.write("conclusion", "Thống nhất");
  await vi.advanceTimersByTimeAsync(3000);
  expect(desk.state.value).toBe("unsaved");
  // The tab is closed; another one goes on with the words.
  office.away = false;
  const again = await opened(office);
  await vi.advanceTimersByTimeAsync(100);
  expect(again.state.value).toBe("saved");
  expect(office.info.minutes.conclusion).toBe("Thống nhất");
});

test("rows of the timeline stand in the minutes once each, below what was there", async () => {
  const desk = await opened(new Office());
  desk.write("strengths", "– Bao quát lớp");
  for (let press = 0; press < 2; press++) desk.add("strengths", "– Câu hỏi gợi mở (Cô Lan, 12:41)");
  expect(desk.minutes.value?.strengths).toBe("– Bao quát lớp\n– Câu hỏi gợi mở (Cô Lan, 12:41)");
});

test("a draft taken by mistake gives back what people had written", async () => {
  const office = new Office();
  const desk = await opened(office);
  desk.write("strengths", "Hai mươi phút chữ của tôi");
  desk.write("conclusion", "Thống nhất");
  // Sheets were shared since the page was opened.
  office.info = { ...office.info, draft: { ...EMPTY, strengths: "– Từ phiếu mới" } };
  await desk.takeDraft();
  expect(desk.minutes.value).toMatchObject({ strengths: "– Từ phiếu mới", conclusion: "Thống nhất" });
  desk.takeBack();
  expect(desk.minutes.value?.strengths).toBe("Hai mươi phút chữ của tôi");
  await vi.advanceTimersByTimeAsync(3000);
  expect(office.info.minutes.strengths).toBe("Hai mươi phút chữ của tôi");
});

test("two organisers do not overwrite each other without knowing", async () => {
  const office = new Office();
  const [one, other] = [await opened(office), await opened(office)];
  one.write("chair", "Cô Hà");
  await vi.advanceTimersByTimeAsync(1500);
  kept.clear();
  other.write("secretary", "Thầy Đức");
  await vi.advanceTimersByTimeAsync(1500);
  expect(other.state.value).toBe("conflict");
  expect(office.info.minutes).toMatchObject({ chair: "Cô Hà", secretary: "" });
  await other.keepMine();
  expect(office.info.minutes).toMatchObject({ chair: "", secretary: "Thầy Đức" });
});
