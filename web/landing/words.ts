/** The landing page's words. */
import commonEn from "../shared/i18n/en/common.json";
import landingEn from "../shared/i18n/en/landing.json";
import commonVi from "../shared/i18n/vi/common.json";
import landingVi from "../shared/i18n/vi/landing.json";
import { pageWords } from "../shared/ui/language.tsx";

export const t = pageWords({ vi: { ...commonVi, ...landingVi }, en: { ...commonEn, ...landingEn } });
