/** Answering a quick question: one answer of the class, counts of raised hands, or a few words. */
import check from "lucide-static/icons/circle-check.svg?raw";
import minus from "lucide-static/icons/minus.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import send from "lucide-static/icons/send.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ShownQuestion } from "../shared/lesson-protocol.ts";
import { optionLetter } from "../shared/room-facts.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Phone } from "./phone.ts";
import { type OwnAnswer, parseCount } from "./task.ts";
import { t } from "./words.ts";

export interface AnswerProps {
  phone: Phone;
  question: ShownQuestion;
  answer: OwnAnswer | null;
}

const COUNT_MAX = 999;
const TEXT_MAX = 200;

export function AnswerCard(props: AnswerProps): JSX.Element {
  const { phone, question, answer } = props;
  return (
    <div class="phone-card">
      <p class="phone-card-over">{t("phone.question", { no: question.no })}</p>
      <h2 class="phone-card-title">{question.prompt ?? titleOf(question)}</h2>
      <Form {...props} />
      <p class="phone-sent" role="status">
        {phone.answering.value ? (
          t("phone.question.sending")
        ) : answer === null ? null : (
          <>
            <Icon svg={check} />
            {answer.late ? t("phone.question.late") : t("phone.question.sent")}
          </>
        )}
      </p>
    </div>
  );
}

function titleOf(question: ShownQuestion): string {
  if (question.kind !== "text" && question.mode === "counts") return t("phone.question.counts");
  return t(`phone.question.${question.kind}`);
}

function Form(props: AnswerProps): JSX.Element {
  const { kind, mode } = props.question;
  if (kind === "text") return <TextForm {...props} />;
  return mode === "counts" ? <CountsForm {...props} /> : <ChoiceForm {...props} />;
}

/** The name of an option: a letter, or yes and no. */
export function optionName(question: Pick<ShownQuestion, "kind">, option: number): string {
  if (question.kind !== "yes_no") return optionLetter(option);
  return option === 0 ? t("phone.question.yes") : t("phone.question.no");
}

function ChoiceForm({ phone, question, answer }: AnswerProps): JSX.Element {
  const chosen = answer !== null && "option" in answer.value ? answer.value.option : null;
  return (
    <div class="phone-options" data-count={question.options}>
      {Array.from({ length: question.options }, (_, option) => (
        <button
          type="button"
          key={option}
          class="phone-option"
          aria-pressed={chosen === option}
          onClick={() => phone.answer(question.no, { option })}
        >
          {optionName(question, option)}
        </button>
      ))}
    </div>
  );
}

function CountsForm({ phone, question, answer }: AnswerProps): JSX.Element {
  const before = answer !== null && "counts" in answer.value ? answer.value.counts : null;
  const [counts, setCounts] = useState<readonly number[]>(
    before ?? Array.from({ length: question.options }, () => 0),
  );
  const set = (option: number, count: number): void =>
    setCounts(counts.map((old, index) => (index === option ? Math.min(COUNT_MAX, Math.max(0, count)) : old)));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <>
      <ul class="phone-counts">
        {counts.map((count, option) => {
          const name = optionName(question, option);
          return (
            <li key={option} class="phone-count">
              <strong>{name}</strong>
              <button
                type="button"
                class="phone-step"
                aria-label={t("phone.question.less", { option: name })}
                disabled={count === 0}
                onClick={() => set(option, count - 1)}
              >
                <Icon svg={minus} />
              </button>
              <input
                class="phone-number"
                inputMode="numeric"
                aria-label={t("phone.question.count", { option: name })}
                value={String(count)}
                onFocus={(event) => event.currentTarget.select()}
                onInput={(event) => set(option, parseCount(event.currentTarget.value))}
              />
              <button
                type="button"
                class="phone-step"
                aria-label={t("phone.question.more", { option: name })}
                onClick={() => set(option, count + 1)}
              >
                <Icon svg={plus} />
              </button>
            </li>
          );
        })}
      </ul>
      <p class="phone-hint">{t("phone.question.total", { count: total })}</p>
      <Button
        kind="primary"
        large
        icon={send}
        onClick={() => phone.answer(question.no, { counts: [...counts] })}
      >
        {before === null ? t("phone.question.send") : t("phone.question.again")}
      </Button>
    </>
  );
}

function TextForm({ phone, question, answer }: AnswerProps): JSX.Element {
  const before = answer !== null && "text" in answer.value ? answer.value.text : null;
  const [text, setText] = useState(before ?? "");
  const words = text.trim();
  return (
    <form
      class="phone-text"
      onSubmit={(event) => {
        event.preventDefault();
        if (words !== "") phone.answer(question.no, { text: words });
      }}
    >
      <textarea
        class="input"
        rows={3}
        maxLength={TEXT_MAX}
        aria-label={t("phone.question.text")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="button button-primary button-large" disabled={words === ""}>
        <Icon svg={send} />
        <span>{before === null ? t("phone.question.send_text") : t("phone.question.again")}</span>
      </button>
    </form>
  );
}

export function ClosedCard({ answered }: { answered: boolean }): JSX.Element {
  return (
    <div class="phone-idle">
      <p class="phone-card-title">
        {answered ? t("phone.question.closed") : t("phone.question.closed.without")}
      </p>
    </div>
  );
}

export function ResultsCard(props: { question: ShownQuestion; answer: OwnAnswer | null }): JSX.Element {
  const { question, answer } = props;
  const results = question.results;
  const own = answer !== null && "option" in answer.value ? answer.value.option : null;
  const most = Math.max(1, ...(results?.totals ?? []));
  return (
    <div class="phone-card">
      <p class="phone-card-over">{t("phone.question", { no: question.no })}</p>
      <h2 class="phone-card-title">{t("phone.results", { rooms: results?.rooms ?? 0 })}</h2>
      <ul class="phone-bars">
        {(results?.totals ?? []).map((total, option) => (
          <li key={option} data-own={own === option}>
            <strong>{optionName(question, option)}</strong>
            <span class="phone-bars-track">
              <span class="phone-bars-fill" style={{ width: `${(total / most) * 100}%` }} />
            </span>
            <span>{total}</span>
          </li>
        ))}
      </ul>
      {(results?.texts ?? []).length === 0 ? null : (
        <ul class="phone-texts">
          {results?.texts.slice(0, 20).map((text, index) => (
            <li key={index}>{text}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
