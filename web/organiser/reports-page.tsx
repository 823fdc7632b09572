/** Totals over a period: lessons, places, observers, by unit; on screen, on paper, as CSV. */
import download from "lucide-static/icons/download.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatDate, formatSpan } from "../shared/format.ts";
import type { PeriodReport } from "../shared/report-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { language } from "../shared/ui/language.tsx";
import { type Period, periodQuery } from "./api.ts";
import type { Board } from "./board.ts";
import { TextField } from "./fields.tsx";
import { dayEnd, dayStart } from "./report.ts";
import { go } from "./route.ts";
import { UnitSelect } from "./unit-dialogs.tsx";
import { t } from "./words.ts";

export function ReportsPage({ board }: { board: Board }): JSX.Element {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [unit, setUnit] = useState<string | null>(null);
  const [report, setReport] = useState<PeriodReport | null>(null);
  const period: Period = { from: dayStart(from), to: dayEnd(to), unit };
  const query = periodQuery(period);
  useEffect(() => {
    let wanted = true;
    void board.periodReport(period).then((found) => {
      if (wanted && found !== null) setReport(found);
    });
    return () => {
      wanted = false;
    };
  }, [board, query]);
  return (
    <>
      <div class="org-head">
        <h1>{t("org.reports")}</h1>
        <div class="org-head-buttons no-print">
          <Button icon={printer} onClick={() => print()}>
            {t("org.report.print")}
          </Button>
          <Button
            icon={download}
            onClick={() => void board.download(`/api/reports.csv${query}`, "bao-cao.csv")}
          >
            {t("org.report.csv")}
          </Button>
        </div>
      </div>
      <div class="period">
        <TextField label={t("org.reports.from")} type="date" value={from} onInput={setFrom} optional />
        <TextField label={t("org.reports.to")} type="date" value={to} onInput={setTo} optional />
        <UnitSelect
          label={t("org.reports.unit")}
          empty={t("org.reports.unit.all")}
          units={board.units.value}
          value={unit}
          onChange={setUnit}
        />
      </div>
      {report === null ? <p>{t("org.board.wait")}</p> : <Totals report={report} />}
    </>
  );
}

function Totals({ report }: { report: PeriodReport }): JSX.Element {
  const { totals, lessons, units } = report;
  if (lessons.length === 0) return <p role="status">{t("org.reports.none")}</p>;
  return (
    <section class="report">
      <p class="board-sum" role="status">
        {t("org.reports.totals", { ...totals, span: formatSpan(totals.received_s * 1000) })}
      </p>
      <h2>{t("org.reports.lessons")}</h2>
      <div class="table-box">
        <table class="table table-numbers">
          <thead>
            <tr>
              <th scope="col">{t("org.reports.lesson")}</th>
              <th scope="col">{t("org.reports.date")}</th>
              <th scope="col">{t("org.reports.duration")}</th>
              <th scope="col">{t("org.reports.places")}</th>
              <th scope="col">{t("org.report.observers")}</th>
              <th scope="col">{t("org.reports.received")}</th>
            </tr>
          </thead>
          <tbody>
            {lessons.map((lesson) => (
              <tr key={lesson.id}>
                <th scope="row">
                  <button
                    type="button"
                    class="link-button"
                    onClick={() => go({ kind: "lesson", id: lesson.id, part: "report" })}
                  >
                    {lesson.title}
                  </button>
                </th>
                <td>
                  {lesson.started_at === null ? "–" : formatDate(new Date(lesson.started_at), language.value)}
                </td>
                <td>{formatSpan(lesson.duration_s * 1000)}</td>
                <td>{lesson.places}</td>
                <td>{lesson.observers}</td>
                <td>{formatSpan(lesson.received_s * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {units.length === 0 ? null : (
        <>
          <h2>{t("org.reports.units")}</h2>
          <div class="table-box">
            <table class="table table-numbers">
              <thead>
                <tr>
                  <th scope="col">{t("org.reports.units.name")}</th>
                  <th scope="col">{t("org.reports.units.level")}</th>
                  <th scope="col">{t("org.reports.places")}</th>
                  <th scope="col">{t("org.reports.units.attendances")}</th>
                  <th scope="col">{t("org.reports.received")}</th>
                </tr>
              </thead>
              <tbody>
                {units.map((line) => (
                  <tr key={line.id}>
                    <th scope="row">{line.name}</th>
                    <td>{line.level}</td>
                    <td>{line.places}</td>
                    <td>{line.place_lessons}</td>
                    <td>{formatSpan(line.received_s * 1000)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
