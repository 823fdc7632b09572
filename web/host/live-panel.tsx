/** During the lesson: who is there and how they are. Raised hands and questions will stand above the list. */
import users from "lucide-static/icons/circle-check.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import type { JSX } from "preact";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { HostRoom } from "./room.ts";
import { PlaceList } from "./roster-view.tsx";
import { UplinkCard } from "./uplink-view.tsx";
import { t } from "./words.ts";

export function LivePanel({ room }: { room: HostRoom }): JSX.Element {
  const roster = room.roster.value;
  const { lines, trouble, watching, absent } = room.places.value;
  return (
    <>
      <section class="live-places" aria-labelledby="live-places">
        <h2 id="live-places">{t("host.roster.title")}</h2>
        {lines.length === 0 ? (
          <p>{roster === null ? t("host.check.places.wait") : t("host.roster.empty")}</p>
        ) : (
          <>
            <div class="live-sum">
              {trouble > 0 ? (
                <StatePill tone="bad" icon={alert}>
                  {t("host.roster.trouble", { count: trouble })}
                </StatePill>
              ) : null}
              {watching > 0 ? (
                <StatePill tone="ok" icon={users}>
                  {watching === lines.length
                    ? t("host.roster.all_well", { count: watching })
                    : t("host.roster.watching", { count: watching })}
                </StatePill>
              ) : null}
              {absent > 0 ? (
                <span class="live-absent">{t("host.roster.absent", { count: absent })}</span>
              ) : null}
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable by keyboard */}
            <section class="live-list" tabIndex={0} aria-label={t("host.roster.list")}>
              <PlaceList room={room} />
            </section>
          </>
        )}
        {roster !== null && roster.observers > 0 ? (
          <p class="live-observers">{t("host.roster.observers", { count: roster.observers })}</p>
        ) : null}
      </section>
      <UplinkCard room={room} />
    </>
  );
}
