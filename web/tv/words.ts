import checkEn from "../shared/i18n/en/check.json";
import commonEn from "../shared/i18n/en/common.json";
import tvEn from "../shared/i18n/en/tv.json";
import weakEn from "../shared/i18n/en/weak.json";
import checkVi from "../shared/i18n/vi/check.json";
import commonVi from "../shared/i18n/vi/common.json";
import tvVi from "../shared/i18n/vi/tv.json";
import weakVi from "../shared/i18n/vi/weak.json";
import { type Dictionaries, type Translate, translator } from "../shared/i18n.ts";
import type { Lang } from "../shared/protocol.ts";

export type Key = keyof typeof commonVi | keyof typeof checkVi | keyof typeof tvVi | keyof typeof weakVi;
export type Words = Translate<Key>;

const DICTIONARIES: Dictionaries<Key> = {
  vi: Object.assign({}, commonVi, checkVi, tvVi, weakVi),
  en: Object.assign({}, commonEn, checkEn, tvEn, weakEn),
};

export function wordsIn(lang: Lang): Words {
  return translator(DICTIONARIES, () => lang);
}

const PROBLEMS: readonly string[] = ["denied", "missing", "busy"];

/** Why camera and microphone do not open, as far as somebody with a remote control can do something about it. */
export function deviceProblem(problem: string, t: Words): string {
  return t((PROBLEMS.indexOf(problem) >= 0 ? `tv.device.${problem}` : "tv.device.failed") as Key);
}
