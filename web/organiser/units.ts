/** The hierarchy of units as a tree: Sở → cụm → trường, any depth, names are data. Pure. */
import type { Unit } from "../shared/lesson-protocol.ts";
import type { Place } from "../shared/protocol.ts";

export interface UnitNode {
  readonly unit: Unit;
  readonly children: readonly UnitNode[];
  /** Places in it and below it. */
  readonly places: readonly Place[];
  readonly depth: number;
}

/** Trees by name; a unit whose parent is unknown stands at the top, so that nothing is ever lost from sight. */
export function unitTree(units: readonly Unit[], places: readonly Place[]): readonly UnitNode[] {
  const known = new Set(units.map(({ id }) => id));
  const childrenOf = (parent: string | null): Unit[] =>
    units
      .filter((unit) => (unit.parent !== null && known.has(unit.parent) ? unit.parent : null) === parent)
      .sort((a, b) => a.name.localeCompare(b.name, "vi"));
  const node = (unit: Unit, depth: number): UnitNode => {
    const children = childrenOf(unit.id).map((child) => node(child, depth + 1));
    const own = places.filter((place) => place.unit === unit.id);
    return { unit, children, places: [...own, ...children.flatMap((child) => child.places)], depth };
  };
  return childrenOf(null).map((unit) => node(unit, 0));
}

/** Every node, a parent before its children; only below open ones when `open` is given. */
export function flatten(nodes: readonly UnitNode[], open?: ReadonlySet<string>): readonly UnitNode[] {
  return nodes.flatMap((node) => [
    node,
    ...(open === undefined || open.has(node.unit.id) ? flatten(node.children, open) : []),
  ]);
}

/** Names from the top down to the unit; empty for an unknown one. */
export function unitPath(units: readonly Unit[], id: string | null | undefined): readonly string[] {
  const path: string[] = [];
  let current = units.find((unit) => unit.id === id);
  // The server refuses loops; a page must not hang on one all the same.
  while (current !== undefined && path.length < units.length) {
    path.unshift(current.name);
    const { parent } = current;
    current = units.find((unit) => unit.id === parent);
  }
  return path;
}

/** Ids of the unit and everything below it. */
export function within(units: readonly Unit[], id: string): ReadonlySet<string> {
  const found = new Set([id]);
  let grown = true;
  while (grown) {
    grown = false;
    for (const unit of units) {
      if (unit.parent === null || !found.has(unit.parent) || found.has(unit.id)) continue;
      found.add(unit.id);
      grown = true;
    }
  }
  return found;
}

/** Levels in use, the most frequent first: what the next unit is likely to be. */
export function levelsOf(units: readonly Unit[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { level } of units) counts.set(level, (counts.get(level) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([level]) => level);
}

/** Partners of a unit by name. */
export function partnersOf(
  units: readonly Unit[],
  partners: readonly (readonly string[])[],
  id: string,
): readonly string[] {
  return partners
    .filter((pair) => pair.includes(id))
    .flatMap((pair) => pair.filter((other) => other !== id))
    .map((other) => units.find((unit) => unit.id === other)?.name ?? "…");
}

export type Ticked = "all" | "some" | "none";

/** How a unit's box is ticked when these places are chosen. */
export function tickOf(node: UnitNode, chosen: ReadonlySet<string>): Ticked {
  const count = node.places.filter(({ id }) => chosen.has(id)).length;
  if (count === 0) return "none";
  return count === node.places.length ? "all" : "some";
}

/** Ticking or clearing a unit ticks or clears every place in it. */
export function toggleUnit(node: UnitNode, chosen: ReadonlySet<string>): ReadonlySet<string> {
  const next = new Set(chosen);
  const on = tickOf(node, chosen) !== "all";
  for (const { id } of node.places) {
    if (on) next.add(id);
    else next.delete(id);
  }
  return next;
}

/** What each level is called from the top, as deep as the rooms reach; the commonest word where units of one level differ. */
export function levelWords(
  rooms: readonly { readonly units: readonly string[] }[],
  units: readonly Unit[],
): readonly string[] {
  const deepest = Math.max(0, ...rooms.map((room) => room.units.length));
  const counts: Map<string, number>[] = [];
  for (const unit of units) {
    const level = unitPath(units, unit.id).length - 1;
    const words = counts[level] ?? new Map<string, number>();
    words.set(unit.level, (words.get(unit.level) ?? 0) + 1);
    counts[level] = words;
  }
  return Array.from({ length: deepest }, (_, level) => {
    const words = [...(counts[level] ?? [])].sort(([, a], [, b]) => b - a);
    return words[0]?.[0] ?? String(level + 1);
  });
}
