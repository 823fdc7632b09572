/** The list of places with a word and an icon each. */
import bell from "lucide-static/icons/circle-dashed.svg?raw";
import connected from "lucide-static/icons/monitor.svg?raw";
import watching from "lucide-static/icons/monitor-check.svg?raw";
import frozen from "lucide-static/icons/snowflake.svg?raw";
import gone from "lucide-static/icons/unplug.svg?raw";
import muted from "lucide-static/icons/volume-x.svg?raw";
import type { JSX } from "preact";
import { Icon } from "../shared/ui/icon.tsx";
import type { HostRoom } from "./room.ts";
import type { PlaceWord } from "./roster.ts";
import { t } from "./words.ts";

const ICONS: { readonly [W in PlaceWord]: string } = {
  frozen,
  muted,
  gone,
  connected,
  absent: bell,
  watching,
};

export function PlaceList({ room }: { room: HostRoom }): JSX.Element {
  const { lines } = room.places.value;
  return (
    <ul class="places">
      {lines.map(({ id, name, word }) => (
        <li key={id} class="place" data-word={word}>
          <span class="place-name">{name}</span>
          <span class="place-word">
            <Icon svg={ICONS[word]} />
            {t(`host.place.${word}`)}
          </span>
        </li>
      ))}
    </ul>
  );
}
