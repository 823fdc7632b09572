/** The tree of units beside the list of places: choosing one narrows the list to what is below it. */
import chevron from "lucide-static/icons/chevron-right.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import folder from "lucide-static/icons/school.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { flatten, type UnitNode } from "./units.ts";
import { t } from "./words.ts";

/** What of the places is listed: all, those of no unit, or those below one. */
export type UnitChoice = { kind: "all" } | { kind: "none" } | { kind: "unit"; id: string };

export interface UnitsTreeProps {
  tree: readonly UnitNode[];
  total: number;
  /** Places that belong to no unit. */
  loose: number;
  choice: UnitChoice;
  onChoose: (choice: UnitChoice) => void;
  onAdd: () => void;
}

export function UnitsTree(props: UnitsTreeProps): JSX.Element {
  const { tree, choice, onChoose } = props;
  // The upper two levels are open at first: one Sở over everything would otherwise hide all of it.
  const [open, setOpen] = useState<ReadonlySet<string>>(
    () =>
      new Set(
        flatten(tree)
          .filter(({ depth }) => depth < 1)
          .map(({ unit }) => unit.id),
      ),
  );
  const toggle = (id: string): void => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <nav class="units" aria-labelledby="units">
      <div class="units-head">
        <h2 id="units">{t("org.places.units")}</h2>
        <Button kind="quiet" icon={plus} onClick={props.onAdd}>
          {t("org.unit.add")}
        </Button>
      </div>
      <ul>
        <Row
          word={t("org.places.units.all")}
          count={props.total}
          chosen={choice.kind === "all"}
          onChoose={() => onChoose({ kind: "all" })}
        />
        {flatten(tree, open).map(({ unit, children, places, depth }) => (
          <Row
            key={unit.id}
            word={unit.name}
            count={places.length}
            depth={depth}
            open={children.length === 0 ? null : open.has(unit.id)}
            onToggle={() => toggle(unit.id)}
            chosen={choice.kind === "unit" && choice.id === unit.id}
            onChoose={() => onChoose({ kind: "unit", id: unit.id })}
          />
        ))}
        {props.loose > 0 && tree.length > 0 ? (
          <Row
            word={t("org.places.units.none")}
            count={props.loose}
            chosen={choice.kind === "none"}
            onChoose={() => onChoose({ kind: "none" })}
          />
        ) : null}
      </ul>
    </nav>
  );
}

interface RowProps {
  word: string;
  count: number;
  depth?: number;
  /** `null`: nothing to fold. */
  open?: boolean | null;
  onToggle?: () => void;
  chosen: boolean;
  onChoose: () => void;
}

function Row({ word, count, depth = 0, open = null, onToggle, chosen, onChoose }: RowProps): JSX.Element {
  return (
    <li class="unit-row" style={{ "--depth": String(depth) }}>
      {open === null ? (
        <span class="unit-fold">{depth > 0 ? <Icon svg={folder} /> : null}</span>
      ) : (
        <button
          type="button"
          class="unit-fold"
          aria-expanded={open}
          aria-label={t(open ? "org.unit.collapse" : "org.unit.expand", { name: word })}
          onClick={onToggle}
        >
          <Icon svg={chevron} />
        </button>
      )}
      <button type="button" class="unit-name" aria-current={chosen ? "true" : undefined} onClick={onChoose}>
        <span>{word}</span>
        <span class="unit-count">{count}</span>
      </button>
    </li>
  );
}
