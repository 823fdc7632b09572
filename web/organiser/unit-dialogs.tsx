/** Adding and changing units, pairs of partners. */
import handshake from "lucide-static/icons/handshake.svg?raw";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import type { Unit } from "../shared/lesson-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Board } from "./board.ts";
import { Form, SubmitButton, TextField } from "./fields.tsx";
import { flatten, levelsOf, unitPath, unitTree, within } from "./units.ts";
import { t } from "./words.ts";

export interface UnitDialogProps {
  board: Board;
  /** The unit to change; `null` makes a new one. */
  unit: Unit | null;
  /** Where a new unit stands. */
  parent: string | null;
  onClose: () => void;
}

export function UnitDialog({ board, unit, parent, onClose }: UnitDialogProps): JSX.Element {
  const units = board.units.value;
  const above = units.find(({ id }) => id === parent);
  const likely = (above === undefined ? null : levelBelow(units, above)) ?? levelsOf(units)[0] ?? "";
  const [level, setLevel] = useState(unit?.level ?? likely);
  const [name, setName] = useState(unit?.name ?? "");
  const [under, setUnder] = useState<string | null>(unit === null ? parent : unit.parent);
  const ready = level.trim() !== "" && name.trim() !== "";
  // A unit cannot stand below itself.
  const barred = unit === null ? new Set<string>() : within(units, unit.id);
  return (
    <Dialog
      title={unit === null ? t("org.unit.add") : t("org.unit.edit")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <SubmitButton form="unit-form" disabled={!ready}>
            {unit === null ? t("org.unit.add") : t("org.save")}
          </SubmitButton>
        </>
      }
    >
      <Form
        id="unit-form"
        onSubmit={() => {
          if (!ready) return;
          const draft = { level: level.trim(), name: name.trim(), parent: under };
          void board.saveUnit(unit?.id ?? null, draft).then((saved) => {
            if (saved !== null) onClose();
          });
        }}
      >
        <TextField
          label={t("org.unit.name")}
          example={t("org.unit.name.example")}
          value={name}
          onInput={setName}
          first
        />
        <TextField
          label={t("org.unit.level")}
          example={t("org.unit.level.example")}
          value={level}
          onInput={setLevel}
        />
        <UnitSelect
          label={t("org.unit.parent")}
          empty={t("org.unit.parent.none")}
          units={units.filter(({ id }) => !barred.has(id))}
          value={under}
          onChange={setUnder}
        />
      </Form>
    </Dialog>
  );
}

/** What stands below such a unit elsewhere: below a cluster there are schools. */
function levelBelow(units: readonly Unit[], above: Unit): string | null {
  const siblings = units.filter(({ parent }) => units.find(({ id }) => id === parent)?.level === above.level);
  return levelsOf(siblings)[0] ?? null;
}

export interface UnitSelectProps {
  label: string;
  /** The choice of no unit. */
  empty: string;
  units: readonly Unit[];
  value: string | null;
  onChange: (id: string | null) => void;
}

/** One unit out of the tree, indented by its depth. */
export function UnitSelect({ label, empty, units, value, onChange }: UnitSelectProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        value={value ?? ""}
        onChange={(event) => onChange(event.currentTarget.value === "" ? null : event.currentTarget.value)}
      >
        <option value="">{empty}</option>
        {flatten(unitTree(units, [])).map(({ unit, depth }) => (
          <option key={unit.id} value={unit.id}>
            {`${"\u2003".repeat(depth)}${unit.name}`}
          </option>
        ))}
      </select>
    </div>
  );
}

export function PartnersDialog({ board, onClose }: { board: Board; onClose: () => void }): JSX.Element {
  const [first, setFirst] = useState<string | null>(null);
  const [second, setSecond] = useState<string | null>(null);
  const units = board.units.value;
  const partners = board.partners.value;
  const nameOf = (id: string | undefined): string => unitPath(units, id).slice(-2).join(" · ") || "…";
  return (
    <Dialog
      title={t("org.partners.title")}
      onClose={onClose}
      actions={<Button onClick={onClose}>{t("org.link.done")}</Button>}
    >
      <p>{t("org.partners.hint")}</p>
      {partners.length === 0 ? <p class="links-none">{t("org.partners.none")}</p> : null}
      <ul class="partners">
        {partners.map(([a, b]) => (
          <li key={`${a} ${b}`}>
            <Icon svg={handshake} />
            <span>
              {nameOf(a)} – {nameOf(b)}
            </span>
            <Button kind="quiet" onClick={() => void board.pairUnits(a ?? "", b ?? "", false)}>
              {t("org.partners.remove")}
              <span class="visually-hidden">
                {" "}
                {nameOf(a)} – {nameOf(b)}
              </span>
            </Button>
          </li>
        ))}
      </ul>
      <Form
        id="partners-form"
        onSubmit={() => {
          if (first === null || second === null || first === second) return;
          void board.pairUnits(first, second, true).then((paired) => {
            if (paired) setSecond(null);
          });
        }}
      >
        <UnitSelect
          label={t("org.partners.first")}
          empty={t("org.partners.choose")}
          units={units}
          value={first}
          onChange={setFirst}
        />
        <UnitSelect
          label={t("org.partners.second")}
          empty={t("org.partners.choose")}
          units={units}
          value={second}
          onChange={setSecond}
        />
        <SubmitButton form="partners-form" disabled={first === null || second === null || first === second}>
          {t("org.partners.add")}
        </SubmitButton>
      </Form>
    </Dialog>
  );
}
