/** The pictures: three fixed panes around the stage's elements, moved by style so that no video is ever taken out. */
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import wifiLow from "lucide-static/icons/wifi-low.svg?raw";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { VIDEO_SLOTS, type VideoSlot } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { type LinkFacts, type ShownStill, weakWords } from "../shared/weak-link.ts";
import { LessonStrip } from "./lesson-strip.tsx";
import type { Observing } from "./observing.ts";
import { TroubleLine } from "./trouble-line.tsx";
import { isStacked, SPLIT, splitAfterKey } from "./view.ts";
import { type Key, t } from "./words.ts";

const NAMES = {
  program_video: "observer.view.teacher",
  slides_video: "observer.view.slides",
  extra_video: "observer.view.pupils",
} as const satisfies { [S in VideoSlot]: Key };

export function StageView(props: { observing: Observing }): JSX.Element {
  const { observing } = props;
  const box = useRef<HTMLDivElement>(null);
  const stacked = useStacked(box);
  const shown = observing.shown.value;
  const split = observing.split.value;
  const facts = observing.facts.value;
  const view = observing.view.value;
  const trouble = view.kind === "watching" || view.kind === "waiting" ? view.trouble : null;
  const partial = trouble?.kind === "frozen" && trouble.partial;
  return (
    <div class="stage" ref={box} data-stacked={stacked} data-dim={trouble !== null && !partial}>
      {VIDEO_SLOTS.map((slot) => (
        <Pane
          key={slot}
          slot={slot}
          video={observing.stage.video(slot)}
          place={placeOf(shown.indexOf(slot), shown.length, split)}
          beside={shown.length === 2 ? shown.indexOf(slot) : -1}
          still={slot === "slides_video" ? observing.shownStill.value : null}
          standing={trouble?.kind === "frozen" && partial && trouble.slots.includes(slot)}
        />
      ))}
      {shown.length === 2 ? (
        <Splitter
          percent={split}
          stacked={stacked}
          box={box}
          onMove={(percent) => observing.moveSplit(percent)}
        />
      ) : null}
      {shown.length === 0 && view.kind === "watching" && trouble === null ? (
        <p class="stage-words">
          {t(observing.published.value.length === 0 ? "observer.voice" : "observer.view.nothing")}
        </p>
      ) : null}
      {view.kind === "waiting" && trouble === null ? (
        <p class="stage-words">{t("observer.opening")}</p>
      ) : null}
      <LessonStrip observing={observing} />
      {trouble === null ? <WeakLine link={facts.link} /> : null}
      {trouble === null ? null : <TroubleLine trouble={trouble} now={observing.now.value} />}
      {facts.sound === "blocked" ? (
        <div class="stage-unblock">
          <Button kind="primary" large icon={volumeX} onClick={() => observing.toggleSound()}>
            {t("observer.sound.blocked")}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

/** Why there is less to see than elsewhere. */
function WeakLine(props: { link: LinkFacts | null }): JSX.Element | null {
  const words = weakWords(props.link);
  if (words === null || props.link === null || props.link.rung > 4) return null;
  return (
    <p class="stage-weak" role="status">
      <Icon svg={wifiLow} /> {t(words.cause)}: {t(words.rung)}
    </p>
  );
}

/** Whether two pictures in the box stand above each other; follows its size. */
function useStacked(box: { current: HTMLDivElement | null }): boolean {
  const [stacked, setStacked] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setStacked(isStacked(element.clientWidth, element.clientHeight));
    look();
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [box]);
  return stacked;
}

/** Left or upper edge and share of the box in percent; `null` = not shown. */
function placeOf(index: number, count: number, split: number): { start: number; share: number } | null {
  if (index < 0) return null;
  if (count === 1) return { start: 0, share: 100 };
  return index === 0 ? { start: 0, share: split } : { start: split, share: 100 - split };
}

function Pane(props: {
  slot: VideoSlot;
  video: HTMLVideoElement;
  place: { start: number; share: number } | null;
  /** 0 left (stacked: above), 1 right (below); -1 = alone or not shown. */
  beside: number;
  standing: boolean;
  /** An image in place of the picture. */
  still: ShownStill | null;
}): JSX.Element {
  const { slot, video, place, still } = props;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.append(video);
  }, [video]);
  useEffect(() => {
    video.setAttribute("aria-label", t(NAMES[slot]));
  });
  return (
    <div
      class="pane"
      ref={box}
      data-shown={place !== null}
      data-beside={props.beside}
      data-standing={props.standing}
      style={place === null ? {} : { "--start": `${place.start}%`, "--share": `${place.share}%` }}
    >
      {still === null ? null : <img class="pane-still" src={still.url} alt={t("weak.still")} />}
    </div>
  );
}

function Splitter(props: {
  percent: number;
  stacked: boolean;
  box: { current: HTMLDivElement | null };
  onMove: (percent: number) => void;
}): JSX.Element {
  const drag = (event: PointerEvent): void => {
    const target = event.currentTarget;
    const area = props.box.current?.getBoundingClientRect();
    if (!(target instanceof Element) || area === undefined || !target.hasPointerCapture(event.pointerId))
      return;
    props.onMove(
      props.stacked
        ? ((event.clientY - area.top) / area.height) * 100
        : ((event.clientX - area.left) / area.width) * 100,
    );
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a movable separator (WAI-ARIA window splitter) is not an <hr>
    <div
      class="splitter"
      role="separator"
      tabIndex={0}
      aria-orientation={props.stacked ? "horizontal" : "vertical"}
      aria-label={t("observer.split")}
      aria-valuemin={SPLIT.least}
      aria-valuemax={SPLIT.most}
      aria-valuenow={props.percent}
      style={{ [props.stacked ? "top" : "left"]: `${props.percent}%` }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const percent = splitAfterKey(props.percent, event.key);
        if (percent === null) return;
        event.preventDefault();
        props.onMove(percent);
      }}
    />
  );
}
