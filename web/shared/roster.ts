/** The places of a lesson as the teacher reads them: one word each, trouble first. */
import type { PathName, PlaceStatus } from "./protocol.ts";

export type PlaceWord = "frozen" | "muted" | "gone" | "connected" | "absent" | "watching";

export interface PlaceLine {
  readonly id: string;
  readonly name: string;
  readonly word: PlaceWord;
  /** How the lesson reaches it, where that is worth a word. */
  readonly path: Detour | null;
}

/** Ways that are slower than the best one. */
export type Detour = Extract<PathName, "webrtc_tcp" | "segments" | "hls">;

export interface RosterSummary {
  readonly lines: readonly PlaceLine[];
  /** Places that were there and are frozen, silent or gone. */
  readonly trouble: number;
  readonly watching: number;
  /** Never seen in this lesson. */
  readonly absent: number;
}

/** Order of the list: what a teacher may have to act on comes first. */
const ORDER: readonly PlaceWord[] = ["frozen", "muted", "gone", "connected", "absent", "watching"];

/**
 * @param seen ids of places that were connected at some time while this page was open: only those can
 *   be "gone"; a place that never came is "absent", which is no alarm.
 */
export function summarise(places: readonly PlaceStatus[], seen: ReadonlySet<string>): RosterSummary {
  const lines = places
    .map((place) => ({
      id: place.id,
      name: place.name,
      word: wordOf(place, seen),
      path: detourOf(place),
    }))
    .sort((a, b) => ORDER.indexOf(a.word) - ORDER.indexOf(b.word) || a.name.localeCompare(b.name, "vi"));
  const count = (...words: PlaceWord[]): number => lines.filter(({ word }) => words.includes(word)).length;
  return {
    lines,
    trouble: count("frozen", "muted", "gone"),
    watching: count("watching"),
    absent: count("absent"),
  };
}

function detourOf({ state, path }: PlaceStatus): Detour | null {
  if (state === "gone") return null;
  return path === "webrtc_tcp" || path === "segments" || path === "hls" ? path : null;
}

function wordOf(place: PlaceStatus, seen: ReadonlySet<string>): PlaceWord {
  if (place.state === "gone") return seen.has(place.id) ? "gone" : "absent";
  if (place.frozen) return "frozen";
  if (place.muted) return "muted";
  return place.state;
}
