/** Making and changing forms. Pure. */
import type { Band, Form, FreeField, Group, Item, Named } from "../shared/notes/form.ts";
import { itemsOf } from "../shared/notes/form.ts";

/** A plain name for programs out of a title: `Mẫu 11 tiêu chí` becomes `mau-11-tieu-chi`. */
export function slug(title: string, taken: readonly string[]): string {
  const plain = title
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[đĐ]/g, "d")
    .toLowerCase()
    .replace(/[^0-9a-z]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 34)
    .replace(/-+$/, "");
  const base = plain === "" ? "mau" : plain;
  if (!taken.includes(base)) return base;
  for (let number = 2; ; number++) if (!taken.includes(`${base}-${number}`)) return `${base}-${number}`;
}

export function emptyForm(title: string): Form {
  return {
    id: "",
    version: 1,
    title,
    source: "",
    layout: "four",
    step: 0.25,
    groups: [],
    bands: [],
    fields: [],
    phases: [
      { id: "khoi_dong", name: "Khởi động" },
      { id: "hinh_thanh", name: "Hình thành kiến thức" },
      { id: "luyen_tap", name: "Luyện tập" },
      { id: "van_dung", name: "Vận dụng" },
    ],
    tags: ["Câu hỏi hay", "Học sinh tích cực", "Cần hỗ trợ", "Làm việc nhóm"],
  };
}

/** A name nobody in the form has: scores of old sheets must never land on a new criterion. */
export function freshId(prefix: string, known: readonly string[]): string {
  for (let number = 1; ; number++) if (!known.includes(`${prefix}${number}`)) return `${prefix}${number}`;
}

export function newItem(form: Form): Item {
  return {
    id: freshId(
      "c",
      itemsOf(form).map(({ id }) => id),
    ),
    text: "",
    max: 1,
  };
}

export function newField(form: Form): FreeField {
  return {
    id: freshId(
      "f",
      form.fields.map(({ id }) => id),
    ),
    label: "",
  };
}

export function newPhase(form: Form): Named {
  return {
    id: freshId(
      "p",
      form.phases.map(({ id }) => id),
    ),
    name: "",
  };
}

/** The list with `value` in place `index`; `undefined` takes the entry out. */
export function replaced<T>(list: readonly T[], index: number, value: T | undefined): readonly T[] {
  return list.flatMap((entry, place) => (place === index ? (value === undefined ? [] : [value]) : [entry]));
}

/** The list with the entry at `index` one place up. */
export function raised<T>(list: readonly T[], index: number): readonly T[] {
  const [above, entry] = [list[index - 1], list[index]];
  if (above === undefined || entry === undefined) return list;
  return list.map((one, place) => (place === index - 1 ? entry : place === index ? above : one));
}

/** A form from a file: ours, or the short shape some schools share, `{"groups":[{"name","items":[["text",max]]}]}`. */
export function readForm(text: string): Form | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const raw = found as { [name: string]: unknown };
  const title = words(raw.title);
  if (title === "" || !Array.isArray(raw.groups ?? [])) return null;
  const form = emptyForm(title);
  const groups: Group[] = [];
  const ids: string[] = [];
  for (const group of (raw.groups ?? []) as unknown[]) {
    const { name, items } = (group ?? {}) as { name?: unknown; items?: unknown };
    if (!Array.isArray(items)) return null;
    const read: Item[] = [];
    for (const item of items as unknown[]) {
      const [text, max, id] = Array.isArray(item)
        ? [item[0], item[1], undefined]
        : [(item as Item).text, (item as Item).max, (item as Item).id];
      if (typeof max !== "number") return null;
      const known = words(id);
      const own = known !== "" && !ids.includes(known) ? known : freshId("c", ids);
      ids.push(own);
      read.push({ id: own, text: words(text), max });
    }
    groups.push({ name: words(name), items: read });
  }
  const bands = list(raw.bands).map((band): Band => {
    const { min, name, needs } = (band ?? {}) as { min?: unknown; name?: unknown; needs?: unknown };
    const demanded = list(needs).flatMap((need) => {
      const { item, min: least } = (need ?? {}) as { item?: unknown; min?: unknown };
      return typeof item === "string" && typeof least === "number" ? [{ item, min: least }] : [];
    });
    return { min: typeof min === "number" ? min : 0, name: words(name), needs: demanded };
  });
  const named = (value: unknown): readonly { id: string; text: string }[] =>
    list(value).map((entry, index) => {
      const { id, name, label } = (entry ?? {}) as { id?: unknown; name?: unknown; label?: unknown };
      return { id: words(id) || `p${index + 1}`, text: words(name) || words(label) };
    });
  return {
    ...form,
    id: words(raw.id),
    source: words(raw.source),
    layout: raw.layout === "two" ? "two" : "four",
    step: typeof raw.step === "number" ? raw.step : 0.25,
    groups,
    bands,
    fields: named(raw.fields).map(({ id, text }) => ({ id, label: text })),
    phases:
      raw.phases === undefined ? form.phases : named(raw.phases).map(({ id, text }) => ({ id, name: text })),
    tags: list(raw.tags)
      .map(words)
      .filter((tag) => tag !== ""),
  };
}

function words(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
