import audioLines from "lucide-static/icons/audio-lines.svg?raw";
import pause from "lucide-static/icons/pause.svg?raw";
import userX from "lucide-static/icons/user-x.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { Icon } from "../shared/ui/icon.tsx";
import { impossible, type Trouble } from "../shared/viewer-state.ts";
import { t } from "./words.ts";

/** What is wrong, at the foot of the picture. */
export function TroubleLine(props: { trouble: Trouble; now: number }): JSX.Element {
  const { icon, title, advice } = wordsOf(props.trouble, props.now);
  return (
    <div class="trouble">
      <Icon svg={icon} />
      <div>
        <p class="trouble-title">{title}</p>
        <p>{advice}</p>
      </div>
    </div>
  );
}

function wordsOf(trouble: Trouble, now: number): { icon: string; title: string; advice: string } {
  const seconds = trouble.since === null ? 0 : Math.max(0, Math.round((now - trouble.since) / 1000));
  switch (trouble.kind) {
    case "lost":
      return { icon: wifiOff, title: t("observer.lost", { seconds }), advice: t("observer.lost.advice") };
    case "frozen":
      return { icon: pause, title: t("observer.frozen", { seconds }), advice: frozenAdvice(trouble) };
    case "teacher_away":
      return { icon: userX, title: t("observer.away"), advice: t("observer.away.advice") };
    case "sound_only":
      return { icon: audioLines, title: t("observer.sound_only"), advice: t("observer.sound_only.advice") };
    default:
      return impossible(trouble);
  }
}

function frozenAdvice(trouble: Extract<Trouble, { kind: "frozen" }>): string {
  if (trouble.partial) return t("observer.frozen.partial");
  return t(trouble.hearing ? "observer.frozen.sound" : "observer.frozen.checking");
}
