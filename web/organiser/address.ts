/** The parts of the organiser's page as addresses. */

export type Route = { kind: "lessons" } | { kind: "lesson"; id: string } | { kind: "places" };

/** Reads `?lesson=…` or `?places`; anything else is the list of lessons. */
export function parseRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const lesson = query.get("lesson");
  if (lesson !== null && /^[0-9a-z]{13}$/.test(lesson)) return { kind: "lesson", id: lesson };
  return query.has("places") ? { kind: "places" } : { kind: "lessons" };
}

export function routeSearch(route: Route): string {
  switch (route.kind) {
    case "lessons":
      return "";
    case "lesson":
      return `?lesson=${route.id}`;
    case "places":
      return "?places";
    default:
      return route satisfies never;
  }
}
