import commonEn from "../shared/i18n/en/common.json";
import tvEn from "../shared/i18n/en/tv.json";
import commonVi from "../shared/i18n/vi/common.json";
import tvVi from "../shared/i18n/vi/tv.json";
import { type Dictionaries, type Translate, translator } from "../shared/i18n.ts";
import type { Lang } from "../shared/protocol.ts";

export type Key = keyof typeof commonVi | keyof typeof tvVi;
export type Words = Translate<Key>;

const DICTIONARIES: Dictionaries<Key> = {
  vi: Object.assign({}, commonVi, tvVi),
  en: Object.assign({}, commonEn, tvEn),
};

export function wordsIn(lang: Lang): Words {
  return translator(DICTIONARIES, () => lang);
}
