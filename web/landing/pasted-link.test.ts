import { expect, test } from "vitest";
import { openableLink } from "./pasted-link.ts";

const token = "0123456789ABCDEFGHJKMNPQRS";
const here = "https://cau.example.vn";

test("a link pasted with the words of the message around it opens", () => {
  expect(openableLink(`Gửi cô: https://cau.example.vn/day#t=${token} nhé`, here)).toBe(
    `${here}/day#t=${token}`,
  );
});

test("a link to another address of the server opens here", () => {
  expect(openableLink(`http://192.168.1.5:8080/du-gio#t=${token}`, here)).toBe(`${here}/du-gio#t=${token}`);
});

test("half a link, an unknown page or no link at all opens nothing", () => {
  for (const pasted of [
    "",
    `${here}/day`,
    `${here}/day#t=${token.slice(3)}`,
    `${here}/admin#t=${token}`,
    token,
  ]) {
    expect([pasted, openableLink(pasted, here)]).toEqual([pasted, null]);
  }
});
