/** The phone page's words. */
import commonEn from "../shared/i18n/en/common.json";
import phoneEn from "../shared/i18n/en/phone.json";
import commonVi from "../shared/i18n/vi/common.json";
import phoneVi from "../shared/i18n/vi/phone.json";
import type { Problem } from "../shared/protocol.ts";
import { language, pageWords } from "../shared/ui/language.tsx";

export const t = pageWords({ vi: { ...commonVi, ...phoneVi }, en: { ...commonEn, ...phoneEn } });

/** The relay's own sentence in the page's language. */
export function sentence(problem: Problem): string {
  return language.value === "vi" ? problem.detail_vi : problem.detail;
}
