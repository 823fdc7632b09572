import "./place-list.css";
import check from "lucide-static/icons/circle-check.svg?raw";
import absent from "lucide-static/icons/circle-dashed.svg?raw";
import connected from "lucide-static/icons/monitor.svg?raw";
import watching from "lucide-static/icons/monitor-check.svg?raw";
import frozen from "lucide-static/icons/snowflake.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import gone from "lucide-static/icons/unplug.svg?raw";
import muted from "lucide-static/icons/volume-x.svg?raw";
import type { JSX } from "preact";
import type rosterVi from "../i18n/vi/roster.json";
import type { Translate } from "../i18n.ts";
import type { PlaceLine, PlaceWord, RosterSummary } from "../roster.ts";
import { Icon } from "./icon.tsx";
import { StatePill } from "./state-pill.tsx";

const ICONS: { readonly [W in PlaceWord]: string } = { frozen, muted, gone, connected, absent, watching };

/** A page's words; they contain those of `i18n/…/roster.json`. */
export type RosterWords = Translate<keyof typeof rosterVi>;

/** How all places are, in a line that can be read aloud. */
export function RosterSum({ summary, t }: { summary: RosterSummary; t: RosterWords }): JSX.Element {
  const { lines, trouble, watching, absent } = summary;
  return (
    <div class="roster-sum">
      {trouble > 0 ? (
        <StatePill tone="bad" icon={alert}>
          {t("roster.trouble", { count: trouble })}
        </StatePill>
      ) : null}
      {watching > 0 ? (
        <StatePill tone="ok" icon={check}>
          {watching === lines.length
            ? t("roster.all_well", { count: watching })
            : t("roster.watching", { count: watching })}
        </StatePill>
      ) : null}
      {absent > 0 ? <span class="roster-absent">{t("roster.absent", { count: absent })}</span> : null}
    </div>
  );
}

export interface PlaceListProps {
  lines: readonly PlaceLine[];
  t: RosterWords;
}

/** Places with a word and an icon each. */
export function PlaceList({ lines, t }: PlaceListProps): JSX.Element {
  return (
    <ul class="places">
      {lines.map(({ id, name, word, path }) => (
        <li key={id} class="place" data-word={word}>
          <span class="place-name">
            {name}
            {path === null ? null : <span class="place-path">{t(`path.${path}`)}</span>}
          </span>
          <span class="place-word">
            <Icon svg={ICONS[word]} />
            {t(`place.${word}`)}
          </span>
        </li>
      ))}
    </ul>
  );
}
