/** The criteria of the form, their scores, the sum and what it is called. */
import check from "lucide-static/icons/circle-check.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import {
  checkScore,
  type Form,
  hundredths,
  type Item,
  pointsText,
  readScore,
  type ScoreRefusal,
  scoreOf,
} from "../../shared/notes/form.ts";
import type { Json } from "../../shared/notes/register.ts";
import { Icon } from "../../shared/ui/icon.tsx";
import { language } from "../../shared/ui/language.tsx";
import type { SheetDoc } from "./sheet-doc.ts";
import { t } from "./words.ts";

export function Scores(props: { doc: SheetDoc; form: Form }): JSX.Element {
  const { doc, form } = props;
  const { scores } = doc.view.value;
  const score = scoreOf(form, scores);
  return (
    <div class="scores">
      <div class="scores-list">
        {form.groups.map((group, index) => (
          <section key={group.name} class="score-group">
            <h2>
              <span>{group.name}</span>
              <span class="score-sum">
                {points(score.groups[index] ?? 0)} {t("notes.score.of", { max: points(sumOf(group.items)) })}
              </span>
            </h2>
            <ol>
              {group.items.map((item) => (
                <Criterion key={item.id} doc={doc} form={form} item={item} value={scores[item.id] ?? null} />
              ))}
            </ol>
          </section>
        ))}
      </div>
      <p class="score-total" role="status">
        <span>
          {t("notes.score.total")}: <strong>{points(score.total)}</strong>{" "}
          {t("notes.score.of", { max: points(score.max) })}
        </span>
        {score.problems.length > 0 ? (
          <span class="score-note">
            <Icon svg={alert} /> {t("notes.score.problem", { count: score.problems.length })}
          </span>
        ) : score.missing > 0 ? (
          <span class="score-note">{t("notes.score.missing", { count: score.missing })}</span>
        ) : null}
        {score.rank === null ? null : (
          <span class="score-rank">
            <Icon svg={check} /> {t("notes.score.rank")}: <strong>{score.rank}</strong>
          </span>
        )}
      </p>
    </div>
  );
}

function Criterion(props: { doc: SheetDoc; form: Form; item: Item; value: Json }): JSX.Element {
  const { doc, form, item, value } = props;
  const id = useId();
  /** What is in the field while it is not a good score. */
  const [typed, setTyped] = useState<string | null>(null);
  const judged = typed === null ? checkScore(form, item.id, value) : judge(form, item, typed);
  const refusal = typeof judged === "string" ? judged : null;
  const shown = typed ?? (typeof value === "number" ? points(value) : "");
  const give = (score: number | null): void => {
    setTyped(null);
    doc.set([[`score.${item.id}`, score]]);
  };
  const given = typeof value === "number" && refusal === null ? value : null;
  return (
    <li class="criterion" data-bad={refusal !== null}>
      <p id={`${id}-text`} class="criterion-text">
        {item.text}
      </p>
      <div class="criterion-score">
        <fieldset class="quick" aria-labelledby={`${id}-text`}>
          {quickScores(form, item).map((quick) => (
            <button
              key={quick}
              type="button"
              class="quick-score"
              aria-pressed={given === quick}
              onClick={() => give(given === quick ? null : quick)}
            >
              {points(quick)}
            </button>
          ))}
        </fieldset>
        <input
          type="text"
          inputMode="decimal"
          autocomplete="off"
          class="score-field"
          data-score={item.id}
          aria-label={t("notes.score.input", { item: item.text })}
          aria-describedby={`${id}-max`}
          aria-invalid={refusal !== null}
          value={shown}
          onInput={(event) => {
            const text = event.currentTarget.value;
            const score = judge(form, item, text);
            if (typeof score === "string") setTyped(text);
            else {
              doc.set([[`score.${item.id}`, score]], `score.${item.id}`);
              // "1," is on the way to "1,5": the field keeps what was typed until it is left.
              setTyped(text);
            }
          }}
          onBlur={() => {
            if (typed !== null && typeof judge(form, item, typed) !== "string") setTyped(null);
          }}
        />
        <span class="criterion-max">{t("notes.score.of", { max: points(hundredths(item.max)) })}</span>
      </div>
      <p id={`${id}-max`} class={refusal === null ? "visually-hidden" : "criterion-refusal"}>
        {refusal === null
          ? t("notes.score.max", { max: points(hundredths(item.max)) })
          : refusalText(refusal, form, item)}
      </p>
    </li>
  );
}

/** Nothing, all, and the quarters between, as far as the form's steps allow: most scores are one press. */
function quickScores(form: Form, item: Item): readonly number[] {
  const max = hundredths(item.max);
  return [0, 1, 2, 3, 4]
    .map((quarters) => (max * quarters) / 4)
    .filter((score) => score % hundredths(form.step) === 0);
}

function judge(form: Form, item: Item, typed: string): number | null | ScoreRefusal {
  const score = readScore(typed);
  if (score === undefined) return "not_a_number";
  // 0,333 is a number, but in no step of the form.
  if (score !== null && !Number.isInteger(score)) return "off_step";
  return checkScore(form, item.id, score);
}

function refusalText(refusal: ScoreRefusal, form: Form, item: Item): string {
  switch (refusal) {
    case "above_maximum":
      return t("notes.score.above", { max: points(hundredths(item.max)) });
    case "off_step":
      return t("notes.score.step", { step: points(hundredths(form.step)) });
    default:
      return t("notes.score.not");
  }
}

function sumOf(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + hundredths(item.max), 0);
}

/** Hundredths as the page's language writes them. */
export function points(hundredth: number): string {
  return pointsText(hundredth, language.value === "vi");
}
