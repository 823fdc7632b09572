/** *Tổng duyệt*: opened days before; every TV checks itself, and here stands what is to be fixed where. */
import check from "lucide-static/icons/circle-check.svg?raw";
import missing from "lucide-static/icons/circle-dashed.svg?raw";
import x from "lucide-static/icons/circle-x.svg?raw";
import download from "lucide-static/icons/download.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatRate, formatTime } from "../shared/format.ts";
import type { CheckVerdict, RoomCheck } from "../shared/lesson-protocol.ts";
import type { Lesson, Place } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { language } from "../shared/ui/language.tsx";
import { StatePill, type Tone } from "../shared/ui/state-pill.tsx";
import type { Board } from "./board.ts";
import type { LessonLine } from "./lesson-line.ts";
import { unitPath } from "./units.ts";
import { t } from "./words.ts";

const REFRESH_MS = 4000;
/** What is worst stands first. */
const ORDER = ["red", "missing", "amber", "green"] as const;
type Light = CheckVerdict["light"] | "missing";

const LOOKS: { readonly [L in Light]: { tone: Tone; icon: string } } = {
  green: { tone: "ok", icon: check },
  amber: { tone: "warn", icon: alert },
  red: { tone: "bad", icon: x },
  missing: { tone: "idle", icon: missing },
};

export interface RehearsalPartProps {
  board: Board;
  line: LessonLine;
  lesson: Lesson;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly light: Light;
  readonly check: RoomCheck | null;
}

export function RehearsalPart({ board, line, lesson }: RehearsalPartProps): JSX.Element {
  const [found, setFound] = useState<{ checks: RoomCheck[]; missing: string[] } | null>(null);
  useEffect(() => {
    const load = (): void =>
      void board.checks(lesson.id).then((answer) => {
        if (answer !== null) setFound(answer);
      });
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [board, lesson.id]);
  const open = lesson.rehearsal === true;
  const rows = found === null ? [] : rowsOf(board, found);
  const count = (light: Light): number => rows.filter((row) => row.light === light).length;
  return (
    <section class="rehearsal" aria-labelledby="rehearsal">
      <div class="org-head">
        <div>
          <h2 id="rehearsal">{t("org.rehearsal")}</h2>
          <p class="links-hint">{t("org.rehearsal.hint")}</p>
        </div>
        <div class="org-head-buttons">
          {open ? (
            <StatePill tone="live" icon={play}>
              {t("org.rehearsal.is_open")}
            </StatePill>
          ) : null}
          {lesson.state === "ended" ? null : (
            <Button
              kind={open ? "secondary" : "primary"}
              icon={open ? square : play}
              onClick={() => void board.setRehearsal(lesson.id, !open)}
            >
              {open ? t("org.rehearsal.close") : t("org.rehearsal.open")}
            </Button>
          )}
          <Button
            icon={download}
            onClick={() => void board.download(`/api/lessons/${lesson.id}/checks.csv`, "chay-thu.csv")}
          >
            {t("org.rehearsal.export")}
          </Button>
        </div>
      </div>
      {found === null ? <p>{t("org.board.wait")}</p> : null}
      {rows.length === 0 ? null : (
        <>
          <p class="board-sum" role="status">
            {t("org.rehearsal.sum", {
              green: count("green"),
              amber: count("amber"),
              red: count("red"),
              missing: count("missing"),
            })}
          </p>
          <CheckTable rows={rows} line={line} />
        </>
      )}
    </section>
  );
}

function rowsOf(board: Board, found: { checks: RoomCheck[]; missing: string[] }): readonly Row[] {
  const places = new Map((board.places.value ?? []).map((place) => [place.id, place]));
  const units = board.units.value;
  const nameOf = (id: string): string => {
    const place: Place | undefined = places.get(id);
    return place === undefined ? "…" : [...unitPath(units, place.unit).slice(-1), place.name].join(" · ");
  };
  const checked = found.checks.flatMap((entry): Row[] =>
    entry.place === null
      ? []
      : [{ id: entry.place, name: nameOf(entry.place), light: entry.verdict.light, check: entry }],
  );
  const rows: Row[] = [
    ...checked,
    ...found.missing.map((id): Row => ({ id, name: nameOf(id), light: "missing", check: null })),
  ];
  return rows.sort(
    (a, b) => ORDER.indexOf(a.light) - ORDER.indexOf(b.light) || a.name.localeCompare(b.name, "vi"),
  );
}

function CheckTable({ rows, line }: { rows: readonly Row[]; line: LessonLine }): JSX.Element {
  return (
    <div class="table-box">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("org.rehearsal.room")}</th>
            <th scope="col">{t("org.rehearsal.light")}</th>
            <th scope="col">{t("org.rehearsal.rung")}</th>
            <th scope="col">{t("org.rehearsal.fix")}</th>
            <th scope="col">{t("org.rehearsal.measured")}</th>
            <th scope="col">
              <span class="visually-hidden">{t("org.rehearsal.again")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <CheckRow key={row.id} row={row} line={line} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CheckRow({ row, line }: { row: Row; line: LessonLine }): JSX.Element {
  const { check: entry, light } = row;
  const online = (line.lead.facts.value.tiles?.get(row.id)?.screens ?? 0) > 0;
  return (
    <tr>
      <th scope="row">{row.name}</th>
      <td>
        <StatePill {...LOOKS[light]}>
          {light === "missing" ? t("org.rehearsal.missing") : t(`check.light.${light}`)}
        </StatePill>
      </td>
      <td>{entry === null ? "–" : t(`check.rung.${entry.verdict.rung as 0}`)}</td>
      <td>
        {entry === null ? (
          t("org.rehearsal.missing.fix")
        ) : entry.verdict.fixes.length === 0 ? (
          t("org.rehearsal.nothing")
        ) : (
          <ul class="fixes">
            {entry.verdict.fixes.map((fix) => (
              <li key={fix}>{t(`check.fix.${fix}`)}</li>
            ))}
          </ul>
        )}
      </td>
      <td class="table-soft">{entry === null ? null : measured(entry)}</td>
      <td>
        {online ? (
          <Button kind="quiet" onClick={() => void line.lead.remote(row.id, "check")}>
            {t("org.rehearsal.again")}
            <span class="visually-hidden"> {row.name}</span>
          </Button>
        ) : null}
      </td>
    </tr>
  );
}

function measured({ result, at }: RoomCheck): string {
  const rate = (kbps: number): string => formatRate(kbps, language.value);
  return [
    result.down_kbps === undefined ? null : t("org.rehearsal.down", { rate: rate(result.down_kbps) }),
    result.up_kbps === undefined ? null : t("org.rehearsal.up", { rate: rate(result.up_kbps) }),
    result.rtt_ms === undefined ? null : t("org.rehearsal.rtt", { ms: result.rtt_ms }),
    result.loss === undefined
      ? null
      : t("org.rehearsal.loss", { percent: Math.round(result.loss * 1000) / 10 }),
    formatTime(new Date(at)),
  ]
    .filter((part) => part !== null)
    .join(" · ");
}
