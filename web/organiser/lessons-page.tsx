/** The list of lessons; on a fresh server, what to do first. */
import chevron from "lucide-static/icons/chevron-right.svg?raw";
import circle from "lucide-static/icons/circle.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { Board } from "./board.ts";
import { LessonForm } from "./lesson-form.tsx";
import { LESSON_LOOKS, whenText } from "./lesson-words.ts";
import { go } from "./route.ts";
import { t } from "./words.ts";

export function LessonsPage({ board }: { board: Board }): JSX.Element | null {
  const [adding, add] = useState(false);
  const lessons = board.lessons.value;
  const places = board.places.value;
  if (lessons === null || places === null) return null;
  const form = adding ? (
    <LessonForm
      lesson={null}
      onClose={() => add(false)}
      onSave={(draft) => {
        void board.createLesson(draft).then((lesson) => {
          if (lesson === null) return;
          add(false);
          go({ kind: "lesson", id: lesson.id, part: null });
        });
      }}
    />
  ) : null;
  if (lessons.length === 0 || places.length === 0) {
    return (
      <>
        <FirstSteps
          hasPlaces={places.length > 0}
          hasLessons={lessons.length > 0}
          onAddLesson={() => add(true)}
        />
        {lessons.length > 0 ? <LessonList lessons={lessons} /> : null}
        {form}
      </>
    );
  }
  return (
    <>
      <div class="org-head">
        <h1>{t("org.lessons")}</h1>
        <Button kind="primary" icon={plus} onClick={() => add(true)}>
          {t("org.lesson.add")}
        </Button>
      </div>
      <LessonList lessons={lessons} />
      {form}
    </>
  );
}

function LessonList({ lessons }: { lessons: readonly Lesson[] }): JSX.Element {
  return (
    <ul class="lessons">
      {lessons.map((lesson) => (
        <li key={lesson.id}>
          <button
            type="button"
            class="lesson-row"
            onClick={() => go({ kind: "lesson", id: lesson.id, part: null })}
          >
            <span class="lesson-what">
              <strong>{lesson.title}</strong>
              <span class="lesson-when">
                {[lesson.host_place, whenText(lesson)].filter((part) => part !== null).join(" · ")}
              </span>
            </span>
            <StatePill {...LESSON_LOOKS[lesson.state]}>{t(`lesson.${lesson.state}`)}</StatePill>
            <Icon svg={chevron} />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface FirstStepsProps {
  hasPlaces: boolean;
  hasLessons: boolean;
  onAddLesson: () => void;
}

/** Three steps from an empty server to a lesson; the first undone one is the button to press. */
function FirstSteps({ hasPlaces, hasLessons, onAddLesson }: FirstStepsProps): JSX.Element {
  const next = !hasPlaces ? "places" : !hasLessons ? "lesson" : "links";
  const step = (name: "places" | "lesson" | "links", done: boolean, action?: () => void): JSX.Element => (
    <li class="step" data-done={done}>
      <Icon svg={done ? check : circle} />
      <div>
        <h2>{t(`org.steps.${name}`)}</h2>
        <p>{done ? t("org.steps.done") : t(`org.steps.${name}.hint`)}</p>
      </div>
      {done || action === undefined ? null : (
        <Button kind={next === name ? "primary" : "secondary"} icon={plus} onClick={action}>
          {t(`org.steps.${name}`)}
        </Button>
      )}
    </li>
  );
  return (
    <section class="steps">
      <h1>{t("org.steps")}</h1>
      <ol>
        {step("places", hasPlaces, () => go({ kind: "places" }))}
        {step("lesson", hasLessons, onAddLesson)}
        {step("links", false)}
      </ol>
    </section>
  );
}
