import { describe, expect, test } from "vitest";
import { fill, placeholders, translator } from "./i18n.ts";

type Words = { [key: string]: string };
const vi = import.meta.glob<Words>("./i18n/vi/*.json", { eager: true, import: "default" });
const en = import.meta.glob<Words>("./i18n/en/*.json", { eager: true, import: "default" });

function room(path: string): string {
  return path.replace(/^.*\//, "");
}

function byRoom(files: Record<string, Words>): Map<string, Words> {
  return new Map(Object.entries(files).map(([path, words]) => [room(path), words]));
}

describe("the two languages", () => {
  const english = byRoom(en);
  test("have the same files", () => {
    expect([...byRoom(en).keys()].sort()).toEqual([...byRoom(vi).keys()].sort());
  });
  for (const [file, vietnamese] of byRoom(vi)) {
    test(`say the same things in ${file}`, () => {
      expect(Object.keys(english.get(file) ?? {}).sort()).toEqual(Object.keys(vietnamese).sort());
    });
    test(`leave the same blanks in ${file}`, () => {
      for (const [key, text] of Object.entries(vietnamese)) {
        expect([key, placeholders(english.get(file)?.[key] ?? "")]).toEqual([key, placeholders(text)]);
      }
    });
    test(`leave no sentence empty in ${file}`, () => {
      for (const words of [vietnamese, english.get(file) ?? {}]) {
        for (const [key, text] of Object.entries(words))
          expect([key, text.trim().length > 0]).toEqual([key, true]);
      }
    });
  }
  test("never call a teacher bạn", () => {
    for (const words of Object.values(vi)) {
      for (const [key, text] of Object.entries(words))
        expect([key, /\bbạn\b/i.test(text)]).toEqual([key, false]);
    }
  });
});

test("a placeholder is filled, and one without a value stays visible", () => {
  expect(fill("nối lại sau {seconds} giây, lần {attempt}", { seconds: 12 })).toBe(
    "nối lại sau 12 giây, lần {attempt}",
  );
});

test("changing the language changes the next word", () => {
  let lang: "vi" | "en" = "vi";
  const t = translator({ vi: { hello: "Chào" }, en: { hello: "Hello" } }, () => lang);
  expect(t("hello")).toBe("Chào");
  lang = "en";
  expect(t("hello")).toBe("Hello");
});
