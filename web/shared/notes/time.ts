/** Moments as people read them. Pure. */
import { formatSpan } from "../format.ts";

/** Time of the lesson, `12:41`; with a minus before it went live, a dash when that is not known. */
export function lessonTime(ms: number, startedAt: number | null): string {
  if (startedAt === null) return "–:––";
  const span = ms - startedAt;
  return span < 0 ? `−${formatSpan(-span)}` : formatSpan(span);
}
