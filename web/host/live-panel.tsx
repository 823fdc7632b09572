/** During the lesson: who is there and how they are. Raised hands and questions will stand above the list. */
import type { JSX } from "preact";
import { PlaceList, RosterSum } from "../shared/ui/place-list.tsx";
import type { HostRoom } from "./room.ts";
import { UplinkCard } from "./uplink-view.tsx";
import { t } from "./words.ts";

export function LivePanel({ room }: { room: HostRoom }): JSX.Element {
  const roster = room.roster.value;
  const summary = room.places.value;
  return (
    <>
      <section class="live-places" aria-labelledby="live-places">
        <h2 id="live-places">{t("roster.title")}</h2>
        {summary.lines.length === 0 ? (
          <p>{roster === null ? t("host.check.places.wait") : t("roster.empty")}</p>
        ) : (
          <>
            <RosterSum summary={summary} t={t} />
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable by keyboard */}
            <section class="live-list" tabIndex={0} aria-label={t("roster.list")}>
              <PlaceList lines={summary.lines} t={t} />
            </section>
          </>
        )}
        {roster !== null && roster.observers > 0 ? (
          <p class="live-observers">{t("roster.observers", { count: roster.observers })}</p>
        ) : null}
      </section>
      <UplinkCard room={room} />
    </>
  );
}
