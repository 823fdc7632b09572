/** One room beside the board: what host and organiser share, and what only an organiser has: history and the class's phones. */
import phone from "lucide-static/icons/smartphone.svg?raw";
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Helper, Tile } from "../shared/lesson-protocol.ts";
import type { Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { RoomDetails } from "../shared/ui/room-details.tsx";
import type { Board } from "./board.ts";
import { Confirm } from "./confirm.tsx";
import { type HistoryPoint, joined } from "./history.ts";
import type { LessonLine } from "./lesson-line.ts";
import { t } from "./words.ts";

export interface RoomPanelProps {
  board: Board;
  line: LessonLine;
  lesson: Lesson;
  tile: Tile;
}

export function RoomPanel({ board, line, lesson, tile }: RoomPanelProps): JSX.Element {
  const onAir = lesson.state === "live" || lesson.state === "test_run";
  return (
    <>
      <RoomDetails lead={line.lead} tile={tile} now={line.serverNow()} t={t} onAir={onAir} inCharge>
        <History board={board} line={line} lesson={lesson} tile={tile} />
      </RoomDetails>
      {board.managesServer ? <Phones board={board} place={tile.id} helpers={tile.helpers} /> : null}
    </>
  );
}

type Chart = ComponentType<{ points: readonly HistoryPoint[]; now: number }>;

function History({ board, line, lesson, tile }: RoomPanelProps): JSX.Element | null {
  const [known, setKnown] = useState<readonly HistoryPoint[]>([]);
  const [HistoryChart, setChart] = useState<Chart | null>(null);
  const seen = useRef<HistoryPoint[]>([]);
  useEffect(() => {
    void board.history(lesson.id, tile.id).then((points) => setKnown(points ?? []));
    // The chart's library is worth loading only once a room is looked at.
    void import("./history-chart.tsx").then((module) => setChart(() => module.default));
  }, [board, lesson.id, tile.id]);
  const last = seen.current[seen.current.length - 1];
  if (last === undefined || last.rung !== tile.rung) {
    seen.current.push({ at: line.serverNow(), rung: tile.rung });
  }
  const points = joined(known, seen.current);
  if (HistoryChart === null || points.every(({ rung }) => rung === null)) return null;
  return (
    <section class="room-part" aria-label={t("org.board.history")}>
      <h3>{t("org.board.history")}</h3>
      <HistoryChart points={points} now={line.serverNow()} />
    </section>
  );
}

/** Phones that came in by the TV's code; each can be withdrawn. */
function Phones(props: { board: Board; place: string; helpers: number }): JSX.Element | null {
  const { board, place, helpers } = props;
  const [phones, setPhones] = useState<readonly Helper[]>([]);
  const [asked, ask] = useState<Helper | null>(null);
  const load = (): void => void board.helpers(place).then((found) => setPhones(found ?? []));
  useEffect(load, [board, place, helpers]);
  const active = phones.filter(({ revoked }) => !revoked);
  if (active.length === 0) return null;
  return (
    <section class="room-part phones" aria-labelledby="phones">
      <h3 id="phones">{t("org.board.helpers")}</h3>
      <ul>
        {active.map((helper) => (
          <li key={helper.id}>
            <Icon svg={phone} />
            <span>
              {helper.label ?? "?"} ·{" "}
              {helper.connected ? t("org.board.helper.connected") : t("org.board.helper.away")}
            </span>
            <Button kind="quiet" onClick={() => ask(helper)}>
              {t("org.board.helper.revoke")}
              <span class="visually-hidden"> {helper.label}</span>
            </Button>
          </li>
        ))}
      </ul>
      {asked === null ? null : (
        <Confirm
          title={t("org.board.helper.question")}
          consequence={t("org.board.helper.advice", { name: asked.label ?? "?" })}
          action={t("org.board.helper.revoke")}
          onClose={() => ask(null)}
          onConfirm={() => void board.revokeHelper(asked.id).then(load)}
        />
      )}
    </section>
  );
}
