/** All places: add, pair a TV, link and QR, print, rename, delete; and which are connected. */

import away from "lucide-static/icons/circle-dashed.svg?raw";
import download from "lucide-static/icons/download.svg?raw";
import handshake from "lucide-static/icons/handshake.svg?raw";
import monitor from "lucide-static/icons/monitor-check.svg?raw";
import pencil from "lucide-static/icons/pencil.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import link from "lucide-static/icons/qr-code.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import upload from "lucide-static/icons/upload.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Unit } from "../shared/lesson-protocol.ts";
import type { Place } from "../shared/protocol.ts";
import { matches } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Board } from "./board.ts";
import { Confirm } from "./confirm.tsx";
import { TextField } from "./fields.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { LinkDialog } from "./link-dialog.tsx";
import { AddPlaces, EditPlace, PairTv } from "./place-dialogs.tsx";
import { PrintDialog, PrintSheet } from "./print.tsx";
import { PartnersDialog, UnitDialog } from "./unit-dialogs.tsx";
import { flatten, partnersOf, type UnitNode, unitPath, unitTree } from "./units.ts";
import { type UnitChoice, UnitsTree } from "./units-tree.tsx";
import { t } from "./words.ts";

/** Above this many places looking for one by eye takes too long. */
const SEARCH_FROM = 10;

type Open =
  | { kind: "nothing" }
  | { kind: "add" }
  | { kind: "print" }
  | { kind: "import" }
  | { kind: "partners" }
  | { kind: "add_unit"; parent: string | null }
  | { kind: "edit_unit" | "delete_unit"; unit: Unit }
  | { kind: "pair" | "edit" | "delete" | "new_link" | "link"; place: Place };

export function PlacesPage({ board }: { board: Board }): JSX.Element | null {
  const [open, setOpen] = useState<Open>({ kind: "nothing" });
  const [wanted, search] = useState("");
  const [printed, print] = useState<readonly Place[]>([]);
  const [choice, choose] = useState<UnitChoice>({ kind: "all" });
  const places = board.places.value;
  const units = board.units.value;
  if (places === null) return null;
  const tree = unitTree(units, places);
  const known = new Set(units.map(({ id }) => id));
  const loose = places.filter(({ unit }) => unit === undefined || !known.has(unit));
  const node = choice.kind === "unit" ? flatten(tree).find(({ unit }) => unit.id === choice.id) : undefined;
  const listed = choice.kind === "none" ? loose : (node?.places ?? places);
  const close = (): void => setOpen({ kind: "nothing" });
  const shown = listed.filter((place) =>
    matches(`${unitPath(units, place.unit).join(" ")} ${place.name}`, wanted),
  );
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
            <Button icon={handshake} onClick={() => setOpen({ kind: "partners" })}>
              {t("org.places.partners")}
            </Button>
            <Button icon={upload} onClick={() => setOpen({ kind: "import" })}>
              {t("org.places.import")}
            </Button>
            <Button icon={download} onClick={() => void board.download("/api/places.csv", "diem-cau.csv")}>
              {t("org.places.export")}
            </Button>
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
          <Button icon={upload} onClick={() => setOpen({ kind: "import" })}>
            {t("org.places.import")}
          </Button>
        </div>
      ) : null}
      <div class="places-columns" data-units={places.length > 0}>
        {places.length === 0 ? null : (
          <UnitsTree
            key={units.length === 0 ? "none" : "some"}
            tree={tree}
            total={places.length}
            loose={loose.length}
            choice={choice}
            onChoose={choose}
            onAdd={() => setOpen({ kind: "add_unit", parent: choice.kind === "unit" ? choice.id : null })}
          />
        )}
        <div>
          {node === undefined ? null : <UnitHead board={board} node={node} onOpen={setOpen} />}
          {places.length > SEARCH_FROM ? (
            <div class="org-search">
              <TextField label={t("org.places.search")} type="search" value={wanted} onInput={search} />
              <p role="status">{wanted === "" ? null : t("org.places.found", { count: shown.length })}</p>
            </div>
          ) : null}
          {shown.length === 0 ? null : <PlaceTable places={shown} board={board} onOpen={setOpen} />}
        </div>
      </div>
      <PlaceDialog
        board={board}
        open={open}
        onOpen={setOpen}
        onClose={close}
        onPrint={print}
        unit={choice.kind === "unit" ? choice.id : null}
      />
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
          <span class="place-row-name">
            {place.name}
            <PlaceUnits board={board} place={place} />
          </span>
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
            <RowButton name={place.name} icon={pencil} onClick={() => onOpen({ kind: "edit", place })}>
              {t("org.place.edit")}
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

/** Where a place belongs, from the top. */
function PlaceUnits({ board, place }: { board: Board; place: Place }): JSX.Element | null {
  const path = unitPath(board.units.value, place.unit);
  return path.length === 0 ? null : <small class="place-row-unit">{path.join(" · ")}</small>;
}

/** The chosen unit: its level, its partners, and what can be done with it. */
function UnitHead(props: { board: Board; node: UnitNode; onOpen: (open: Open) => void }): JSX.Element {
  const { unit } = props.node;
  const partners = partnersOf(props.board.units.value, props.board.partners.value, unit.id);
  return (
    <div class="unit-head">
      <div>
        <h2>{unit.name}</h2>
        <p class="links-hint">
          {[
            unit.level,
            ...(partners.length === 0 ? [] : [t("org.partners.with", { names: partners.join(", ") })]),
          ].join(" · ")}
        </p>
      </div>
      <div class="unit-head-buttons">
        <Button kind="quiet" icon={plus} onClick={() => props.onOpen({ kind: "add_unit", parent: unit.id })}>
          {t("org.unit.add")}
        </Button>
        <Button kind="quiet" icon={pencil} onClick={() => props.onOpen({ kind: "edit_unit", unit })}>
          {t("org.unit.edit")}
        </Button>
        <Button kind="quiet" icon={trash} onClick={() => props.onOpen({ kind: "delete_unit", unit })}>
          {t("org.unit.delete")}
        </Button>
      </div>
    </div>
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
  /** The chosen unit, for new places. */
  unit: string | null;
}

function PlaceDialog({ board, open, onOpen, onClose, onPrint, unit }: DialogProps): JSX.Element | null {
  switch (open.kind) {
    case "nothing":
      return null;
    case "add":
      return <AddPlaces board={board} unit={unit} onClose={onClose} />;
    case "import":
      return <ImportDialog board={board} onClose={onClose} onPrint={onPrint} />;
    case "partners":
      return <PartnersDialog board={board} onClose={onClose} />;
    case "add_unit":
      return <UnitDialog board={board} unit={null} parent={open.parent} onClose={onClose} />;
    case "edit_unit":
      return <UnitDialog board={board} unit={open.unit} parent={null} onClose={onClose} />;
    case "delete_unit":
      return (
        <Confirm
          title={t("org.unit.delete.question")}
          consequence={t("org.unit.delete.advice", { name: open.unit.name })}
          action={t("org.unit.delete")}
          onClose={onClose}
          onConfirm={() => void board.deleteUnit(open.unit.id)}
        />
      );
    case "print":
      return <PrintDialog board={board} onClose={onClose} onPrint={onPrint} />;
    case "pair":
      return <PairTv board={board} place={open.place} onClose={onClose} />;
    case "edit":
      return <EditPlace board={board} place={open.place} onClose={onClose} />;
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
