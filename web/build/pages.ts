/**
 * The pages and the address each answers at. The server serves `/day` from `day.html`; the development server does
 * the same through `prettyAddresses`, so that a link works unchanged in both.
 */
import type { Plugin } from "vite";

/** Pages built as ES modules for current browsers. */
export const MODERN_PAGES = [
  "index",
  "day",
  "du-gio",
  "to-chuc",
  "phong",
  "rut-kinh-nghiem",
  "mau-phieu",
] as const;

/** The page built as one classic script for old TV browsers. */
export const TV_PAGE = "diem-cau";

/** Rewrites `/day` to `/day.html` and so on in the development server. */
export function prettyAddresses(): Plugin {
  const pages = new Set<string>([...MODERN_PAGES, TV_PAGE]);
  return {
    name: "pretty-addresses",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path = "", query] = (request.url ?? "").split("?");
        if (pages.has(path.slice(1))) request.url = `${path}.html${query ? `?${query}` : ""}`;
        next();
      });
    },
  };
}
