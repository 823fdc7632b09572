import commonEn from "../../shared/i18n/en/common.json";
import notesEn from "../../shared/i18n/en/notes.json";
import commonVi from "../../shared/i18n/vi/common.json";
import notesVi from "../../shared/i18n/vi/notes.json";
import { pageWords } from "../../shared/ui/language.tsx";

export type Key = keyof typeof commonVi | keyof typeof notesVi;

export const t = pageWords<Key>({ vi: { ...commonVi, ...notesVi }, en: { ...commonEn, ...notesEn } });
