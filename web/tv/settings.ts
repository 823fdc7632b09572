/** The settings overlay as data: rows of choices, one focus, moved by four arrows. Pure. */
import type { Lang } from "../shared/protocol.ts";
import { SAVER_KBPS, SAVER_MB } from "../shared/weak-link.ts";
import type { LayoutChoice } from "./layout.ts";

export type SettingsAction =
  | { kind: "language"; lang: Lang }
  | { kind: "layout"; layout: LayoutChoice }
  | { kind: "sound"; on: boolean }
  | { kind: "saver"; kbps: number | null }
  | { kind: "megabytes"; mb: number | null }
  | { kind: "hand"; up: boolean }
  | { kind: "camera"; on: boolean }
  | { kind: "run_check" }
  | { kind: "test_sound" }
  | { kind: "fullscreen" }
  | { kind: "pair" }
  | { kind: "close" };

export interface Focus {
  readonly row: number;
  readonly column: number;
}

/** What an open overlay remembers. `armed`: "pair again" was pressed once and asks for a second press. */
export interface SettingsState {
  readonly focus: Focus;
  readonly armed: boolean;
}

export interface SettingsContext {
  readonly paired: boolean;
  readonly fullscreenPossible: boolean;
  /** Where the room's hand is; `null`: it can raise none now. */
  readonly hand?: "up" | "down" | null;
  /** There may be a camera and microphone at this screen. */
  readonly camera?: boolean;
  /** The screen may check itself now. */
  readonly check?: boolean;
}

export const OPENED: SettingsState = { focus: { row: 0, column: 0 }, armed: false };

/** Rows from top to bottom; a row that means nothing now is not there. */
export function settingsRows(context: SettingsContext): readonly (readonly SettingsAction[])[] {
  const rows: SettingsAction[][] = [];
  const { hand } = context;
  if (hand !== undefined && hand !== null) rows.push([{ kind: "hand", up: hand === "down" }]);
  rows.push([
    { kind: "language", lang: "vi" },
    { kind: "language", lang: "en" },
  ]);
  if (context.paired) {
    rows.push(
      [
        { kind: "layout", layout: "auto" },
        { kind: "layout", layout: "slides" },
        { kind: "layout", layout: "teacher" },
      ],
      [
        { kind: "sound", on: true },
        { kind: "sound", on: false },
      ],
    );
  }
  if (context.paired) {
    rows.push(
      SAVER_KBPS.map((kbps): SettingsAction => ({ kind: "saver", kbps })),
      SAVER_MB.map((mb): SettingsAction => ({ kind: "megabytes", mb })),
    );
  }
  if (context.paired && context.camera === true) {
    rows.push([
      { kind: "camera", on: true },
      { kind: "camera", on: false },
    ]);
  }
  if (context.paired && context.check === true) rows.push([{ kind: "run_check" }, { kind: "test_sound" }]);
  if (context.fullscreenPossible) rows.push([{ kind: "fullscreen" }]);
  if (context.paired) rows.push([{ kind: "pair" }]);
  rows.push([{ kind: "close" }]);
  return rows;
}

/** Moves within the rows and stops at their ends; moving away disarms. */
export function moveFocus(
  state: SettingsState,
  rows: readonly (readonly SettingsAction[])[],
  key: "up" | "down" | "left" | "right",
): SettingsState {
  const rowStep = key === "down" ? 1 : key === "up" ? -1 : 0;
  const columnStep = key === "right" ? 1 : key === "left" ? -1 : 0;
  const row = clamp(state.focus.row + rowStep, rows.length);
  const column = clamp(state.focus.column + columnStep, rows[row]?.length ?? 1);
  return { focus: { row, column }, armed: false };
}

/** The action under the focus. */
export function focusedAction(
  state: SettingsState,
  rows: readonly (readonly SettingsAction[])[],
): SettingsAction | null {
  return rows[state.focus.row]?.[state.focus.column] ?? null;
}

function clamp(value: number, length: number): number {
  return Math.min(Math.max(0, value), length - 1);
}
