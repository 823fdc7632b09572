/** The report of one lesson: who really received what, what was asked, who observed; on screen, on paper, as CSV. */
import download from "lucide-static/icons/download.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatSpan } from "../shared/format.ts";
import type { AskedQuestion } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import type { LessonReport, PlaceReport } from "../shared/report-protocol.ts";
import { optionLetter } from "../shared/room-facts.ts";
import { Button } from "../shared/ui/button.tsx";
import type { Board } from "./board.ts";
import { levelsOfRungs } from "./report.ts";
import { t } from "./words.ts";

const REFRESH_MS = 10_000;

export function ReportPart({ board, lesson }: { board: Board; lesson: Lesson }): JSX.Element {
  const [report, setReport] = useState<LessonReport | null>(null);
  const begun = lesson.started_at !== null;
  const ended = lesson.state === "ended";
  useEffect(() => {
    if (!begun) return;
    const load = (): void =>
      void board.report(lesson.id).then((found) => {
        if (found !== null) setReport(found);
      });
    load();
    const timer = ended ? undefined : setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [board, lesson.id, begun, ended]);
  if (!begun) return <p>{t("org.report.wait")}</p>;
  if (report === null) return <p>{t("org.board.wait")}</p>;
  const { totals } = report;
  return (
    <section class="report" aria-labelledby="report">
      <div class="org-head">
        <div>
          <h2 id="report">{t("org.report")}</h2>
          <p class="board-sum">
            {t("org.report.totals", {
              present: totals.places_present,
              invited: totals.places_invited,
              observers: totals.observers,
              span: formatSpan(report.duration_s * 1000),
            })}
          </p>
          <p class="links-hint">{t("org.report.note")}</p>
        </div>
        <div class="org-head-buttons no-print">
          <Button icon={printer} onClick={() => print()}>
            {t("org.report.print")}
          </Button>
          <Button
            icon={download}
            onClick={() =>
              void board.download(`/api/lessons/${lesson.id}/report.csv`, "bao-cao-tiet-day.csv")
            }
          >
            {t("org.report.csv")}
          </Button>
        </div>
      </div>
      <Places places={report.places} />
      {report.questions.length === 0 ? null : <Questions questions={report.questions} />}
      <Observers report={report} />
    </section>
  );
}

function Places({ places }: { places: readonly PlaceReport[] }): JSX.Element {
  return (
    <>
      <h3>{t("org.report.rooms")}</h3>
      <Legend />
      <div class="table-box">
        <table class="table table-numbers">
          <thead>
            <tr>
              <th scope="col">{t("org.report.room")}</th>
              <th scope="col">{t("org.report.minutes")}</th>
              <th scope="col">{t("org.report.rungs")}</th>
              <th scope="col">{t("org.report.outages")}</th>
              <th scope="col">{t("org.report.freezes")}</th>
              <th scope="col">{t("org.report.hands")}</th>
              <th scope="col">{t("org.report.spoke")}</th>
              <th scope="col">{t("org.report.answers")}</th>
              <th scope="col">{t("org.report.works")}</th>
              <th scope="col">{t("org.report.help")}</th>
            </tr>
          </thead>
          <tbody>
            {places.map((place) => (
              <PlaceRow key={place.id} place={place} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function PlaceRow({ place }: { place: PlaceReport }): JSX.Element {
  const name = [...place.units.slice(-1), place.name].join(" · ");
  if (place.received_s === 0 && place.joins === 0) {
    return (
      <tr class="table-absent">
        <th scope="row">{name}</th>
        <td colSpan={9}>{t("org.report.absent")}</td>
      </tr>
    );
  }
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{formatSpan(place.received_s * 1000)}</td>
      <td>
        <RungBar place={place} />
      </td>
      <td>
        {place.outages === 0
          ? "0"
          : t("org.report.outages.value", { count: place.outages, span: formatSpan(place.outage_s * 1000) })}
      </td>
      <td>
        {place.freezes === 0
          ? "0"
          : t("org.report.outages.value", { count: place.freezes, span: formatSpan(place.frozen_s * 1000) })}
      </td>
      <td>{place.hands}</td>
      <td>{place.spoke_s === 0 ? "0" : formatSpan(place.spoke_s * 1000)}</td>
      <td>{place.answers}</td>
      <td>{place.works}</td>
      <td>{place.help}</td>
    </tr>
  );
}

const LEVELS = ["full", "small", "audio", "nothing"] as const;

function Legend(): JSX.Element {
  return (
    <p class="rung-legend">
      {LEVELS.map((level) => (
        <span key={level}>
          <span class="rung-mark" data-level={level} aria-hidden="true" />
          {t(`org.report.level.${level}`)}
        </span>
      ))}
    </p>
  );
}

/** Shares of the received time as one bar; the minutes are its words. */
function RungBar({ place }: { place: PlaceReport }): JSX.Element {
  const levels = levelsOfRungs(place.rung_s);
  const all = Math.max(
    1,
    LEVELS.reduce((sum, level) => sum + levels[level], 0),
  );
  const words = LEVELS.filter((level) => levels[level] > 0)
    .map((level) => `${t(`org.report.level.${level}`)}: ${formatSpan(levels[level] * 1000)}`)
    .join(", ");
  return (
    <span class="rung-bar" role="img" aria-label={words} title={words}>
      {LEVELS.map((level) => (
        <span key={level} data-level={level} style={{ width: `${(levels[level] / all) * 100}%` }} />
      ))}
    </span>
  );
}

function Questions({ questions }: { questions: readonly AskedQuestion[] }): JSX.Element {
  return (
    <>
      <h3>{t("org.report.questions")}</h3>
      <ol class="report-questions">
        {questions.map((question) => (
          <li key={question.no}>
            <strong>{question.prompt ?? t("org.report.question", { no: question.no })}</strong>
            <span>
              {t("org.report.question.rooms", { rooms: question.tally.rooms })}
              {question.tally.totals.length === 0 ? "" : ` · ${totalsText(question)}`}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function totalsText({ kind, tally }: AskedQuestion): string {
  const name = (option: number): string => {
    if (kind !== "yes_no") return optionLetter(option);
    return option === 0 ? t("org.question.yes") : t("org.question.no");
  };
  return tally.totals.map((total, option) => `${name(option)} ${total}`).join(" · ");
}

function Observers({ report }: { report: LessonReport }): JSX.Element {
  const { observers } = report;
  return (
    <>
      <h3>{t("org.report.observers")}</h3>
      {observers.length === 0 ? (
        <p>{t("org.report.observers.none")}</p>
      ) : (
        <ul class="report-observers">
          {observers.map((observer, index) => (
            <li key={`${index} ${observer.name}`}>
              {observer.name ?? t("org.report.observer.nameless")} · {formatSpan(observer.received_s * 1000)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
