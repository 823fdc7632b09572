import { expect, test } from "vitest";
import { linkWithToken, tokenFromFragment } from "./token.ts";

const TOKEN = "0123456789ABCDEFGHJKMNPQRS";

test("a link's token comes back out of its fragment", () => {
  const link = new URL(linkWithToken("https://cau.example", "diem-cau", TOKEN));
  expect(tokenFromFragment(link.hash)).toBe(TOKEN);
  expect(link.pathname + link.search).toBe("/diem-cau");
});

test("a token is found beside other words of the fragment", () => {
  expect(tokenFromFragment(`#lang=en&t=${TOKEN}`)).toBe(TOKEN);
});

test("a cut-off, empty or foreign fragment is no token", () => {
  for (const fragment of [
    "",
    "#",
    "#t=",
    `#t=${TOKEN.slice(1)}`,
    `#xt=${TOKEN}`,
    "#t=<script>alert(1)</script>",
  ]) {
    expect([fragment, tokenFromFragment(fragment)]).toEqual([fragment, null]);
  }
});
