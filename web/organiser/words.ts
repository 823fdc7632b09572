/** The organiser page's words. */
import boardEn from "../shared/i18n/en/board.json";
import checkEn from "../shared/i18n/en/check.json";
import commonEn from "../shared/i18n/en/common.json";
import organiserEn from "../shared/i18n/en/organiser.json";
import rosterEn from "../shared/i18n/en/roster.json";
import boardVi from "../shared/i18n/vi/board.json";
import checkVi from "../shared/i18n/vi/check.json";
import commonVi from "../shared/i18n/vi/common.json";
import organiserVi from "../shared/i18n/vi/organiser.json";
import rosterVi from "../shared/i18n/vi/roster.json";
import { language, pageWords } from "../shared/ui/language.tsx";
import type { Failure } from "./api.ts";

export const t = pageWords({
  vi: { ...commonVi, ...rosterVi, ...boardVi, ...checkVi, ...organiserVi },
  en: { ...commonEn, ...rosterEn, ...boardEn, ...checkEn, ...organiserEn },
});

/** A failure as a sentence in the page's language. */
export function failureText(failure: Failure): string {
  switch (failure.kind) {
    case "offline":
      return t("org.offline");
    case "refused":
      return language.value === "vi" ? failure.problem.detail_vi : failure.problem.detail;
    case "odd":
      return t("org.odd", { status: failure.status });
    default:
      return failure satisfies never;
  }
}
