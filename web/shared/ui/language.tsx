import { signal } from "@preact/signals";
import languages from "lucide-static/icons/languages.svg?raw";
import type { JSX } from "preact";
import {
  type Dictionaries,
  rememberedLanguage,
  rememberLanguage,
  type Translate,
  translator,
} from "../i18n.ts";
import type { Lang } from "../protocol.ts";
import { Button } from "./button.tsx";

/** The language of a Preact page. Reading it (or calling a `t` made below) inside a component subscribes the component. */
export const language = signal<Lang>(rememberedLanguage());

export function setLanguage(lang: Lang): void {
  language.value = lang;
  rememberLanguage(lang);
}

/** `const t = pageWords({ vi: { ...common, ...host }, en: … })` once a page. */
export function pageWords<K extends string>(words: Dictionaries<K>): Translate<K> {
  rememberLanguage(language.peek());
  return translator(words, () => language.value);
}

/** Offers the other language by its own name, so that whoever needs it can read the button. */
export function LanguageToggle(): JSX.Element {
  const other: Lang = language.value === "vi" ? "en" : "vi";
  return (
    <Button kind="quiet" icon={languages} onClick={() => setLanguage(other)}>
      <span lang={other}>{other === "en" ? "English" : "Tiếng Việt"}</span>
    </Button>
  );
}
