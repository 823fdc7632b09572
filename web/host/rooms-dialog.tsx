/** All classes to search in, and one of them in detail. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { boardView } from "../shared/board.ts";
import { tileName } from "../shared/lead-facts.ts";
import { matches } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { RoomDetails } from "../shared/ui/room-details.tsx";
import { STATE_ICONS } from "../shared/ui/room-words.ts";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

export function RoomsDialog(props: {
  room: HostRoom;
  onOpen: (place: string) => void;
  onClose: () => void;
}): JSX.Element {
  const { room, onOpen, onClose } = props;
  const [wanted, search] = useState("");
  const id = useId();
  const facts = room.lead.facts.value;
  const view = boardView(facts.tiles?.values() ?? [], {
    hands: facts.hands,
    filter: "all",
    found: (name) => matches(name, wanted),
    level: null,
  });
  return (
    <Dialog
      title={t("host.rooms")}
      onClose={onClose}
      actions={<Button onClick={onClose}>{t("board.room.close")}</Button>}
    >
      <label class="visually-hidden" for={id}>
        {t("host.rooms.search")}
      </label>
      <input
        id={id}
        type="search"
        class="input"
        placeholder={t("host.rooms.search")}
        autofocus
        value={wanted}
        onInput={(event) => search(event.currentTarget.value)}
      />
      <ul class="rooms-list">
        {view.groups
          .flatMap(({ tiles }) => tiles)
          .map(({ tile, name }) => (
            <li key={tile.id}>
              <button type="button" class="rooms-row" onClick={() => onOpen(tile.id)}>
                <span>{name}</span>
                <span class="rooms-state" data-state={tile.state}>
                  <Icon svg={STATE_ICONS[tile.state]} />
                  {tile.removed ? t("board.removed") : t(`board.state.${tile.state}`)}
                </span>
              </button>
            </li>
          ))}
      </ul>
    </Dialog>
  );
}

export function RoomDialog(props: {
  room: HostRoom;
  place: string;
  onClose: () => void;
}): JSX.Element | null {
  const { room, place, onClose } = props;
  const tile = room.lead.facts.value.tiles?.get(place);
  if (tile === undefined) return null;
  return (
    <Dialog
      title={tileName(tile)}
      onClose={onClose}
      actions={<Button onClick={onClose}>{t("board.room.close")}</Button>}
    >
      <RoomDetails
        lead={room.lead}
        tile={tile}
        now={room.serverNow()}
        t={t}
        onAir={room.onAir.value}
        inCharge={room.inCharge.value}
      />
    </Dialog>
  );
}
