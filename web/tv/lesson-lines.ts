/** Small lines that say how the room takes part, and what the check of this screen has found. */
import audioLines from "lucide-static/icons/audio-lines.svg?raw";
import circleCheck from "lucide-static/icons/circle-check.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import stethoscope from "lucide-static/icons/stethoscope.svg?raw";
import volume from "lucide-static/icons/volume-2.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import wifiLow from "lucide-static/icons/wifi-low.svg?raw";
import { impossible } from "../shared/viewer-state.ts";
import { weakWords } from "../shared/weak-link.ts";
import type { CheckState } from "./check-state.ts";
import { drawing, el } from "./dom.ts";
import { voiceOnlySpeaker } from "./lesson-view.ts";
import { noteNow, type TvFacts } from "./state.ts";
import type { Key, Words } from "./words.ts";

export interface Line {
  readonly icon: string;
  readonly text: string;
}

/** Small lines at the foot of the lesson that say how the room takes part. */
export function lessonLines(facts: TvFacts, now: number, t: Words): readonly Line[] {
  const lines: Line[] = [];
  const room = facts.viewer?.rooms.room ?? null;
  const weak = weakLine(facts, t);
  if (weak !== null) lines.push({ icon: wifiLow, text: weak });
  const heard = voiceOnlySpeaker(facts);
  if (heard !== null) lines.push({ icon: audioLines, text: t("tv.speaker", { name: heard }) });
  if (room?.help.some(({ kind }) => kind === "no_sound") === true) {
    lines.push({ icon: volumeX, text: t("tv.help.no_sound") });
  }
  if (room !== null && room.hand !== null) {
    lines.push({ icon: hand, text: t("tv.hand", { position: room.hand.position }) });
  }
  const note = noteNow(facts, now);
  if (note !== null) {
    const percent = Math.round(facts.volume * 100);
    lines.push({ icon: volume, text: t(`tv.note.${note.kind}` as Key, { percent }) });
  }
  return lines;
}

/** Why there is less to see than elsewhere, while that is worth a line. */
export function weakLine(facts: TvFacts, t: Words): string | null {
  const { viewer } = facts;
  // What was last heard of a link that is gone is of no use beside the word that it is gone.
  if (viewer === null || viewer.signal.kind !== "open" || viewer.silentSince !== null) return null;
  const { link } = viewer;
  const words = weakWords(link);
  // A medium-sized teacher is no trouble to anybody.
  if (words === null || link === null || link.rung > 4) return null;
  const kbps = link.estimate_kbps;
  const estimate =
    kbps === null || link.cause === "saver" ? "" : ` (${t("weak.estimate", { kbps: rounded(kbps) })})`;
  return `${t(words.cause)}${estimate}: ${t(words.rung)}`;
}

/** Two digits are all anybody believes, and a line that changes every second is not read. */
function rounded(kbps: number): number {
  const unit = kbps >= 1000 ? 100 : 10;
  return Math.max(unit, Math.round(kbps / unit) * unit);
}

/** What the rehearsal's check of this screen is doing or has found. */
export function checkCard(check: CheckState, t: Words): HTMLElement | null {
  switch (check.kind) {
    case "none":
      return null;
    case "running":
      return el(
        "p",
        "check",
        drawing(stethoscope, "icon"),
        t("tv.check.running", { step: t(`tv.check.step.${check.step}` as Key) }),
      );
    case "failed":
      return el("p", "check check-red", drawing(stethoscope, "icon"), t("tv.check.failed"));
    case "done": {
      const { light, rung, fixes } = check.verdict;
      const icon = light === "green" ? circleCheck : stethoscope;
      return el(
        "div",
        `check check-${light}`,
        drawing(icon, "icon"),
        el(
          "div",
          "",
          el("p", "check-title", `${t(`check.light.${light}` as Key)} · ${t(`check.rung.${rung}` as Key)}`),
          ...fixes.slice(0, 3).map((fix) => el("p", "check-fix", t(`check.fix.${fix}` as Key))),
        ),
      );
    }
    default:
      return impossible(check);
  }
}
