/** Which part of the organiser's page is open: in the address, so that back, reload and bookmarks work. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { parseRoute, type Route, routeSearch } from "./address.ts";

const current = signal<Route>(parseRoute(location.search));
addEventListener("popstate", () => {
  current.value = parseRoute(location.search);
});

export const route: ReadonlySignal<Route> = current;

export function go(to: Route): void {
  // The fragment holds the token and must stay.
  history.pushState(null, "", `${location.pathname}${routeSearch(to)}${location.hash}`);
  current.value = to;
  scrollTo(0, 0);
}
