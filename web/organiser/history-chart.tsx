/** A small chart of a room's rungs (uPlot), fetched only when a room is opened. */
import "uplot/dist/uPlot.min.css";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { formatTime } from "../shared/format.ts";
import { columns, type HistoryPoint } from "./history.ts";
import { t } from "./words.ts";

const HEIGHT_PX = 140;
const RUNGS = [0, 1, 2, 3, 4, 5, 6] as const;

export default function HistoryChart(props: { points: readonly HistoryPoint[]; now: number }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const data = columns(props.points, props.now);
  useEffect(() => {
    const parent = box.current;
    if (parent === null) return;
    const ink = "#4a5751";
    const plot = new uPlot(
      {
        width: parent.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true }, y: { range: [0, 6.4] } },
        axes: [
          {
            stroke: ink,
            grid: { show: false },
            values: (_plot, seconds) => seconds.map((at) => formatTime(new Date(at * 1000))),
          },
          {
            stroke: ink,
            size: 28,
            splits: [...RUNGS],
            values: (_plot, rungs) => rungs.map(String),
            grid: { stroke: "#e4e1d6" },
          },
        ],
        series: [
          {},
          {
            stroke: "#0f5b46",
            width: 2,
            fill: "rgba(15, 91, 70, 0.14)",
            paths: uPlot.paths.stepped?.({ align: 1 }),
            points: { show: false },
          },
        ],
      } as uPlot.Options,
      data,
      parent,
    );
    chart.current = plot;
    const watch = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height: HEIGHT_PX }));
    watch.observe(parent);
    return () => {
      watch.disconnect();
      plot.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => chart.current?.setData(data));
  const last = props.points[props.points.length - 1];
  const words =
    last === undefined
      ? t("org.board.history.none")
      : t("org.board.history.now", {
          time: formatTime(new Date(last.at)),
          words: t(`board.rung.${(last.rung ?? 0) as 0}`),
        });
  return (
    <figure class="history">
      <div ref={box} role="img" aria-label={`${t("org.board.history")}. ${words}`} />
      <figcaption>{words}</figcaption>
    </figure>
  );
}
