/** One lesson: what happens in it now, starting and ending it, and who is invited. */
import back from "lucide-static/icons/arrow-left.svg?raw";
import chart from "lucide-static/icons/chart-column.svg?raw";
import flask from "lucide-static/icons/flask-conical.svg?raw";
import grid from "lucide-static/icons/layout-grid.svg?raw";
import list from "lucide-static/icons/list-checks.svg?raw";
import notebook from "lucide-static/icons/notebook-pen.svg?raw";
import pencil from "lucide-static/icons/pencil.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { boardView } from "../shared/board.ts";
import { type Lesson, SLOTS } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { language } from "../shared/ui/language.tsx";
import { summaryLine } from "../shared/ui/room-words.ts";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { LessonPart } from "./address.ts";
import type { Board } from "./board.ts";
import { BoardPart } from "./board-part.tsx";
import { Confirm } from "./confirm.tsx";
import { Invitations } from "./invitations.tsx";
import { InvitedSection } from "./invited.tsx";
import { LessonForm } from "./lesson-form.tsx";
import { LessonLine } from "./lesson-line.ts";
import { LESSON_LOOKS, whenText } from "./lesson-words.ts";
import { RehearsalPart } from "./rehearsal-part.tsx";
import { ReportPart } from "./report-part.tsx";
import { go } from "./route.ts";
import { t } from "./words.ts";

/** The part shown: the chosen one, else the one that fits what the lesson does now. */
export function partOf(lesson: Lesson, chosen: LessonPart | null): LessonPart {
  if (chosen !== null) return chosen;
  switch (lesson.state) {
    case "scheduled":
      return "prepare";
    case "test_run":
    case "live":
      return "board";
    case "ended":
      return "report";
    default:
      return lesson.state satisfies never;
  }
}

export interface LessonPageProps {
  board: Board;
  id: string;
  part: LessonPart | null;
}

export function LessonPage({ board, id, part }: LessonPageProps): JSX.Element | null {
  const line = useMemo(() => new LessonLine(board.token, id), [board, id]);
  useEffect(() => () => line.close(), [line]);
  const listed = board.lessons.value?.find((candidate) => candidate.id === id);
  const lesson = line.lesson.value ?? listed ?? null;
  if (lesson === null) return null;
  const shown = partOf(lesson, part);
  return (
    <div class="lesson" data-part={shown}>
      <Head board={board} line={line} lesson={lesson} />
      <nav class="parts" aria-label={t("org.part")}>
        {PARTS.map(({ part: name, icon }) => (
          <button
            type="button"
            key={name}
            class="part"
            aria-current={name === shown ? "page" : undefined}
            onClick={() => go({ kind: "lesson", id, part: name })}
          >
            <Icon svg={icon} />
            {t(`org.part.${name}`)}
          </button>
        ))}
      </nav>
      <Part board={board} line={line} lesson={lesson} part={shown} />
    </div>
  );
}

const PARTS: readonly { part: LessonPart; icon: string }[] = [
  { part: "prepare", icon: list },
  { part: "rehearsal", icon: flask },
  { part: "board", icon: grid },
  { part: "report", icon: chart },
];

function Part({ board, line, lesson, part }: PartProps & { part: LessonPart }): JSX.Element {
  switch (part) {
    case "prepare":
      return (
        <div class="lesson-columns">
          <Invitations board={board} lesson={lesson} />
          <div class="lesson-side">
            <InvitedSection board={board} lesson={lesson} />
            <Now line={line} lesson={lesson} />
          </div>
        </div>
      );
    case "rehearsal":
      return <RehearsalPart board={board} line={line} lesson={lesson} />;
    case "board":
      return <BoardPart board={board} line={line} lesson={lesson} />;
    case "report":
      return <ReportPart board={board} lesson={lesson} />;
    default:
      return part satisfies never;
  }
}

type PartProps = { board: Board; line: LessonLine; lesson: Lesson };

function Head({ board, line, lesson }: PartProps): JSX.Element {
  const [open, show] = useState<"edit" | "delete" | null>(null);
  const ended = lesson.state === "ended";
  return (
    <section class="lesson-head">
      <div class="lesson-name">
        <div class="lesson-title">
          {board.managesServer ? (
            <Button kind="quiet" icon={back} onClick={() => go({ kind: "lessons" })}>
              <span class="lesson-back">{t("org.lesson.back")}</span>
            </Button>
          ) : null}
          <h1>{lesson.title}</h1>
        </div>
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
          <a class="button button-quiet" href={`/rut-kinh-nghiem?lesson=${lesson.id}#t=${board.token}`}>
            <Icon svg={notebook} />
            <span>{t("org.lesson.notes")}</span>
          </a>
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
        <Button icon={flask} disabled={offline} onClick={() => line.lead.wish("lesson.test")}>
          {t("org.lesson.test")}
        </Button>
      ) : null}
      {lesson.state === "test_run" ? (
        <Button icon={square} disabled={offline} onClick={() => line.lead.wish("lesson.end")}>
          {t("org.lesson.test.stop")}
        </Button>
      ) : null}
      {lesson.state === "scheduled" || lesson.state === "test_run" ? (
        <Button icon={play} disabled={offline} onClick={() => line.lead.wish("lesson.start")}>
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
          onConfirm={() => line.lead.wish("lesson.end")}
        />
      ) : null}
    </div>
  );
}

function Now({ line, lesson }: Omit<PartProps, "board">): JSX.Element | null {
  if (lesson.state === "ended") return null;
  const { tiles, observers } = line.lead.facts.value;
  const sent = SLOTS.filter((slot) => line.slots.value[slot] !== undefined);
  const view = boardView(tiles?.values() ?? [], { hands: [], filter: "all", found: () => true, level: null });
  return (
    <section class="now" aria-labelledby="now">
      <h2 id="now">{t("org.lesson.now")}</h2>
      <p class="now-fact">
        {sent.length === 0
          ? t("org.lesson.sending.nothing")
          : t("org.lesson.sending", { what: sent.map((slot) => t(`org.sending.${slot}`)).join(", ") })}
      </p>
      <p>{tiles === null ? t("org.lesson.now.wait") : `${summaryLine(view.counts, t)}.`}</p>
      {observers > 0 ? <p class="now-fact">{t("roster.observers", { count: observers })}</p> : null}
    </section>
  );
}
