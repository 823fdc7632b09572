/**
 * Finds what the oldest TV browser does not have: globals, statics and methods that came later, used without first asking
 * whether they are there. Syntax is `classic-script.ts`'s business; what cannot be told by its name alone (a property that an
 * older interface has too) is the browser tests', which take the newer APIs out of Chromium and open the page.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CompatData, CompatStatement, Identifier } from "@mdn/browser-compat-data";
import { type AnyNode, type ecmaVersion, type Identifier as Name, parse } from "acorn";
import { ancestor } from "acorn-walk";
import type { Plugin } from "vite";

/** The first Chrome version that has each thing; `Infinity`: none. */
interface Known {
  globals: Map<string, number>;
  /** Members by the global that holds them: `Promise.allSettled`, `navigator.wakeLock`. */
  statics: Map<string, Map<string, number>>;
  /** Members of any interface by name alone: the earliest one counts. */
  members: Map<string, number>;
}

/** Objects every page has, by the interface whose members they show. */
const INSTANCES = new Map([
  ["navigator", "Navigator"],
  ["document", "Document"],
  ["window", "Window"],
  ["self", "Window"],
  ["location", "Location"],
  ["history", "History"],
  ["screen", "Screen"],
  ["performance", "Performance"],
  ["crypto", "Crypto"],
  ["localStorage", "Storage"],
  ["sessionStorage", "Storage"],
]);

function since(compat: CompatStatement | undefined): number {
  const chrome = compat?.support.chrome;
  const first = (Array.isArray(chrome) ? chrome : [chrome]).filter(
    (one) => one && !one.flags && !one.prefix && !one.alternative_name,
  );
  const versions = first.map((one) => {
    const version = one?.version_added;
    return typeof version === "string"
      ? Number.parseFloat(version.replace("≤", ""))
      : Number.POSITIVE_INFINITY;
  });
  const earliest = Math.min(...versions, Number.POSITIVE_INFINITY);
  return Number.isNaN(earliest) ? Number.POSITIVE_INFINITY : earliest;
}

function keepEarliest(map: Map<string, number>, name: string, version: number): void {
  map.set(name, Math.min(map.get(name) ?? Number.POSITIVE_INFINITY, version));
}

/** What MDN's data say of every API. */
export function known(): Known {
  // Read, not imported: bundlers would turn twenty megabytes of JSON into a module first.
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  const bcd = JSON.parse(readFileSync(file, "utf8")) as CompatData;
  const found: Known = { globals: new Map(), statics: new Map(), members: new Map() };
  for (const interfaces of [bcd.api, bcd.javascript.builtins as Identifier]) {
    for (const [name, entry] of Object.entries(interfaces)) {
      if (name === "__compat") continue;
      const holder = entry as Identifier;
      keepEarliest(found.globals, name, since(holder.__compat));
      const own = found.statics.get(name) ?? new Map<string, number>();
      found.statics.set(name, own);
      for (const [member, of] of Object.entries(holder)) {
        if (member === "__compat" || member.endsWith("_event")) continue;
        const version = since((of as Identifier).__compat);
        const plain = member.replace(/_static$/, "");
        keepEarliest(own, plain, version);
        if (!member.endsWith("_static")) keepEarliest(found.members, plain, version);
      }
    }
  }
  // `setTimeout` and its like are members of the window and bare names at once.
  for (const [name, version] of found.statics.get("Window") ?? []) keepEarliest(found.globals, name, version);
  return found;
}

/** One use that was not asked for first. */
export interface Unguarded {
  what: string;
  since: number;
  at: { line: number; column: number };
}

export interface Floor {
  /** The oldest Chrome. */
  readonly chrome: number;
  readonly syntax: ecmaVersion;
  /** Methods of our own that only share a name with a newer one. */
  readonly ours: readonly string[];
  /** Names that other code has asked for before these lines run, and which. */
  readonly askedElsewhere: Readonly<Record<string, string>>;
}

