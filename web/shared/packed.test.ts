import { afterEach, expect, test, vi } from "vitest";
import { packed } from "./packed.ts";

const OFFER = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n".repeat(300);

afterEach(() => vi.unstubAllGlobals());

test("a long offer travels packed and can be read again", async () => {
  const { body, headers } = await packed(OFFER);
  expect(headers).toEqual({ "Content-Encoding": "gzip" });
  const blob = body as Blob;
  expect(blob.size).toBeLessThan(OFFER.length / 8);
  const stream = blob.stream().pipeThrough(new DecompressionStream("gzip"));
  expect(await new Response(stream).text()).toBe(OFFER);
});

test("a short one, and one of a browser that cannot pack, travels as it is", async () => {
  expect(await packed("a=ice-ufrag:x")).toEqual({ body: "a=ice-ufrag:x", headers: {} });
  vi.stubGlobal("CompressionStream", undefined);
  expect(await packed(OFFER)).toEqual({ body: OFFER, headers: {} });
});
