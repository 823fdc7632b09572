/**
 * Turns Vite's `<script type="module">` into a classic deferred script, and fails the build when the script holds syntax
 * newer than the oldest TV browser reads: there a syntax error is a black screen with no word on it.
 */
import { type ecmaVersion, parse } from "acorn";
import type { Plugin } from "vite";

export function classicScript(options: { ecmaVersion: ecmaVersion }): Plugin {
  return {
    name: "classic-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (html) =>
        html
          .replace(/<script type="module" crossorigin/g, "<script defer")
          .replace(/<link rel="stylesheet" crossorigin/g, '<link rel="stylesheet"'),
    },
    generateBundle(_output, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk") continue;
        try {
          parse(file.code, { ecmaVersion: options.ecmaVersion, sourceType: "script" });
        } catch (error) {
          this.error(`${file.fileName} is not ES${options.ecmaVersion}: ${String(error)}`);
        }
      }
    },
  };
}
