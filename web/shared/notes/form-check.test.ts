/** Faulty forms are found where the server finds them: the cases are shared with Rust. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Form } from "./form.ts";
import { checkForm } from "./form-check.ts";

interface Case {
  readonly form: Form;
  /** Where the server finds the first fault; `null`: none. */
  readonly at: string | null;
}

test("the editor refuses what the server refuses, at the same place", () => {
  const path = new URL("../../../tests/fixtures/notes/forms.json", import.meta.url);
  const cases = JSON.parse(readFileSync(path, "utf8")) as readonly Case[];
  expect(cases.length).toBeGreaterThan(12);
  for (const { form, at } of cases) expect(checkForm(form)[0]?.at ?? null).toBe(at);
});
