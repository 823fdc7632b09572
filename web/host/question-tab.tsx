/** Asking all classes: choose a kind, watch the answers come, close, show the results. */
import close from "lucide-static/icons/circle-stop.svg?raw";
import eye from "lucide-static/icons/eye.svg?raw";
import eyeOff from "lucide-static/icons/eye-off.svg?raw";
import minus from "lucide-static/icons/minus.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import send from "lucide-static/icons/send.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { type LiveQuestion, roomName } from "../shared/lead-facts.ts";
import type { AnswerMode, AnswerValue, QuestionKind } from "../shared/lesson-protocol.ts";
import { isOpen, optionLetter } from "../shared/room-facts.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { livePrimary } from "./live.ts";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

const KINDS: readonly QuestionKind[] = ["choice", "yes_no", "text"];
const MODES: readonly AnswerMode[] = ["room", "counts"];
const OPTIONS = { least: 2, most: 6, usual: 4 };
const PROMPT_MAX = 200;

export function QuestionTab({ room }: { room: HostRoom }): JSX.Element {
  const { question } = room.lead.facts.value;
  const [fresh, startFresh] = useState(0);
  const done = question === null || question.no === fresh;
  return done ? (
    <NewQuestionForm room={room} onAsked={() => startFresh(0)} />
  ) : (
    <Results room={room} question={question} onAgain={() => startFresh(question.no)} />
  );
}

function NewQuestionForm({ room, onAsked }: { room: HostRoom; onAsked: () => void }): JSX.Element {
  const [kind, setKind] = useState<QuestionKind>("choice");
  const [mode, setMode] = useState<AnswerMode>("room");
  const [options, setOptions] = useState(OPTIONS.usual);
  const [prompt, setPrompt] = useState("");
  const id = useId();
  const calm = livePrimary(room.lead.facts.value, "question", 0) === "none";
  const ask = (): void => {
    const words = prompt.trim();
    void room.lead
      .ask({
        kind,
        mode: kind === "text" ? "room" : mode,
        options: kind === "choice" ? options : null,
        prompt: words === "" ? null : words,
      })
      .then((outcome) => {
        if (outcome.kind === "done") onAsked();
      });
  };
  return (
    <form
      class="question-form"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <h2>{t("host.question.new")}</h2>
      <Choices
        legend={t("host.question.kind")}
        values={KINDS}
        chosen={kind}
        word={(value) => t(`host.question.kind.${value}`)}
        onChoose={setKind}
      />
      {kind === "choice" ? (
        <div class="question-options">
          <span id={id}>{t("host.question.options")}</span>
          <Button icon={minus} disabled={options <= OPTIONS.least} onClick={() => setOptions(options - 1)}>
            <span class="visually-hidden">{t("host.question.options")} −</span>
          </Button>
          <output aria-labelledby={id}>
            {options} ({optionLetter(0)}–{optionLetter(options - 1)})
          </output>
          <Button icon={plus} disabled={options >= OPTIONS.most} onClick={() => setOptions(options + 1)}>
            <span class="visually-hidden">{t("host.question.options")} +</span>
          </Button>
        </div>
      ) : null}
      {kind === "text" ? null : (
        <Choices
          legend={t("host.question.mode")}
          values={MODES}
          chosen={mode}
          word={(value) => t(`host.question.mode.${value}`)}
          onChoose={setMode}
        />
      )}
      <div class="question-prompt">
        <label for={`${id}-prompt`}>{t("host.question.prompt")}</label>
        <p class="live-soft">{t("host.question.prompt.hint")}</p>
        <textarea
          id={`${id}-prompt`}
          class="input"
          rows={2}
          maxLength={PROMPT_MAX}
          value={prompt}
          onInput={(event) => setPrompt(event.currentTarget.value)}
        />
      </div>
      <button
        type="submit"
        class={`button button-large ${calm ? "button-primary" : "button-secondary"}`}
        disabled={!room.inCharge.value}
      >
        <Icon svg={send} />
        <span>{t("host.question.ask")}</span>
      </button>
    </form>
  );
}

