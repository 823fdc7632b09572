/** How picture and sheet share the window. Pure but for remembering. */

export type Arrangement = "side" | "corner" | "wide";

/** Share of the picture in percent of the width. */
export const SHARE = { least: 22, most: 70, usual: 42, step: 3 } as const;

export function clampShare(percent: number): number {
  return Math.round(Math.min(SHARE.most, Math.max(SHARE.least, percent)));
}

/** Where the arrow keys, Home and End move the border; `null` for other keys. */
export function shareAfterKey(percent: number, key: string): number | null {
  switch (key) {
    case "ArrowLeft":
      return clampShare(percent - SHARE.step);
    case "ArrowRight":
      return clampShare(percent + SHARE.step);
    case "Home":
      return SHARE.least;
    case "End":
      return SHARE.most;
    default:
      return null;
  }
}

const KEY = "nhipcau.observer.arrangement";

export function rememberedArrangement(): { kind: Arrangement; share: number } {
  try {
    const [kind, share] = (localStorage.getItem(KEY) ?? "").split(" ");
    const known: Arrangement = kind === "corner" || kind === "wide" ? kind : "side";
    return { kind: known, share: clampShare(Number(share) || SHARE.usual) };
  } catch {
    return { kind: "side", share: SHARE.usual };
  }
}

export function rememberArrangement(kind: Arrangement, share: number): void {
  try {
    localStorage.setItem(KEY, `${kind} ${share}`);
  } catch {
    // The next page begins as usual.
  }
}
