/** The host page's words. */
import boardEn from "../shared/i18n/en/board.json";
import commonEn from "../shared/i18n/en/common.json";
import hostEn from "../shared/i18n/en/host.json";
import rosterEn from "../shared/i18n/en/roster.json";
import boardVi from "../shared/i18n/vi/board.json";
import commonVi from "../shared/i18n/vi/common.json";
import hostVi from "../shared/i18n/vi/host.json";
import rosterVi from "../shared/i18n/vi/roster.json";
import type { Problem } from "../shared/protocol.ts";
import { language, pageWords } from "../shared/ui/language.tsx";

export const t = pageWords({
  vi: { ...commonVi, ...rosterVi, ...boardVi, ...hostVi },
  en: { ...commonEn, ...rosterEn, ...boardEn, ...hostEn },
});

/** The relay's own sentence in the page's language. */
export function sentence(problem: Problem): string {
  return language.value === "vi" ? problem.detail_vi : problem.detail;
}
