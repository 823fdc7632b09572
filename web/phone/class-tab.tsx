/** The class part: what the helper is asked now, the three calls for help, and the hand. */
import hand from "lucide-static/icons/hand.svg?raw";
import lifeBuoy from "lucide-static/icons/life-buoy.svg?raw";
import snowflake from "lucide-static/icons/snowflake.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import type { JSX } from "preact";
import { formatDate, formatTime } from "../shared/format.ts";
import type { HelpKind } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { Icon } from "../shared/ui/icon.tsx";
import { language } from "../shared/ui/language.tsx";
import { AnswerCard, ClosedCard, ResultsCard } from "./answer-card.tsx";
import type { Phone } from "./phone.ts";
import { CalledCard, CameraAskedCard, CameraOpenCard, SpeakingCard } from "./speak-cards.tsx";
import { helpSince, isOnAir, takesPart } from "./task.ts";
import { t } from "./words.ts";

const HELP: readonly { kind: HelpKind; icon: string }[] = [
  { kind: "no_sound", icon: volumeX },
  { kind: "frozen", icon: snowflake },
  { kind: "help", icon: lifeBuoy },
];

export function ClassTab({ phone }: { phone: Phone }): JSX.Element {
  const lesson = phone.lesson.value;
  const { kind } = phone.task.value;
  const busy = kind !== "idle" && kind !== "closed" && kind !== "camera_open";
  return (
    <div class="phone-class" data-busy={busy}>
      <section class="phone-task" aria-live="polite">
        <TaskCard phone={phone} />
      </section>
      {takesPart(lesson) ? <HelpButtons phone={phone} /> : null}
      {isOnAir(lesson) && kind !== "called" && kind !== "speaking" ? <HandButton phone={phone} /> : null}
    </div>
  );
}

function TaskCard({ phone }: { phone: Phone }): JSX.Element {
  const task = phone.task.value;
  switch (task.kind) {
    case "called":
      return <CalledCard phone={phone} />;
    case "speaking":
      return <SpeakingCard phone={phone} task={task} />;
    case "camera_asked":
      return <CameraAskedCard phone={phone} />;
    case "camera_open":
      return <CameraOpenCard phone={phone} />;
    case "question":
      return (
        <AnswerCard key={task.question.no} phone={phone} question={task.question} answer={task.answer} />
      );
    case "results":
      return <ResultsCard question={task.question} answer={task.answer} />;
    case "closed":
      return <ClosedCard answered={task.answered} />;
    case "idle":
      return <IdleCard lesson={phone.lesson.value ?? phone.ended.value} />;
    default:
      return task satisfies never;
  }
}

function IdleCard({ lesson }: { lesson: Lesson | null }): JSX.Element {
  const { title, advice } = idleWords(lesson);
  return (
    <div class="phone-idle">
      <p class="phone-card-title">{title}</p>
      {advice === null ? null : <p>{advice}</p>}
    </div>
  );
}

function idleWords(lesson: Lesson | null): { title: string; advice: string | null } {
  if (lesson === null) return { title: t("phone.idle.none"), advice: t("phone.idle.none.advice") };
  switch (lesson.state) {
    case "scheduled": {
      const at = lesson.starts_at === null ? null : new Date(lesson.starts_at);
      const advice =
        at === null
          ? t("phone.idle.none.advice")
          : t("phone.idle.planned", { time: formatTime(at), date: formatDate(at, language.value) });
      return { title: t("phone.idle.scheduled"), advice };
    }
    case "test_run":
      return { title: t("phone.idle.test"), advice: t("phone.idle.live.advice") };
    case "live":
      return { title: t("phone.idle.live"), advice: t("phone.idle.live.advice") };
    case "ended":
      return { title: t("phone.idle.ended"), advice: t("phone.idle.ended.advice") };
    default:
      return lesson.state satisfies never;
  }
}

function HelpButtons({ phone }: { phone: Phone }): JSX.Element {
  const facts = phone.facts.value;
  const wishes = phone.helpWishes.value;
  const since = HELP.map(({ kind }) => helpSince(facts, kind, wishes, phone.serverNow()));
  return (
    <fieldset class="phone-help">
      <legend>{since.some((at) => at !== null) ? t("phone.help.again") : t("phone.help")}</legend>
      {HELP.map(({ kind, icon }, index) => {
        const at = since[index] ?? null;
        return (
          <button
            type="button"
            key={kind}
            class="phone-help-button"
            aria-pressed={at !== null}
            onClick={() => phone.callHelp(kind, at === null)}
          >
            <Icon svg={icon} />
            <span>{t(`phone.help.${kind}`)}</span>
            {at === null ? null : <small>{t("phone.help.since", { time: formatTime(new Date(at)) })}</small>}
          </button>
        );
      })}
    </fieldset>
  );
}

function HandButton({ phone }: { phone: Phone }): JSX.Element {
  const known = phone.facts.value.room?.hand ?? null;
  const wish = phone.handWish.value;
  const up = wish ?? known !== null;
  const word =
    wish !== null && wish !== (known !== null)
      ? t("phone.hand.sending")
      : known === null
        ? null
        : t("phone.hand.position", { position: known.position });
  return (
    <div class="phone-hand">
      <p role="status">{word}</p>
      <button type="button" class="phone-hand-button" aria-pressed={up} onClick={() => phone.raiseHand(!up)}>
        <Icon svg={hand} />
        {up ? t("phone.hand.lower") : t("phone.hand.raise")}
      </button>
    </div>
  );
}
