/** All places: add, pair a TV, link and QR, print, rename, delete; and which are connected. */

import away from "lucide-static/icons/circle-dashed.svg?raw";
import monitor from "lucide-static/icons/monitor-check.svg?raw";
import pencil from "lucide-static/icons/pencil.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import link from "lucide-static/icons/qr-code.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Place } from "../shared/protocol.ts";
import { matches } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Board } from "./board.ts";
import { Confirm } from "./confirm.tsx";
import { TextField } from "./fields.tsx";
import { LinkDialog } from "./link-dialog.tsx";
import { AddPlaces, PairTv, RenamePlace } from "./place-dialogs.tsx";
import { PrintDialog, PrintSheet } from "./print.tsx";
import { t } from "./words.ts";

/** Above this many places looking for one by eye takes too long. */
const SEARCH_FROM = 10;

type Open =
  | { kind: "nothing" }
  | { kind: "add" }
  | { kind: "print" }
  | { kind: "pair" | "rename" | "delete" | "new_link" | "link"; place: Place };

export function PlacesPage({ board }: { board: Board }): JSX.Element | null {
  const [open, setOpen] = useState<Open>({ kind: "nothing" });
  const [wanted, search] = useState("");
  const [printed, print] = useState<readonly Place[]>([]);
  const places = board.places.value;
  if (places === null) return null;
  const close = (): void => setOpen({ kind: "nothing" });
  const shown = places.filter(({ name }) => matches(name, wanted));
  const connected = places.filter((place) => place.connected === true).length;
  return (
    <>
      <div class="org-head">
        <div>
          <h1>{t("org.places")}</h1>
          {places.length === 0 ? null : (
            <p class="org-count">{t("org.places.count", { connected, total: places.length })}</p>
          )}
        </div>
        {places.length === 0 ? null : (
          <div class="org-head-buttons">
            <Button icon={printer} onClick={() => setOpen({ kind: "print" })}>
              {t("org.print")}
            </Button>
            <Button kind="primary" icon={plus} onClick={() => setOpen({ kind: "add" })}>
              {t("org.place.add")}
            </Button>
          </div>
        )}
      </div>
      {places.length === 0 ? (
        <div class="empty">
          <Icon svg={tv} />
          <h2>{t("org.places.empty")}</h2>
          <p>{t("org.places.empty.hint")}</p>
          <Button kind="primary" large icon={plus} onClick={() => setOpen({ kind: "add" })}>
            {t("org.place.add")}
          </Button>
        </div>
      ) : null}
      {places.length > SEARCH_FROM ? (
        <div class="org-search">
          <TextField label={t("org.places.search")} type="search" value={wanted} onInput={search} />
          <p role="status">{wanted === "" ? null : t("org.places.found", { count: shown.length })}</p>
        </div>
      ) : null}
      {shown.length === 0 ? null : <PlaceTable places={shown} board={board} onOpen={setOpen} />}
      <PlaceDialog board={board} open={open} onOpen={setOpen} onClose={close} onPrint={print} />
      {printed.length === 0 ? null : (
        <PrintSheet places={printed} links={board.links.value} onDone={() => print([])} />
      )}
    </>
  );
}

interface TableProps {
  places: readonly Place[];
  board: Board;
  onOpen: (open: Open) => void;
}

function PlaceTable({ places, board, onOpen }: TableProps): JSX.Element {
  return (
    <ul class="place-rows">
      {places.map((place) => (
        <li key={place.id} class="place-row">
          <span class="place-row-name">{place.name}</span>
          <span class="place-row-state" data-connected={place.connected === true}>
            <Icon svg={place.connected === true ? monitor : away} />
            {place.connected === true ? t("org.place.connected") : t("org.place.away")}
          </span>
          <span class="place-row-buttons">
            <RowButton name={place.name} icon={tv} onClick={() => onOpen({ kind: "pair", place })}>
              {t("org.place.pair")}
            </RowButton>
            <RowButton
              name={place.name}
              icon={link}
              onClick={() => onOpen({ kind: board.links.value.has(place.id) ? "link" : "new_link", place })}
            >
              {t("org.place.link")}
            </RowButton>
            <RowButton name={place.name} icon={pencil} onClick={() => onOpen({ kind: "rename", place })}>
              {t("org.place.rename")}
            </RowButton>
            <RowButton name={place.name} icon={trash} onClick={() => onOpen({ kind: "delete", place })}>
              {t("org.place.delete")}
            </RowButton>
          </span>
        </li>
      ))}
    </ul>
  );
}

interface RowButtonProps {
  /** Whose row, for those who hear the button without seeing the row. */
  name: string;
  icon: string;
  onClick: () => void;
  children: string;
}

function RowButton(props: RowButtonProps): JSX.Element {
  return (
    <Button kind="quiet" icon={props.icon} onClick={props.onClick}>
      {props.children}
      <span class="visually-hidden"> {props.name}</span>
    </Button>
  );
}

interface DialogProps {
  board: Board;
  open: Open;
  onOpen: (open: Open) => void;
  onClose: () => void;
  onPrint: (places: readonly Place[]) => void;
}

function PlaceDialog({ board, open, onOpen, onClose, onPrint }: DialogProps): JSX.Element | null {
  switch (open.kind) {
    case "nothing":
      return null;
    case "add":
      return <AddPlaces board={board} onClose={onClose} />;
    case "print":
      return <PrintDialog board={board} onClose={onClose} onPrint={onPrint} />;
    case "pair":
      return <PairTv board={board} place={open.place} onClose={onClose} />;
    case "rename":
      return <RenamePlace board={board} place={open.place} onClose={onClose} />;
    case "delete":
      return (
        <Confirm
          title={t("org.place.delete.question")}
          consequence={t("org.place.delete.advice", { name: open.place.name })}
          action={t("org.place.delete")}
          onClose={onClose}
          onConfirm={() => void board.deletePlace(open.place.id)}
        />
      );
    case "new_link":
      return (
        <Confirm
          title={t("org.place.link.question")}
          consequence={t("org.place.link.advice", { name: open.place.name })}
          action={t("org.place.link.make")}
          onClose={onClose}
          onConfirm={() => {
            const { place } = open;
            void board.newLinks([place.id]).then((made) => {
              if (made) onOpen({ kind: "link", place });
            });
          }}
        />
      );
    case "link":
      return (
        <LinkDialog
          name={open.place.name}
          url={board.links.value.get(open.place.id) ?? ""}
          hint={t("org.link.place")}
          onClose={onClose}
          onPrint={() => {
            onClose();
            onPrint([open.place]);
          }}
        />
      );
    default:
      return open satisfies never;
  }
}
