/**
 * Long offers travel packed: Chromium writes 17 kB for five streams, which a village's uplink carries in two to four seconds, and gzip
 * makes 1.7 kB of them.
 */

export interface Packed {
  readonly body: BodyInit;
  /** Besides those the body needs anyway. */
  readonly headers: { readonly [name: string]: string };
}

/** Less fits into a few packets as it is. */
const WORTHWHILE = 2000;

/** The body as it should travel; as it is where the browser cannot pack (before Chromium 80). */
export async function packed(body: string): Promise<Packed> {
  const plain = { body, headers: {} };
  if (body.length < WORTHWHILE || typeof CompressionStream !== "function") return plain;
  try {
    const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
    return { body: await new Response(stream).blob(), headers: { "Content-Encoding": "gzip" } };
  } catch {
    return plain;
  }
}
