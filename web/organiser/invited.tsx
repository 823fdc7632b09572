/** Who a lesson is for: everybody, or the clusters, schools and rooms that are ticked. */
import users from "lucide-static/icons/users.svg?raw";
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Lesson } from "../shared/protocol.ts";
import { matches } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import type { Board } from "./board.ts";
import { type Ticked, tickOf, toggleUnit, type UnitNode, unitPath, unitTree } from "./units.ts";
import { t } from "./words.ts";

type Invited = readonly string[] | "everybody";

export function InvitedSection({ board, lesson }: { board: Board; lesson: Lesson }): JSX.Element {
  const [invited, setInvited] = useState<Invited | null>(null);
  const [choosing, choose] = useState(false);
  const places = board.places.value ?? [];
  const load = (): void => void board.invited(lesson.id).then(setInvited);
  useEffect(load, [board, lesson.id]);
  const total = places.length;
  return (
    <section class="invited" aria-labelledby="invited">
      <h2 id="invited">{t("org.invited")}</h2>
      <p class="links-hint">
        {invited === null
          ? t("org.board.wait")
          : invited === "everybody"
            ? t("org.invited.all", { count: total })
            : t("org.invited.some", { count: invited.length, total })}
      </p>
      {lesson.state === "ended" || total === 0 || invited === null ? null : (
        <Button icon={users} onClick={() => choose(true)}>
          {t("org.invited.choose")}
        </Button>
      )}
      {choosing && invited !== null ? (
        <InvitedDialog
          board={board}
          invited={invited}
          onClose={() => choose(false)}
          onSave={(chosen) => {
            const draft = { units: [], places: chosen === "everybody" ? null : chosen };
            void board.setInvited(lesson.id, draft).then((saved) => {
              if (saved === null) return;
              choose(false);
              load();
            });
          }}
        />
      ) : null}
    </section>
  );
}

interface InvitedDialogProps {
  board: Board;
  invited: Invited;
  onSave: (invited: Invited) => void;
  onClose: () => void;
}

function InvitedDialog({ board, invited, onSave, onClose }: InvitedDialogProps): JSX.Element {
  const places = board.places.value ?? [];
  const units = board.units.value;
  const [everybody, setEverybody] = useState(invited === "everybody");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () => new Set(invited === "everybody" ? places.map(({ id }) => id) : invited),
  );
  const [wanted, search] = useState("");
  const found = places.filter((place) =>
    matches(`${unitPath(units, place.unit).join(" ")} ${place.name}`, wanted),
  );
  const tree = unitTree(units, found);
  const loose = found.filter(({ unit }) => unit === undefined || !units.some(({ id }) => id === unit));
  const togglePlace = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Dialog
      title={t("org.invited.choose")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" onClick={() => onSave(everybody ? "everybody" : [...chosen])}>
            {everybody ? t("org.save") : t("org.invited.save")}
          </Button>
        </>
      }
    >
      <label class="tick">
        <input
          type="checkbox"
          checked={everybody}
          onChange={(event) => setEverybody(event.currentTarget.checked)}
        />
        {t("org.invited.everybody")}
      </label>
      {everybody ? null : (
        <>
          <p class="links-hint">{t("org.invited.hint")}</p>
          <input
            type="search"
            class="input"
            placeholder={t("org.board.search")}
            aria-label={t("org.board.search")}
            value={wanted}
            onInput={(event) => search(event.currentTarget.value)}
          />
          <ul class="ticks">
            {tree.map((node) => (
              <NodeTicks
                key={node.unit.id}
                node={node}
                chosen={chosen}
                onUnit={(unit) => setChosen(toggleUnit(unit, chosen))}
                onPlace={togglePlace}
              />
            ))}
            {loose.map((place) => (
              <PlaceTick
                key={place.id}
                name={place.name}
                on={chosen.has(place.id)}
                onToggle={() => togglePlace(place.id)}
              />
            ))}
          </ul>
          <p role="status">{t("org.invited.chosen", { count: chosen.size })}</p>
        </>
      )}
    </Dialog>
  );
}

interface NodeTicksProps {
  node: UnitNode;
  chosen: ReadonlySet<string>;
  onUnit: (node: UnitNode) => void;
  onPlace: (id: string) => void;
}

function NodeTicks(props: NodeTicksProps): JSX.Element | null {
  const { node, chosen, onUnit, onPlace } = props;
  const id = useId();
  if (node.places.length === 0) return null;
  const below = new Set(node.children.flatMap(({ places }) => places.map(({ id }) => id)));
  return (
    <li>
      <label class="tick tick-unit" for={id}>
        <TriState id={id} ticked={tickOf(node, chosen)} onToggle={() => onUnit(node)} />
        {node.unit.name}
        <span class="unit-count">{node.places.length}</span>
      </label>
      <ul>
        {node.children.map((child) => (
          <NodeTicks key={child.unit.id} node={child} chosen={chosen} onUnit={onUnit} onPlace={onPlace} />
        ))}
        {node.places
          .filter(({ id }) => !below.has(id))
          .map((place) => (
            <PlaceTick
              key={place.id}
              name={place.name}
              on={chosen.has(place.id)}
              onToggle={() => onPlace(place.id)}
            />
          ))}
      </ul>
    </li>
  );
}

function PlaceTick(props: { name: string; on: boolean; onToggle: () => void }): JSX.Element {
  return (
    <li>
      <label class="tick">
        <input type="checkbox" checked={props.on} onChange={props.onToggle} />
        {props.name}
      </label>
    </li>
  );
}

/** A box that may be half ticked, which no attribute can say. */
function TriState(props: { id: string; ticked: Ticked; onToggle: () => void }): JSX.Element {
  const { id, ticked, onToggle } = props;
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current !== null) box.current.indeterminate = ticked === "some";
  }, [ticked]);
  return <input id={id} ref={box} type="checkbox" checked={ticked === "all"} onChange={onToggle} />;
}
