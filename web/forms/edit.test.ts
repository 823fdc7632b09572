import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { itemsOf } from "../shared/notes/form.ts";
import { checkForm } from "../shared/notes/form-check.ts";
import { emptyForm, freshId, newItem, raised, readForm, replaced, slug } from "./edit.ts";

test("a title becomes a plain name that nobody else has", () => {
  expect(slug("Mẫu 11 tiêu chí – Đánh giá", [])).toBe("mau-11-tieu-chi-danh-gia");
  expect(slug("Mẫu", ["mau", "mau-2"])).toBe("mau-3");
  expect(slug("???", [])).toBe("mau");
});

test("a new criterion never takes the name of one that is there", () => {
  expect(freshId("c", ["c1", "c2", "c4"])).toBe("c3");
  const form = { ...emptyForm("Mẫu"), groups: [{ name: "Một", items: [{ id: "c1", text: "a", max: 1 }] }] };
  expect(newItem(form).id).toBe("c2");
});

test("entries are replaced, taken out and moved", () => {
  expect(replaced(["a", "b", "c"], 1, "x")).toEqual(["a", "x", "c"]);
  expect(replaced(["a", "b", "c"], 1, undefined)).toEqual(["a", "c"]);
  expect(raised(["a", "b", "c"], 2)).toEqual(["a", "c", "b"]);
  expect(raised(["a", "b"], 0)).toEqual(["a", "b"]);
});

test("a built-in form survives being exported and imported", () => {
  const text = readFileSync(new URL("../../crates/notes/forms/vn-12-20.json", import.meta.url), "utf8");
  const form = readForm(text);
  expect(form === null ? null : checkForm(form)).toEqual([]);
  expect(form === null ? 0 : itemsOf(form).length).toBe(12);
  expect(readForm(JSON.stringify(form))).toEqual(form);
});

test("the short shape of a form that schools share is read", () => {
  const form = readForm(
    '{"title":"Mẫu 11","groups":[{"name":"A","items":[["Một",2],["Hai",1.5]]}],"bands":[{"min":0,"name":"Đạt"}]}',
  );
  expect(form?.groups[0]?.items).toEqual([
    { id: "c1", text: "Một", max: 2 },
    { id: "c2", text: "Hai", max: 1.5 },
  ]);
});

test("what is no form is not taken for one", () => {
  for (const text of [
    "",
    "[]",
    "{}",
    '{"title":"x","groups":7}',
    '{"title":"x","groups":[{"items":[["a","b"]]}]}',
  ]) {
    expect([text, readForm(text)]).toEqual([text, null]);
  }
});
