import { defineConfig } from "vite";
import { classicScript } from "./build/classic-script.ts";
import { TV_PAGE } from "./build/pages.ts";

/**
 * The classroom TV page: one classic script and one stylesheet for Chromium 53 (LG webOS 4, Samsung 2018). It is a build of
 * its own because modules, shared chunks and `import()` do not exist there.
 */
export default defineConfig({
  plugins: [classicScript({ ecmaVersion: 2016 })],
  build: {
    outDir: "dist",
    emptyOutDir: false,
    // Not "chrome53": the syntax floor is ES2016, and the transform knows language years exactly.
    target: "es2016",
    cssTarget: "chrome53",
    // One linked stylesheet: split styles of a classic script would be injected by the script, after the first paint.
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: `${TV_PAGE}.html`,
      output: { format: "iife" },
    },
  },
});
