/** A lesson's state and time in words and looks, the same in the list and on its own page. */

import check from "lucide-static/icons/circle-check.svg?raw";
import clock from "lucide-static/icons/clock.svg?raw";
import flask from "lucide-static/icons/flask-conical.svg?raw";
import radio from "lucide-static/icons/radio.svg?raw";
import { formatDate, formatSpan, formatTime } from "../shared/format.ts";
import type { Lesson, LessonState } from "../shared/protocol.ts";
import { language } from "../shared/ui/language.tsx";
import type { Tone } from "../shared/ui/state-pill.tsx";
import { t } from "./words.ts";

export const LESSON_LOOKS: { readonly [S in LessonState]: { tone: Tone; icon: string } } = {
  scheduled: { tone: "idle", icon: clock },
  test_run: { tone: "warn", icon: flask },
  live: { tone: "live", icon: radio },
  ended: { tone: "idle", icon: check },
};

/** When it is, was or began. */
export function whenText(lesson: Lesson): string {
  const on = (at: number) => ({
    time: formatTime(new Date(at)),
    date: formatDate(new Date(at), language.value),
  });
  const { starts_at, started_at, ended_at } = lesson;
  if (started_at !== null && ended_at !== null) {
    return t("org.lesson.taught", { span: formatSpan(ended_at - started_at), date: on(started_at).date });
  }
  if (started_at !== null) return t("org.lesson.began", on(started_at));
  return starts_at === null ? t("org.lesson.unplanned") : t("org.lesson.planned", on(starts_at));
}
