/** The teacher's line in words: one line under the picture, a card with advice at the side. */
import gauge from "lucide-static/icons/gauge.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import cpu from "lucide-static/icons/microchip.svg?raw";
import good from "lucide-static/icons/wifi.svg?raw";
import fair from "lucide-static/icons/wifi-high.svg?raw";
import poor from "lucide-static/icons/wifi-low.svg?raw";
import off from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { formatRate } from "../shared/format.ts";
import { SLOTS } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { language } from "../shared/ui/language.tsx";
import { StatePill, type Tone } from "../shared/ui/state-pill.tsx";
import type { HostRoom } from "./room.ts";
import { sentence, t } from "./words.ts";

type Word =
  | "idle"
  | "connecting"
  | "measuring"
  | "good"
  | "fair"
  | "poor"
  | "computer_busy"
  | "lost"
  | "refused";

const LOOKS: { readonly [W in Word]: { tone: Tone; icon: string } } = {
  idle: { tone: "idle", icon: gauge },
  connecting: { tone: "idle", icon: loader },
  measuring: { tone: "idle", icon: gauge },
  good: { tone: "ok", icon: good },
  fair: { tone: "warn", icon: fair },
  poor: { tone: "bad", icon: poor },
  computer_busy: { tone: "warn", icon: cpu },
  lost: { tone: "bad", icon: off },
  refused: { tone: "bad", icon: off },
};

export function UplinkLine({ room }: { room: HostRoom }): JSX.Element {
  const word = wordOf(room);
  const sample = room.sample.value;
  const link = room.link.value.kind;
  return (
    <div class="uplink-line">
      <span class="uplink-label">{t("host.uplink.title")}</span>
      <StatePill {...LOOKS[word]} announce>
        {t(`host.uplink.${word}`)}
      </StatePill>
      {sample === null || link !== "open" ? null : (
        <span class="uplink-rate">
          {t("host.uplink.sent", { rate: formatRate(sample.sentKbps, language.value) })}
        </span>
      )}
      {link === "open" || word === "lost" ? null : (
        <StatePill tone="bad" icon={off}>
          {t("host.link.lost")}
        </StatePill>
      )}
    </div>
  );
}

export function UplinkCard({ room }: { room: HostRoom }): JSX.Element {
  const word = wordOf(room);
  const publishing = room.publishing.value;
  const sample = room.sample.value;
  const problem =
    publishing.kind === "refused" || publishing.kind === "reconnecting" ? publishing.problem : null;
  return (
    <section class="uplink-card" aria-labelledby="uplink-title">
      <h2 id="uplink-title">{t("host.uplink.title")}</h2>
      <StatePill {...LOOKS[word]}>{t(`host.uplink.${word}`)}</StatePill>
      <p>
        {problem === null ? (word === "refused" ? null : t(`host.uplink.${word}.advice`)) : sentence(problem)}
      </p>
      {publishing.kind === "refused" ? (
        <Button onClick={() => room.retry()}>{t("common.retry")}</Button>
      ) : null}
      {sample === null ? null : (
        <p class="uplink-facts">
          {[
            t("host.uplink.sent", { rate: formatRate(sample.sentKbps, language.value) }),
            ...(sample.loss === null
              ? []
              : [t("host.uplink.loss", { percent: Math.round(sample.loss * 100) })]),
            ...(sample.rttMs === null ? [] : [t("host.uplink.delay", { ms: Math.round(sample.rttMs) })]),
          ].join(" · ")}
        </p>
      )}
      <Reaching room={room} />
    </section>
  );
}

/** What the relay says it really has: the proof that classes can see it. */
function Reaching({ room }: { room: HostRoom }): JSX.Element | null {
  // What it said before the connection broke says nothing about now.
  if (!room.onAir.value || room.link.value.kind !== "open") return null;
  const slots = SLOTS.filter((slot) => room.reaching.value[slot] !== undefined);
  return (
    <p class="uplink-facts">
      {slots.length === 0
        ? t("host.uplink.reaching.nothing")
        : `${t("host.uplink.reaching")}: ${slots.map((slot) => t(`host.reaching.${slot}`)).join(", ")}`}
    </p>
  );
}

function wordOf(room: HostRoom): Word {
  const publishing = room.publishing.value;
  switch (publishing.kind) {
    case "idle":
      return "idle";
    case "connecting":
      return "connecting";
    case "publishing":
      return room.verdict.value;
    case "reconnecting":
      return "lost";
    case "refused":
      return "refused";
    default:
      return publishing satisfies never;
  }
}
