import commonEn from "../shared/i18n/en/common.json";
import notesEn from "../shared/i18n/en/notes.json";
import reviewEn from "../shared/i18n/en/review.json";
import commonVi from "../shared/i18n/vi/common.json";
import notesVi from "../shared/i18n/vi/notes.json";
import reviewVi from "../shared/i18n/vi/review.json";
import { pageWords } from "../shared/ui/language.tsx";

export type Key = keyof typeof commonVi | keyof typeof notesVi | keyof typeof reviewVi;

export const t = pageWords<Key>({
  vi: { ...commonVi, ...notesVi, ...reviewVi },
  en: { ...commonEn, ...notesEn, ...reviewEn },
});
