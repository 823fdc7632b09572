import commonEn from "../shared/i18n/en/common.json";
import observerEn from "../shared/i18n/en/observer.json";
import weakEn from "../shared/i18n/en/weak.json";
import commonVi from "../shared/i18n/vi/common.json";
import observerVi from "../shared/i18n/vi/observer.json";
import weakVi from "../shared/i18n/vi/weak.json";
import { pageWords } from "../shared/ui/language.tsx";

export type Key = keyof typeof commonVi | keyof typeof observerVi | keyof typeof weakVi;

export const t = pageWords<Key>({
  vi: { ...commonVi, ...observerVi, ...weakVi },
  en: { ...commonEn, ...observerEn, ...weakEn },
});