/** Every unguarded use of something newer than the floor. */
export function unguarded(code: string, api: Known, floor: Floor): Unguarded[] {
  const found: Unguarded[] = [];
  const program = parse(code, { ecmaVersion: floor.syntax, sourceType: "script", locations: true });
  const declared = declarations(program);
  const report = (
    node: AnyNode,
    ancestors: AnyNode[],
    what: string,
    name: string,
    version: number | undefined,
  ) => {
    if (version === undefined || version <= floor.chrome || name in floor.askedElsewhere) return;
    if (isGuarded(name, ancestors)) return;
    const start = node.loc?.start ?? { line: 0, column: 0 };
    found.push({ what, since: version, at: { line: start.line, column: start.column } });
  };
  ancestor(program, {
    Identifier(node, _state, ancestors) {
      // acorn-walk comes here for expressions only, not for property names or declarations.
      if (!declared.has(node.name)) report(node, ancestors, node.name, node.name, api.globals.get(node.name));
    },
    MemberExpression(node, _state, ancestors) {
      if (node.computed || node.property.type !== "Identifier") return;
      const name = node.property.name;
      // Reading what is not there gives `undefined`; using that is the fault.
      const user = ancestors.at(-2);
      const isCalled =
        (user?.type === "CallExpression" || user?.type === "NewExpression") && user.callee === node;
      const isOpened = user?.type === "MemberExpression" && user.object === node;
      if (!isCalled && !isOpened) return;
      const holder =
        node.object.type === "Identifier" && !declared.has(node.object.name) ? node.object.name : undefined;
      const shows = holder === undefined ? undefined : api.statics.get(INSTANCES.get(holder) ?? holder);
      if (shows !== undefined) {
        // `window.name` for a global of another kind: an interface is a member of the window, too.
        const version =
          shows.get(name) ?? (INSTANCES.get(holder ?? "") === "Window" ? api.globals.get(name) : undefined);
        // What the holder has from an interface above it is known by its name alone.
        report(node, ancestors, `${holder}.${name}`, name, version ?? api.members.get(name));
        return;
      }
      if (isCalled && !floor.ours.includes(name))
        report(node, ancestors, `.${name}()`, name, api.members.get(name));
    },
  });
  return found;
}

/** Every name the script itself declares anywhere. A minifier's short names hide no API: those are longer. */
function declarations(program: AnyNode): Set<string> {
  const names = new Set<string>();
  const pattern = (node: AnyNode | null): void => {
    switch (node?.type) {
      case "Identifier":
        names.add(node.name);
        break;
      case "ArrayPattern":
        node.elements.forEach(pattern);
        break;
      case "ObjectPattern":
        for (const property of node.properties)
          pattern(property.type === "Property" ? property.value : property.argument);
        break;
      case "AssignmentPattern":
        pattern(node.left);
        break;
      case "RestElement":
        pattern(node.argument);
        break;
      default:
    }
  };
  ancestor(program, {
    VariableDeclarator: (node) => pattern(node.id),
    Function(node) {
      pattern(node.id ?? null);
      node.params.forEach(pattern);
    },
    Class: (node) => pattern(node.id ?? null),
    CatchClause: (node) => pattern(node.param ?? null),
  });
  return names;
}

/** Whether a use asks for the name itself, or stands where something before it has asked. */
function isGuarded(name: string, ancestors: AnyNode[]): boolean {
  // Looking at a bare name that is not there throws; only `typeof` may.
  if (ancestors.at(-1)?.type === "Identifier" && isTypeof(ancestors.at(-2))) return true;
  for (let index = ancestors.length - 1; index > 0; index -= 1) {
    const node = ancestors[index] as AnyNode;
    const parent = ancestors[index - 1] as AnyNode;
    switch (parent.type) {
      case "LogicalExpression":
        if (parent.left !== node && mentions(parent.left, name)) return true;
        break;
      case "ConditionalExpression":
      case "IfStatement":
        if (parent.test !== node && mentions(parent.test, name)) return true;
        break;
      case "BlockStatement":
      case "Program": {
        const before = parent.body.slice(0, parent.body.indexOf(node as never));
        if (
          before.some(
            (one) => one.type === "IfStatement" && leaves(one.consequent) && mentions(one.test, name),
          )
        )
          return true;
        break;
      }
      case "TryStatement":
        if (parent.block === node && parent.handler) return true;
        break;
      default:
    }
  }
  return false;
}

function isTypeof(node: AnyNode | undefined): boolean {
  return node?.type === "UnaryExpression" && node.operator === "typeof";
}

function leaves(node: AnyNode): boolean {
  if (node.type === "BlockStatement") return node.body.some(leaves);
  return (
    node.type === "ReturnStatement" || node.type === "ThrowStatement" || node.type === "ContinueStatement"
  );
}

function mentions(node: AnyNode, name: string): boolean {
  let found = false;
  const look = (other: string) => {
    found ||= other === name;
  };
  ancestor(node, {
    Identifier: (one: Name) => look(one.name),
    MemberExpression(one) {
      if (one.property.type === "Identifier") look(one.property.name);
    },
    // `"name" in object`
    Literal: (one) => look(String(one.value)),
  });
  return found;
}

/** Fails the build over unguarded uses. */
export function oldBrowser(floor: Floor): Plugin {
  return {
    name: "old-browser",
    apply: "build",
    generateBundle(_output, bundle) {
      const api = known();
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk") continue;
        const found = unguarded(file.code, api, floor);
        if (found.length === 0) continue;
        const lines = found.map(
          ({ what, since, at }) => `  ${what} (Chrome ${since}), ${file.fileName}:${at.line}:${at.column}`,
        );
        this.error(
          `used without asking whether the browser has it (floor: Chrome ${floor.chrome}):\n${lines.join("\n")}\nAsk first, or say in vite.tv.config.ts whose method it is or where it was asked.`,
        );
      }
    },
  };
}
