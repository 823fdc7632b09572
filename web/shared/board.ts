/** The board in order: groups by cluster, trouble first, counts for the line that is read aloud. Pure. */

import { tileName } from "./lead-facts.ts";
import type { RoomState, Tile } from "./lesson-protocol.ts";

/** States from the one a class suffers from most to none at all. */
export const STATES: readonly RoomState[] = [
  "frozen",
  "no_sound",
  "gone",
  "weak",
  "waiting",
  "absent",
  "good",
];

/** What the board can be narrowed to. */
export type BoardFilter = "all" | "trouble" | "asks" | RoomState;

export type Severity = "bad" | "warn" | "idle" | "ok";

export function severityOf(state: RoomState): Severity {
  switch (state) {
    case "frozen":
    case "no_sound":
    case "gone":
      return "bad";
    case "weak":
      return "warn";
    case "waiting":
    case "absent":
      return "idle";
    case "good":
      return "ok";
    default:
      return state satisfies never;
  }
}

/** A room on the board that stands for somebody waiting: its helper asked for something, or its hand is up. */
export interface BoardTile {
  readonly tile: Tile;
  readonly name: string;
  /** Position of its hand in the queue, from 1; `null`: it is down. */
  readonly hand: number | null;
  readonly asks: boolean;
}

export interface BoardGroup {
  /** The cluster's name; empty: rooms that belong to none. */
  readonly name: string;
  readonly tiles: readonly BoardTile[];
  /** Rooms of it in trouble. */
  readonly trouble: number;
}

export interface BoardView {
  readonly groups: readonly BoardGroup[];
  /** Rooms of each state, over all rooms, removed ones left out. */
  readonly counts: { readonly [S in RoomState]: number };
  readonly total: number;
  readonly asks: number;
  readonly shown: number;
}

export interface BoardOptions {
  readonly hands: readonly { readonly place: string }[];
  readonly filter: BoardFilter;
  /** Whether a room is found by what was typed. */
  readonly found: (name: string) => boolean;
  /** Which of a room's units names its group: 0 the highest; `null`: one group for all. */
  readonly level: number | null;
}

