/** Asking the relay for an ICE restart while nobody knows whether the link is there: often, and without waiting for the last question. */
import { hedged, Unreachable } from "./http.ts";

/** A link that is gone swallows a question without a word; the next one must not wait for it. */
export const RESTART_WITHIN_MS = 2500;
/** The same restart again: the relay answers it the same as long as nothing came of it. */
const AGAIN_MS = 800;
const TIMES = 40;

/**
 * @param ask sends the fragment, with an end after `RESTART_WITHIN_MS`
 * @param isOver nobody wants the answer any more
 * @throws Unreachable when nobody answered for half a minute, or it is over
 */
export async function askForRestart(ask: () => Promise<Response>, isOver: () => boolean): Promise<Response> {
  // Where a question cannot be taken back, the connections it waits in would run out.
  const times = typeof AbortController === "function" ? TIMES : 1;
  try {
    return await hedged(AGAIN_MS, times, () =>
      isOver() ? Promise.reject(new Unreachable("nobody asks any more")) : ask(),
    );
  } catch (error) {
    throw new Unreachable(String(error));
  }
}