function Choices<V extends string>(props: {
  legend: string;
  values: readonly V[];
  chosen: V;
  word: (value: V) => string;
  onChoose: (value: V) => void;
}): JSX.Element {
  const name = useId();
  return (
    <fieldset class="question-choices">
      <legend>{props.legend}</legend>
      {props.values.map((value) => (
        <label key={value} class="question-choice" data-chosen={props.chosen === value}>
          <input
            type="radio"
            class="visually-hidden"
            name={name}
            checked={props.chosen === value}
            onChange={() => props.onChoose(value)}
          />
          {props.word(value)}
        </label>
      ))}
    </fieldset>
  );
}

interface ResultsProps {
  room: HostRoom;
  question: LiveQuestion;
  onAgain: () => void;
}

function Results({ room, question, onAgain }: ResultsProps): JSX.Element {
  const { lead } = room;
  const facts = lead.facts.value;
  const open = isOpen(question);
  const total = [...(facts.tiles?.values() ?? [])].filter(
    ({ state, removed }) => !removed && state !== "absent",
  ).length;
  const primary = livePrimary(facts, "question", 0);
  return (
    <div class="question-results">
      <h2>
        {open ? t("host.question.open", { no: question.no }) : t("host.question.closed", { no: question.no })}
      </h2>
      {question.prompt === null ? null : <p>{question.prompt}</p>}
      <p role="status">
        {t("host.question.answered", {
          rooms: question.tally.rooms,
          total: Math.max(total, question.tally.rooms),
        })}
        {question.tally.late > 0 ? ` · ${t("host.question.late", { count: question.tally.late })}` : ""}
      </p>
      <Bars question={question} />
      {room.inCharge.value ? (
        <div class="live-buttons">
          {open ? (
            <Button
              kind={primary === "close_question" ? "primary" : "secondary"}
              large
              icon={close}
              onClick={() => lead.closeQuestion()}
            >
              {t("host.question.close")}
            </Button>
          ) : (
            <>
              <Button
                kind={primary === "none" && !question.shown ? "primary" : "secondary"}
                icon={question.shown ? eyeOff : eye}
                onClick={() => lead.showResults(question.no, !question.shown)}
              >
                {question.shown ? t("host.question.hide") : t("host.question.show")}
              </Button>
              <Button icon={plus} onClick={onAgain}>
                {t("host.question.again")}
              </Button>
            </>
          )}
        </div>
      ) : null}
      {question.shown ? (
        <p class="live-shown">
          <Icon svg={tv} />
          {t("host.question.shown")}
        </p>
      ) : null}
      {question.answers.size === 0 ? null : (
        <details class="check-more" open={question.kind === "text"}>
          <summary>{t("host.question.answers")}</summary>
          <ul class="question-answers">
            {[...question.answers.values()].map(({ place, value, late }) => (
              <li key={place}>
                <span>{roomName(facts, place)}</span>
                <strong>
                  {answerWords(question, value)}
                  {late ? ` (${t("host.question.answer.late")})` : ""}
                </strong>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Bars({ question }: { question: LiveQuestion }): JSX.Element | null {
  const { totals } = question.tally;
  if (question.kind === "text") return null;
  const most = Math.max(1, ...totals);
  const all = totals.reduce((sum, total) => sum + total, 0);
  return (
    <>
      <ul class="bars">
        {Array.from({ length: question.options }, (_, option) => {
          const count = totals[option] ?? 0;
          return (
            <li key={option}>
              <strong>{optionName(question, option)}</strong>
              <span class="bars-track">
                <span class="bars-fill" style={{ width: `${(count / most) * 100}%` }} />
              </span>
              <span class="bars-count">
                {count}
                <small> · {all === 0 ? 0 : Math.round((count / all) * 100)} %</small>
              </span>
            </li>
          );
        })}
      </ul>
      {question.mode === "counts" ? (
        <p class="live-soft">{t("host.question.pupils", { count: all })}</p>
      ) : null}
    </>
  );
}

function optionName(question: Pick<LiveQuestion, "kind">, option: number): string {
  if (question.kind !== "yes_no") return optionLetter(option);
  return option === 0 ? t("host.question.yes") : t("host.question.no");
}

function answerWords(question: LiveQuestion, value: AnswerValue): string {
  if ("text" in value) return value.text;
  if ("option" in value) return optionName(question, value.option);
  return value.counts.map((count, option) => `${optionName(question, option)} ${count}`).join(" · ");
}
