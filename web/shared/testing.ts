/** Stand-ins for the browser in unit tests. */
import { vi } from "vitest";

/** Gives the code under test a `window` and a `document` that can be told to fire events. */
export function fakeBrowser(): { wake: () => void; restore: () => void } {
  const page = new EventTarget();
  vi.stubGlobal("window", page);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  return {
    wake: () => page.dispatchEvent(new Event("online")),
    restore: () => vi.unstubAllGlobals(),
  };
}
