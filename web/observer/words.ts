import commonEn from "../shared/i18n/en/common.json";
import observerEn from "../shared/i18n/en/observer.json";
import commonVi from "../shared/i18n/vi/common.json";
import observerVi from "../shared/i18n/vi/observer.json";
import { pageWords } from "../shared/ui/language.tsx";

export type Key = keyof typeof commonVi | keyof typeof observerVi;

export const t = pageWords<Key>({ vi: { ...commonVi, ...observerVi }, en: { ...commonEn, ...observerEn } });
