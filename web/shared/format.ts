/** Numbers and times as a Vietnamese or English reader writes them, without ICU data that old TVs leave out. */
import type { Lang } from "./protocol.ts";

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Time since a start: `07:05`, from an hour on `1:07:05`. Negative spans read as zero. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${two(minutes)}:${rest}`;
}

/** Time of day, 24 hours: `07:30`. */
export function formatTime(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

const WEEKDAYS: { [L in Lang]: readonly string[] } = {
  vi: ["Chủ nhật", "Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy"],
  en: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
};

/** `Thứ Hai, 23/11/2026` or `Monday, 23/11/2026`. */
export function formatDate(at: Date, lang: Lang): string {
  return `${WEEKDAYS[lang][at.getDay()]}, ${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()}`;
}

/** `2,1` in Vietnamese, `2.1` in English. */
export function formatDecimal(value: number, digits: number, lang: Lang): string {
  const text = value.toFixed(digits);
  return lang === "vi" ? text.replace(".", ",") : text;
}

/** A rate for people: `850 kbit/s`, `2,1 Mbit/s`. */
export function formatRate(kbps: number, lang: Lang): string {
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${formatDecimal(kbps / 1000, 1, lang)} Mbit/s`;
}

/** How long something has been so, in the least space: `40s`, `12′`, `1h05`. */
export function formatSince(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}′` : `${Math.floor(minutes / 60)}h${two(minutes % 60)}`;
}
