import commonEn from "../shared/i18n/en/common.json";
import formsEn from "../shared/i18n/en/forms.json";
import commonVi from "../shared/i18n/vi/common.json";
import formsVi from "../shared/i18n/vi/forms.json";
import { pageWords } from "../shared/ui/language.tsx";

export type Key = keyof typeof commonVi | keyof typeof formsVi;

export const t = pageWords<Key>({ vi: { ...commonVi, ...formsVi }, en: { ...commonEn, ...formsEn } });
