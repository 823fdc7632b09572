/** The parts of the organiser's page as addresses. */

/** Parts of one lesson's page; `null`: the one that fits the lesson's state. */
export type LessonPart = "prepare" | "board" | "rehearsal" | "report";

export type Route =
  | { kind: "lessons" }
  | { kind: "lesson"; id: string; part: LessonPart | null }
  | { kind: "places" }
  | { kind: "reports" };

const PARTS: readonly string[] = ["prepare", "board", "rehearsal", "report"] satisfies LessonPart[];

/** Reads `?lesson=…&part=…`, `?places` or `?reports`; anything else is the list of lessons. */
export function parseRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const lesson = query.get("lesson");
  if (lesson !== null && /^[0-9a-z]{13}$/.test(lesson)) {
    const part = query.get("part") ?? "";
    return { kind: "lesson", id: lesson, part: PARTS.includes(part) ? (part as LessonPart) : null };
  }
  if (query.has("places")) return { kind: "places" };
  return query.has("reports") ? { kind: "reports" } : { kind: "lessons" };
}

export function routeSearch(route: Route): string {
  switch (route.kind) {
    case "lessons":
      return "";
    case "lesson":
      return `?lesson=${route.id}${route.part === null ? "" : `&part=${route.part}`}`;
    case "places":
      return "?places";
    case "reports":
      return "?reports";
    default:
      return route satisfies never;
  }
}
