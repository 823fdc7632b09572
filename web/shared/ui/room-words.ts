/** A room's state in words, icons and tones, the same on the host's list and the organiser's board. */

import good from "lucide-static/icons/circle-check.svg?raw";
import absent from "lucide-static/icons/circle-dashed.svg?raw";
import lifeBuoy from "lucide-static/icons/life-buoy.svg?raw";
import waiting from "lucide-static/icons/monitor.svg?raw";
import frozen from "lucide-static/icons/snowflake.svg?raw";
import gone from "lucide-static/icons/unplug.svg?raw";
import noSound from "lucide-static/icons/volume-x.svg?raw";
import weak from "lucide-static/icons/wifi-low.svg?raw";
import { type Severity, STATES, severityOf } from "../board.ts";
import type boardVi from "../i18n/vi/board.json";
import type { Translate } from "../i18n.ts";
import type { HelpKind, RoomState, Tile } from "../lesson-protocol.ts";
import type { Tone } from "./state-pill.tsx";

/** A page's words; they contain those of `i18n/…/board.json`. */
export type BoardWords = Translate<keyof typeof boardVi>;

export const STATE_ICONS: { readonly [S in RoomState]: string } = {
  good,
  weak,
  no_sound: noSound,
  frozen,
  gone,
  waiting,
  absent,
};

export const HELP_ICONS: { readonly [K in HelpKind]: string } = {
  no_sound: noSound,
  frozen,
  help: lifeBuoy,
};

const TONES: { readonly [S in Severity]: Tone } = { ok: "ok", warn: "warn", bad: "bad", idle: "idle" };

export function toneOf(state: RoomState): Tone {
  return TONES[severityOf(state)];
}

/** The order in which a person reads the state of all rooms aloud: first how many are well. */
const SPOKEN: readonly RoomState[] = ["good", ...STATES.filter((state) => state !== "good")];

/** "187 phòng tốt, 9 mạng yếu, 4 mất tiếng": how all rooms are, in one line that can be read aloud. */
export function summaryLine(counts: { readonly [S in RoomState]: number }, t: BoardWords): string {
  const parts = SPOKEN.filter((state) => counts[state] > 0).map((state) =>
    t(`board.sum.${state}`, { count: counts[state] }),
  );
  return parts.length === 0 ? t("board.sum.none") : parts.join(", ");
}

/** Why it is so and what to do, in one or two sentences. */
export function adviceOf(tile: Pick<Tile, "cause" | "next">, t: BoardWords): string {
  const why = tile.cause === null ? "" : t(`board.cause.${tile.cause}`);
  const what = tile.next === null ? "" : t(`board.next.${tile.next}`);
  return [why, what].filter((part) => part !== "").join(" ");
}
