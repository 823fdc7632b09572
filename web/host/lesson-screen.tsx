/** The teacher's screen before and during a lesson: bar, picture, controls; checklist or classes at the side. */

import calendar from "lucide-static/icons/calendar-clock.svg?raw";
import clock from "lucide-static/icons/clock.svg?raw";
import flask from "lucide-static/icons/flask-conical.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import radio from "lucide-static/icons/radio.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import users from "lucide-static/icons/users.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatDate, formatSpan, formatTime } from "../shared/format.ts";
import type { Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle, language } from "../shared/ui/language.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import { ChargeButton, ChargeNotice } from "./charge.tsx";
import { checklist } from "./checklist.ts";
import { ChecksPanel } from "./checks-panel.tsx";
import { factsOf } from "./facts.ts";
import { LivePanel } from "./live-panel.tsx";
import { NoticeList } from "./notice-list.tsx";
import type { HostRoom } from "./room.ts";
import { Stage } from "./stage.tsx";
import { Tools } from "./tools.tsx";
import { UplinkLine } from "./uplink-view.tsx";
import type { Voice } from "./voice.ts";
import { t } from "./words.ts";

export interface ScreenProps {
  room: HostRoom;
  voice: Voice;
  lesson: Lesson;
}

export function LessonScreen(props: ScreenProps): JSX.Element {
  const { room, voice, lesson } = props;
  const live = lesson.state === "live";
  return (
    <div class="host">
      <Bar {...props} />
      <main class="host-main">
        <div class="host-work">
          <NoticeList notices={room.notices} />
          <ChargeNotice room={room} />
          <Stage room={room} />
          <Tools room={room} voice={voice} />
          <div class="host-foot">
            <UplinkLine room={room} />
            {room.inCharge.value ? <LessonButtons {...props} /> : null}
          </div>
        </div>
        <aside class="host-side" aria-label={live ? t("host.places.panel") : t("host.check.title")}>
          {live ? <LivePanel room={room} /> : <ChecksPanel room={room} voice={voice} lesson={lesson} />}
        </aside>
      </main>
    </div>
  );
}

function Bar({ room, lesson }: ScreenProps): JSX.Element {
  const roster = room.roster.value;
  return (
    <header class="host-bar">
      <div class="host-title">
        <span class="host-product">{t("common.product")}</span>
        <h1>{lesson.title}</h1>
        {lesson.host_place === null ? null : <span class="host-place">{lesson.host_place}</span>}
      </div>
      <div class="host-facts">
        <LessonPill lesson={lesson} room={room} />
        {roster === null ? null : (
          <span class="host-count">
            <Icon svg={users} />
            {roster.total === 0
              ? t("host.places.none")
              : t("host.places", { connected: roster.connected, total: roster.total })}
          </span>
        )}
        <ChargeButton room={room} />
        <LanguageToggle />
      </div>
    </header>
  );
}

function LessonPill({ room, lesson }: { room: HostRoom; lesson: Lesson }): JSX.Element {
  switch (lesson.state) {
    case "live":
      return (
        <StatePill tone="live" icon={radio} announce>
          {t("lesson.live")} <Elapsed room={room} startedAt={lesson.started_at} />
        </StatePill>
      );
    case "test_run":
      return (
        <StatePill tone="warn" icon={flask} announce>
          {t("lesson.test_run")}
        </StatePill>
      );
    case "scheduled":
    case "ended": {
      const at = lesson.starts_at === null ? null : new Date(lesson.starts_at);
      return (
        <StatePill tone="idle" icon={at === null ? clock : calendar} announce>
          {at === null ? t(`lesson.${lesson.state}`) : plannedFor(at)}
        </StatePill>
      );
    }
    default:
      return lesson.state satisfies never;
  }
}

function plannedFor(at: Date): string {
  const time = formatTime(at);
  return at.toDateString() === new Date().toDateString()
    ? t("host.starts.today", { time })
    : t("host.starts", { time, date: formatDate(at, language.value) });
}

/** Time since the lesson began, by the relay's clock; not announced every second. */
function Elapsed({ room, startedAt }: { room: HostRoom; startedAt: number | null }): JSX.Element | null {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, []);
  if (startedAt === null) return null;
  return (
    <span class="host-elapsed" role="timer" aria-label={t("host.elapsed")}>
      {formatSpan(room.serverNow() - startedAt)}
    </span>
  );
}

/** Test run, start, end: whatever the lesson's state allows. */
function LessonButtons({ room, voice, lesson }: ScreenProps): JSX.Element | null {
  const pending = room.pending.value;
  const busy = pending !== null;
  const ready = checklist(factsOf(room, voice, lesson)).ready;
  switch (lesson.state) {
    case "scheduled":
      return (
        <div class="host-buttons">
          <Button icon={flask} large disabled={busy} onClick={() => room.command("lesson.test")}>
            {pending === "lesson.test" ? t("host.test.working") : t("host.test")}
          </Button>
          <StartButton room={room} primary={ready} />
        </div>
      );
    case "test_run":
      return (
        <div class="host-buttons">
          <Button icon={square} large disabled={busy} onClick={() => room.command("lesson.end")}>
            {pending === "lesson.end" ? t("host.test.stop.working") : t("host.test.stop")}
          </Button>
          <StartButton room={room} primary={ready} />
        </div>
      );
    case "live":
      return <EndButton room={room} />;
    case "ended":
      return null;
    default:
      return lesson.state satisfies never;
  }
}

function StartButton({ room, primary }: { room: HostRoom; primary: boolean }): JSX.Element {
  const pending = room.pending.value;
  return (
    <Button
      kind={primary ? "primary" : "secondary"}
      icon={play}
      large
      disabled={pending !== null}
      onClick={() => room.command("lesson.start")}
    >
      {pending === "lesson.start" ? t("host.start.working") : t("host.start")}
    </Button>
  );
}

function EndButton({ room }: { room: HostRoom }): JSX.Element {
  const [asked, ask] = useState(false);
  const watching = room.roster.value?.connected ?? 0;
  const ending = room.pending.value === "lesson.end";
  return (
    <div class="host-buttons">
      <Button kind="danger" icon={square} large disabled={ending} onClick={() => ask(true)}>
        {ending ? t("host.end.working") : t("host.end")}
      </Button>
      {asked ? (
        <Dialog
          title={t("host.end.question")}
          onClose={() => ask(false)}
          actions={
            <>
              <Button large onClick={() => ask(false)}>
                {t("host.end.stay")}
              </Button>
              <Button
                kind="danger"
                large
                onClick={() => {
                  ask(false);
                  room.command("lesson.end");
                }}
              >
                {t("host.end")}
              </Button>
            </>
          }
        >
          <p>{watching > 0 ? t("host.end.watching", { count: watching }) : t("host.end.nobody")}</p>
        </Dialog>
      ) : null}
    </div>
  );
}
