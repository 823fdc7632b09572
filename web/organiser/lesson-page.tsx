/** One lesson: what happens in it now, starting and ending it, and who is invited. */
import back from "lucide-static/icons/arrow-left.svg?raw";
import flask from "lucide-static/icons/flask-conical.svg?raw";
import pencil from "lucide-static/icons/pencil.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Lesson, SLOTS } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { language } from "../shared/ui/language.tsx";
import { PlaceList, RosterSum } from "../shared/ui/place-list.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { Board } from "./board.ts";
import { Confirm } from "./confirm.tsx";
import { Invitations } from "./invitations.tsx";
import { LessonForm } from "./lesson-form.tsx";
import { LessonLine } from "./lesson-line.ts";
import { LESSON_LOOKS, whenText } from "./lesson-words.ts";
import { go } from "./route.ts";
import { t } from "./words.ts";

export function LessonPage({ board, id }: { board: Board; id: string }): JSX.Element | null {
  const line = useMemo(() => new LessonLine(board.token, id), [board, id]);
  useEffect(() => () => line.close(), [line]);
  const listed = board.lessons.value?.find((candidate) => candidate.id === id);
  const lesson = line.lesson.value ?? listed ?? null;
  if (lesson === null) return null;
  return (
    <>
      {board.managesServer ? (
        <div class="org-back">
          <Button kind="quiet" icon={back} onClick={() => go({ kind: "lessons" })}>
            {t("org.lesson.back")}
          </Button>
        </div>
      ) : null}
      <Head board={board} line={line} lesson={lesson} />
      <div class="lesson-columns">
        <Invitations board={board} lesson={lesson} />
        <Now line={line} lesson={lesson} />
      </div>
    </>
  );
}

type PartProps = { board: Board; line: LessonLine; lesson: Lesson };

function Head({ board, line, lesson }: PartProps): JSX.Element {
  const [open, show] = useState<"edit" | "delete" | null>(null);
  const ended = lesson.state === "ended";
  return (
    <section class="lesson-head">
      <div class="lesson-name">
        <h1>{lesson.title}</h1>
        <p class="lesson-when">
          {[lesson.host_place, whenText(lesson)].filter((part) => part !== null).join(" · ")}
        </p>
        <div class="lesson-tools">
          <StatePill {...LESSON_LOOKS[lesson.state]} announce>
            {t(`lesson.${lesson.state}`)}
          </StatePill>
          {ended ? null : (
            <Button kind="quiet" icon={pencil} onClick={() => show("edit")}>
              {t("org.lesson.edit")}
            </Button>
          )}
          {lesson.state === "live" ? null : (
            <Button kind="quiet" icon={trash} onClick={() => show("delete")}>
              {t("org.lesson.delete")}
            </Button>
          )}
        </div>
      </div>
      <StateButtons line={line} lesson={lesson} />
      {open === "edit" ? (
        <LessonForm
          lesson={lesson}
          onClose={() => show(null)}
          onSave={(draft) => {
            void board.editLesson(lesson.id, draft).then((saved) => {
              if (saved !== null) show(null);
            });
          }}
        />
      ) : null}
      {open === "delete" ? (
        <Confirm
          title={t("org.lesson.delete.question")}
          consequence={t("org.lesson.delete.advice", { title: lesson.title })}
          action={t("org.lesson.delete")}
          onClose={() => show(null)}
          onConfirm={() => {
            void board.deleteLesson(lesson.id).then((deleted) => {
              if (deleted) go({ kind: "lessons" });
            });
          }}
        />
      ) : null}
    </section>
  );
}

function StateButtons({ line, lesson }: Omit<PartProps, "board">): JSX.Element | null {
  const [asked, ask] = useState(false);
  const offline = line.status.value.kind !== "open";
  const problem = line.problem.value;
  const sentence = problem === null ? null : language.value === "vi" ? problem.detail_vi : problem.detail;
  return (
    <div class="lesson-buttons">
      {lesson.state === "scheduled" ? (
        <Button icon={flask} disabled={offline} onClick={() => line.wish("lesson.test")}>
          {t("org.lesson.test")}
        </Button>
      ) : null}
      {lesson.state === "test_run" ? (
        <Button icon={square} disabled={offline} onClick={() => line.wish("lesson.end")}>
          {t("org.lesson.test.stop")}
        </Button>
      ) : null}
      {lesson.state === "scheduled" || lesson.state === "test_run" ? (
        <Button icon={play} disabled={offline} onClick={() => line.wish("lesson.start")}>
          {t("org.lesson.start")}
        </Button>
      ) : null}
      {lesson.state === "live" ? (
        <Button kind="danger" icon={square} disabled={offline} onClick={() => ask(true)}>
          {t("org.lesson.end")}
        </Button>
      ) : null}
      <p class="lesson-problem" role="status">
        {sentence}
      </p>
      {asked ? (
        <Confirm
          title={t("org.lesson.end.question")}
          consequence={t("org.lesson.end.advice", { count: line.connected })}
          action={t("org.lesson.end")}
          stay={t("org.lesson.end.stay")}
          onClose={() => ask(false)}
          onConfirm={() => line.wish("lesson.end")}
        />
      ) : null}
    </div>
  );
}

function Now({ line, lesson }: Omit<PartProps, "board">): JSX.Element | null {
  const summary = line.places.value;
  if (lesson.state === "ended") return null;
  const sent = SLOTS.filter((slot) => line.slots.value[slot] !== undefined);
  return (
    <section class="now" aria-labelledby="now">
      <h2 id="now">{t("org.lesson.now")}</h2>
      <p class="now-fact">
        {sent.length === 0
          ? t("org.lesson.sending.nothing")
          : t("org.lesson.sending", { what: sent.map((slot) => t(`org.sending.${slot}`)).join(", ") })}
      </p>
      {summary === null ? (
        <p>{t("org.lesson.now.wait")}</p>
      ) : summary.lines.length === 0 ? (
        <p>{t("roster.empty")}</p>
      ) : (
        <>
          <RosterSum summary={summary} t={t} />
          <PlaceList lines={summary.lines} t={t} />
        </>
      )}
      {line.observers > 0 ? <p class="now-fact">{t("roster.observers", { count: line.observers })}</p> : null}
    </section>
  );
}
