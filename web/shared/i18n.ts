/**
 * Words on screen. Every page brings its own dictionaries (`i18n/vi/<room>.json`, `i18n/en/<room>.json`), so that a TV does
 * not load the organiser's words; keys are typed from the Vietnamese file.
 */
import type { Lang } from "./protocol.ts";

export type Dictionary = { readonly [key: string]: string };
export type Params = { readonly [name: string]: string | number };

export interface Dictionaries<K extends string> {
  vi: { readonly [key in K]: string };
  en: { readonly [key in K]: string };
}

const STORAGE_KEY = "nhipcau.lang";

/** Replaces `{name}` in `text`; a name without a value stays as it is, so that a mistake is seen. */
export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : String(value);
  });
}

/** Names of the placeholders of `text`, sorted. */
export function placeholders(text: string): string[] {
  return (text.match(/\{\w+\}/g) ?? []).map((name) => name.slice(1, -1)).sort();
}

export type Translate<K extends string> = (key: K, params?: Params) => string;

/** `language` is asked at every call, so a reactive page re-renders when it reads a signal there. */
export function translator<K extends string>(words: Dictionaries<K>, language: () => Lang): Translate<K> {
  return (key, params) => {
    const text = words[language()][key];
    return params === undefined ? text : fill(text, params);
  };
}

/** The language chosen before on this machine, else Vietnamese: a TV set up in English is still in a Vietnamese classroom. */
export function rememberedLanguage(): Lang {
  try {
    return localStorage.getItem(STORAGE_KEY) === "en" ? "en" : "vi";
  } catch {
    return "vi";
  }
}

/** Remembers the choice and tells the browser (screen readers, hyphenation) which language the page speaks now. */
export function rememberLanguage(lang: Lang): void {
  document.documentElement.lang = lang;
  try {
    localStorage.setItem(STORAGE_KEY, lang);
  } catch {
    // Storage may be forbidden (private window, kiosk): the choice then lasts as long as the page.
  }
}
