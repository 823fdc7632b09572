/** What the rooms do, over the pictures: whose picture or voice it is, the open question, the results that are shown to all. */
import "./lesson-strip.css";
import audioLines from "lucide-static/icons/audio-lines.svg?raw";
import question from "lucide-static/icons/circle-question-mark.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import type { JSX } from "preact";
import type { ShownQuestion } from "../shared/lesson-protocol.ts";
import { isOpen, optionLetter, pictured, speaker } from "../shared/room-facts.ts";
import { Icon } from "../shared/ui/icon.tsx";
import type { Observing } from "./observing.ts";
import { t } from "./words.ts";

export function LessonStrip({ observing }: { observing: Observing }): JSX.Element | null {
  const { floor, question: asked } = observing.facts.value.rooms;
  const turn = speaker(floor);
  const seen = pictured(floor);
  const lines: { icon: string; text: string }[] = [];
  if (turn !== null) {
    lines.push({ icon: turn.audio_only ? audioLines : mic, text: t("observer.speaks", { name: turn.name }) });
  } else if (seen !== null) {
    lines.push({ icon: video, text: t("observer.pupils_of", { name: seen.name }) });
  }
  if (isOpen(asked)) {
    lines.push({ icon: question, text: asked.prompt ?? t("observer.question", { no: asked.no }) });
  }
  const shown = asked !== null && !isOpen(asked) && asked.results !== null ? asked : null;
  if (lines.length === 0 && shown === null) return null;
  return (
    <div class="strip" role="status">
      {lines.map(({ icon, text }) => (
        <p key={icon} class="strip-line">
          <Icon svg={icon} />
          {text}
        </p>
      ))}
      {shown === null ? null : <Results question={shown} />}
    </div>
  );
}

function Results({ question: asked }: { question: ShownQuestion }): JSX.Element | null {
  const { results } = asked;
  if (results === null) return null;
  const most = Math.max(1, ...results.totals);
  const name = (option: number): string => {
    if (asked.kind !== "yes_no") return optionLetter(option);
    return option === 0 ? t("observer.question.yes") : t("observer.question.no");
  };
  return (
    <div class="strip-results">
      <p>
        <strong>{asked.prompt ?? t("observer.question", { no: asked.no })}</strong> ·{" "}
        {t("observer.question.rooms", { rooms: results.rooms })}
      </p>
      <ul>
        {results.totals.map((total, option) => (
          <li key={name(option)}>
            <strong>{name(option)}</strong>
            <span class="strip-track">
              <span style={{ width: `${(total / most) * 100}%` }} />
            </span>
            {total}
          </li>
        ))}
        {results.texts.slice(0, 5).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  );
}
