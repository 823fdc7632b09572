import partyPopper from "lucide-static/icons/circle-check-big.svg?raw";
import linkOff from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { formatSpan } from "../shared/format.ts";
import type { Lesson } from "../shared/protocol.ts";
import type { SignalStatus } from "../shared/signal-client.ts";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { LessonScreen } from "./lesson-screen.tsx";
import { HostRoom } from "./room.ts";
import { Voice } from "./voice.ts";
import { sentence, t } from "./words.ts";

/** The whole host page: a lesson to teach, or a sentence that says why there is none. */
export function App(props: { token: string | null }): JSX.Element {
  if (props.token === null) {
    return (
      <Gate
        product={t("common.product")}
        icon={linkOff}
        title={t("link.missing")}
        advice={t("link.missing.advice")}
      />
    );
  }
  return <Room token={props.token} />;
}

function Room(props: { token: string }): JSX.Element {
  const room = useMemo(() => new HostRoom(props.token), [props.token]);
  const voice = useMemo(() => new Voice(room), [room]);
  const lesson = room.lesson.value;
  const link = room.link.value;
  useEffect(() => {
    document.title =
      lesson === null
        ? `${t("host.page")} – ${t("common.product")}`
        : `${lesson.title} – ${t("common.product")}`;
  });
  if (link.kind === "refused") return <Refused link={link} room={room} />;
  if (lesson === null) {
    return link.kind === "open" ? (
      <Gate
        product={t("common.product")}
        icon={linkOff}
        title={t("host.no_lesson")}
        advice={t("link.refused.advice")}
      />
    ) : (
      <Gate
        product={t("common.product")}
        icon={loader}
        busy
        title={t("host.loading")}
        advice={link.kind === "waiting" ? t("host.link.lost") : undefined}
      />
    );
  }
  if (lesson.state === "ended") return <Ended lesson={lesson} />;
  return <LessonScreen room={room} voice={voice} lesson={lesson} />;
}

function Refused(props: { link: Extract<SignalStatus, { kind: "refused" }>; room: HostRoom }): JSX.Element {
  const { link, room } = props;
  const product = t("common.product");
  switch (link.reason) {
    case "replaced":
      return (
        <Gate
          product={product}
          icon={monitorX}
          title={t("host.refused.replaced")}
          advice={t("host.refused.replaced.advice")}
          action={
            <Button kind="primary" large onClick={() => room.takeBack()}>
              {t("host.refused.here")}
            </Button>
          }
        />
      );
    case "lesson_deleted":
      return (
        <Gate
          product={product}
          icon={linkOff}
          title={t("host.refused.deleted")}
          advice={t("host.refused.deleted.advice")}
        />
      );
    case "unauthorized":
    case "revoked":
    case "removed":
    case "draining":
      return (
        <Gate
          product={product}
          icon={linkOff}
          title={link.problem === null ? t("link.refused") : sentence(link.problem)}
          advice={t("link.refused.advice")}
          code={link.problem?.code}
        />
      );
    default:
      return link.reason satisfies never;
  }
}

function Ended(props: { lesson: Lesson }): JSX.Element {
  const { started_at, ended_at } = props.lesson;
  const span = started_at === null || ended_at === null ? null : formatSpan(ended_at - started_at);
  return (
    <Gate
      product={`${t("common.product")} · ${props.lesson.title}`}
      icon={partyPopper}
      title={t("host.ended")}
      advice={`${span === null ? "" : `${t("host.ended.span", { span })} `}${t("host.ended.advice")}`}
      action={
        <a class="button button-secondary" href={`/rut-kinh-nghiem${location.hash}`}>
          {t("host.ended.sheets")}
        </a>
      }
    />
  );
}
