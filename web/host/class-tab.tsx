/** Hands in their order, calls for help, and how all classes are. */
import check from "lucide-static/icons/check.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import list from "lucide-static/icons/list.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import lockOpen from "lucide-static/icons/lock-open.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { boardView, severityOf } from "../shared/board.ts";
import { formatSince } from "../shared/format.ts";
import { roomName, tileName } from "../shared/lead-facts.ts";
import type { Tile } from "../shared/lesson-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { HELP_ICONS, STATE_ICONS, summaryLine } from "../shared/ui/room-words.ts";
import { helpLines, livePrimary, mayCall } from "./live.ts";
import type { HostRoom } from "./room.ts";
import { RoomDialog, RoomsDialog } from "./rooms-dialog.tsx";
import { Ticking } from "./ticking.tsx";
import { UplinkCard } from "./uplink-view.tsx";
import { t } from "./words.ts";

/** Rooms in trouble listed here; the rest is one press away. */
const TROUBLE_SHOWN = 5;

export function ClassTab({ room }: { room: HostRoom }): JSX.Element {
  const [open, show] = useState<string | "all" | null>(null);
  return (
    <>
      <Hands room={room} onOpen={show} />
      <Help room={room} onOpen={show} />
      <Rooms room={room} onOpen={show} />
      <UplinkCard room={room} />
      {open === "all" ? <RoomsDialog room={room} onOpen={show} onClose={() => show(null)} /> : null}
      {open === null || open === "all" ? null : (
        <RoomDialog room={room} place={open} onClose={() => show(null)} />
      )}
    </>
  );
}

type PartProps = { room: HostRoom; onOpen: (place: string) => void };

function Hands({ room, onOpen }: PartProps): JSX.Element {
  const { lead } = room;
  const facts = lead.facts.value;
  const { hands } = facts;
  const primary = livePrimary(facts, room.tab.value, 0) === "call";
  const free = mayCall(facts) && room.inCharge.value;
  return (
    <section class="live-part" aria-labelledby="hands">
      <div class="live-part-head">
        <h2 id="hands">{t("host.hands", { count: hands.length })}</h2>
        {hands.length > 1 && room.inCharge.value ? (
          <Button kind="quiet" onClick={() => lead.lowerHand(null)}>
            {t("host.hands.lower_all")}
          </Button>
        ) : null}
      </div>
      {hands.length === 0 ? <p class="live-soft">{t("host.hands.none")}</p> : null}
      <ol class="hands" aria-live="polite">
        {hands.map(({ place, since }, index) => (
          <li key={place} class="hand">
            <Icon svg={hand} />
            <button type="button" class="live-name" onClick={() => onOpen(place)}>
              {roomName(facts, place)}
            </button>
            <span class="live-soft">
              <Ticking>{() => formatSince(room.serverNow() - since)}</Ticking>
            </span>
            <Button
              kind={primary && index === 0 ? "primary" : "secondary"}
              icon={mic}
              disabled={!free}
              onClick={() => lead.call(place)}
            >
              {index === 0 ? t("host.hands.call") : t("host.hands.call_short")}
              <span class="visually-hidden"> {roomName(facts, place)}</span>
            </Button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Help({ room, onOpen }: PartProps): JSX.Element | null {
  const lines = helpLines(room.lead.facts.value.tiles?.values() ?? []);
  if (lines.length === 0) return null;
  return (
    <section class="live-part" aria-labelledby="help">
      <h2 id="help">{t("host.help", { count: lines.length })}</h2>
      <ul class="helps" aria-live="polite">
        {lines.map(({ tile, kind, since }) => (
          <li key={`${tile.id} ${kind}`} class="help-line">
            <Icon svg={HELP_ICONS[kind]} />
            <span class="help-what">
              <button type="button" class="live-name" onClick={() => onOpen(tile.id)}>
                {tileName(tile)}
              </button>
              <span>
                {t(`board.help.${kind}`)} · <Ticking>{() => formatSince(room.serverNow() - since)}</Ticking>
              </span>
            </span>
            <Button kind="quiet" icon={check} onClick={() => room.lead.clearHelp(tile.id, kind)}>
              {t("board.help.done")}
              <span class="visually-hidden"> {tileName(tile)}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Rooms({ room, onOpen }: PartProps): JSX.Element {
  const facts = room.lead.facts.value;
  const tiles = [...(facts.tiles?.values() ?? [])];
  const view = boardView(tiles, { hands: facts.hands, filter: "trouble", found: () => true, level: null });
  const trouble = view.groups.flatMap((group) => group.tiles.map(({ tile }) => tile));
  const bad = trouble.filter(({ state }) => severityOf(state) === "bad");
  const shown = (bad.length > 0 ? bad : trouble).slice(0, TROUBLE_SHOWN);
  return (
    <section class="live-part" aria-labelledby="rooms">
      <h2 id="rooms">{t("host.rooms")}</h2>
      <p role="status">
        {room.link.value.kind !== "open"
          ? t("host.rooms.offline")
          : facts.tiles === null
            ? t("host.check.places.wait")
            : `${summaryLine(view.counts, t)}.`}
      </p>
      <ul class="helps">
        {shown.map((tile) => (
          <TroubleLine key={tile.id} room={room} tile={tile} onOpen={onOpen} />
        ))}
      </ul>
      {trouble.length > shown.length ? (
        <p class="live-soft">{t("host.rooms.more", { count: trouble.length - shown.length })}</p>
      ) : null}
      <div class="live-buttons">
        {tiles.length === 0 ? null : (
          <Button icon={list} onClick={() => onOpen("all")}>
            {t("host.rooms.all")}
          </Button>
        )}
        {room.inCharge.value ? <LockButton room={room} /> : null}
      </div>
      <p class="live-locked" role="status">
        {room.lesson.value?.locked === true ? (
          <>
            <Icon svg={lock} />
            {t("host.locked")}
          </>
        ) : null}
      </p>
      {facts.observers > 0 ? (
        <p class="live-soft">{t("roster.observers", { count: facts.observers })}</p>
      ) : null}
    </section>
  );
}

function TroubleLine({ room, tile, onOpen }: PartProps & { tile: Tile }): JSX.Element {
  return (
    <li class="help-line" data-severity={severityOf(tile.state)}>
      <Icon svg={STATE_ICONS[tile.state]} />
      <span class="help-what">
        <button type="button" class="live-name" onClick={() => onOpen(tile.id)}>
          {tileName(tile)}
        </button>
        <span>
          {t(`board.state.${tile.state}`)} ·{" "}
          <Ticking>{() => formatSince(room.serverNow() - tile.since)}</Ticking>
        </span>
      </span>
    </li>
  );
}

function LockButton({ room }: { room: HostRoom }): JSX.Element {
  const locked = room.lesson.value?.locked === true;
  return (
    <Button icon={locked ? lock : lockOpen} pressed={locked} onClick={() => room.lead.lock(!locked)}>
      {locked ? t("host.unlock") : t("host.lock")}
    </Button>
  );
}
