/**
 * Tells when it is worth trying again at once: the network came back, somebody looks at the page again, or the machine woke
 * up. Sleep has no event of its own; a timer that fires late by seconds is the sign that works in every browser.
 */

const TICK_MS = 2000;
/** A throttled background tab fires once a second, an intensively throttled one once a minute; both count as waking. */
const GAP_MS = 8000;

/** Calls `listener` at every sign; the returned function stops it. */
export function onWake(listener: () => void): () => void {
  const onVisible = (): void => {
    if (document.visibilityState === "visible") listener();
  };
  let tickedAt = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - tickedAt > GAP_MS) listener();
    tickedAt = now;
  }, TICK_MS);
  window.addEventListener("online", listener);
  window.addEventListener("pageshow", listener);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    clearInterval(timer);
    window.removeEventListener("online", listener);
    window.removeEventListener("pageshow", listener);
    document.removeEventListener("visibilitychange", onVisible);
  };
}
