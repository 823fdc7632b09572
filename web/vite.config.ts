import { defineConfig } from "vite";
import { MODERN_PAGES, prettyAddresses } from "./build/pages.ts";

/** Where `npm run dev` finds a running server: `NHIPCAU_SERVER=http://127.0.0.1:8080 npm run dev`. */
const server = process.env.NHIPCAU_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [prettyAddresses()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: {
    proxy: {
      "/api": { target: server, ws: true },
      "/whip": server,
      "/whep": server,
      "/session": server,
    },
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        ...Object.fromEntries(MODERN_PAGES.map((page) => [page, `${page}.html`])),
        // A worker's address must not change with its content, and it rules only what lies below it.
        "sw-du-gio": "offline/sw.ts",
      },
      output: {
        entryFileNames: (chunk: { name: string }) =>
          chunk.name === "sw-du-gio" ? "[name].js" : "assets/[name]-[hash].js",
        // Every file is a request on a link with a long round trip. What two pages alone share stays apart: a phone would pay for the
        // organiser's code. An observer loads 7 files of 80 KiB (19 of 83 without groups), a phone 6 of 53 (17 of 53).
        codeSplitting: {
          groups: [
            { name: "icons", test: /lucide-static/, minShareCount: 2 },
            { name: "shared", test: /shared|preact|preload/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  test: {
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules", "dist"],
  },
} as Parameters<typeof defineConfig>[0]);