export function boardView(tiles: Iterable<Tile>, options: BoardOptions): BoardView {
  const counts = { frozen: 0, no_sound: 0, gone: 0, weak: 0, waiting: 0, absent: 0, good: 0 };
  const groups = new Map<string, BoardTile[]>();
  let [total, asks, shown] = [0, 0, 0];
  for (const tile of tiles) {
    const position = options.hands.findIndex(({ place }) => place === tile.id);
    const entry: BoardTile = {
      tile,
      name: tileName(tile),
      hand: position < 0 ? null : position + 1,
      asks: position >= 0 || tile.help.length > 0,
    };
    if (!tile.removed) {
      counts[tile.state] += 1;
      total += 1;
      if (entry.asks) asks += 1;
    }
    if (!passes(entry, options)) continue;
    shown += 1;
    const name = options.level === null ? "" : (tile.units[options.level] ?? "");
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return {
    groups: [...groups].map(([name, members]) => group(name, members)).sort(byTrouble),
    counts,
    total,
    asks,
    shown,
  };
}

function passes({ tile, name, asks }: BoardTile, { filter, found }: BoardOptions): boolean {
  if (!found(`${tile.units.join(" ")} ${name}`)) return false;
  switch (filter) {
    case "all":
      return true;
    case "trouble":
      return !tile.removed && (severityOf(tile.state) === "bad" || severityOf(tile.state) === "warn");
    case "asks":
      return asks;
    default:
      return !tile.removed && tile.state === filter;
  }
}

function group(name: string, members: readonly BoardTile[]): BoardGroup {
  const order = ({ tile }: BoardTile): number => (tile.removed ? STATES.length : STATES.indexOf(tile.state));
  const tiles = [...members].sort(
    (a, b) => order(a) - order(b) || Number(b.asks) - Number(a.asks) || a.name.localeCompare(b.name, "vi"),
  );
  const trouble = tiles.filter(({ tile }) => !tile.removed && severityOf(tile.state) === "bad").length;
  return { name, tiles, trouble };
}

/** Groups with trouble first; rooms of no cluster last. */
function byTrouble(a: BoardGroup, b: BoardGroup): number {
  const rank = (one: BoardGroup): number => (one.trouble > 0 ? 0 : 1);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if ((a.name === "") !== (b.name === "")) return a.name === "" ? 1 : -1;
  return a.name.localeCompare(b.name, "vi");
}

/**
 * The level that groups best: the highest one that tells rooms apart. One Sở over everybody is no group; neither is a group
 * for each room.
 */
export function groupLevel(tiles: readonly Pick<Tile, "units">[]): number | null {
  const deepest = Math.max(0, ...tiles.map(({ units }) => units.length));
  for (let level = 0; level < deepest; level += 1) {
    const names = new Set(tiles.map(({ units }) => units[level] ?? ""));
    if (names.size > 1) return names.size <= Math.max(2, tiles.length * 0.6) ? level : null;
  }
  return null;
}

/** How tiles are laid out. */
export interface BoardFit {
  readonly columns: number;
  /** Height of a tile, px. */
  readonly tilePx: number;
  readonly density: "roomy" | "compact" | "dense";
  /** Group names stand in the flow like a tile, instead of on a line of their own. */
  readonly inline: boolean;
  /** Everything is in sight. */
  readonly fits: boolean;
}

const GAP_PX = 4;
const HEAD_PX = 34;
/** From the most comfortable to the densest that is still legible. */
const DENSITIES: readonly {
  density: BoardFit["density"];
  widthPx: number;
  tilePx: number;
  inline: boolean;
}[] = [
  { density: "roomy", widthPx: 230, tilePx: 64, inline: false },
  { density: "roomy", widthPx: 196, tilePx: 58, inline: false },
  { density: "compact", widthPx: 164, tilePx: 46, inline: false },
  { density: "compact", widthPx: 148, tilePx: 42, inline: true },
  { density: "dense", widthPx: 124, tilePx: 36, inline: true },
  { density: "dense", widthPx: 98, tilePx: 32, inline: true },
];
/** Smaller than is comfortable, for a board that is in sight only so: one that scrolls anyway gains nothing by it. */
const TIGHT: typeof DENSITIES = [
  { density: "dense", widthPx: 98, tilePx: 29, inline: true },
  { density: "dense", widthPx: 88, tilePx: 27, inline: true },
];

/** The most comfortable layout in which all groups are in sight within `width` × `height`, px. */
export function fitBoard(sizes: readonly number[], width: number, height: number): BoardFit {
  let last: BoardFit | null = null;
  for (const [index, { density, widthPx, tilePx, inline }] of [...DENSITIES, ...TIGHT].entries()) {
    const columns = Math.max(1, Math.floor((width + GAP_PX) / (widthPx + GAP_PX)));
    const needed = inline ? inlineHeight(sizes, columns, tilePx) : sectionsHeight(sizes, columns, tilePx);
    const fit = { columns, tilePx, density, inline: inline && sizes.length > 1, fits: needed <= height };
    if (fit.fits) return fit;
    if (index < DENSITIES.length) last = fit;
  }
  return last ?? { columns: 1, tilePx: 64, density: "roomy", inline: false, fits: true };
}

function inlineHeight(sizes: readonly number[], columns: number, tilePx: number): number {
  const heads = sizes.length > 1 ? sizes.length : 0;
  const cells = heads + sizes.reduce((sum, size) => sum + size, 0);
  return Math.ceil(cells / columns) * (tilePx + GAP_PX);
}

function sectionsHeight(sizes: readonly number[], columns: number, tilePx: number): number {
  const head = sizes.length > 1 ? HEAD_PX : 0;
  return sizes.reduce((sum, size) => sum + head + Math.ceil(size / columns) * (tilePx + GAP_PX), 0);
}
