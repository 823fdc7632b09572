/** The course of the lesson: rows with their moment, and the tools of the one being written. */
import down from "lucide-static/icons/arrow-down.svg?raw";
import up from "lucide-static/icons/arrow-up.svg?raw";
import camera from "lucide-static/icons/camera.svg?raw";
import combine from "lucide-static/icons/combine.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import undo from "lucide-static/icons/undo-2.svg?raw";
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Form } from "../../shared/notes/form.ts";
import { type Row, rowKey, type TextField } from "../../shared/notes/sheet.ts";
import { Button } from "../../shared/ui/button.tsx";
import { Cell } from "../../shared/ui/cell.tsx";
import { Icon } from "../../shared/ui/icon.tsx";
import { mergeUp, moveRow, setMoment, settleSibling, toggleTag } from "./actions.ts";
import { Pictures } from "./pictures.tsx";
import { type Key, t } from "./words.ts";
import type { Writing } from "./writing.ts";

/** Columns of a form: the two-column form has the course and the remarks. */
export function columnsOf(form: Form | null, study: boolean): readonly (readonly [TextField, Key])[] {
  if (form?.layout === "two") {
    return [
      ["teacher", "notes.column.progress"],
      ["remark", "notes.column.remark.two"],
    ];
  }
  const teacher = ["teacher", "notes.column.teacher"] as const;
  const pupils = ["pupils", "notes.column.pupils"] as const;
  // A lesson study watches the pupils first.
  return [...(study ? [pupils, teacher] : [teacher, pupils]), ["remark", "notes.column.remark"]];
}

export function Rows(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const { rows, bin } = writing.view.value;
  const form = writing.form.value;
  const { study } = writing.view.value;
  // The same for as long as the form is: a keystroke draws its own row anew, not a hundred others.
  const columns = useMemo(() => columnsOf(form, study), [form, study]);
  return (
    <div class="rows" data-columns={columns.length}>
      <div class="row-heads" aria-hidden="true">
        <span>{t("notes.column.time")}</span>
        {columns.map(([field, word]) => (
          <span key={field}>{t(word)}</span>
        ))}
      </div>
      {rows.length === 0 ? <p class="rows-empty">{t("notes.rows.empty")}</p> : null}
      <ol class="row-list">
        {rows.map((row, index) => (
          <RowItem
            key={row.id}
            writing={writing}
            row={row}
            columns={columns}
            opensPhase={row.phase !== null && row.phase !== (rows[index - 1]?.phase ?? null)}
          />
        ))}
      </ol>
      {bin.length === 0 ? null : <Bin writing={writing} bin={bin} />}
    </div>
  );
}

function RowItem(props: {
  writing: Writing;
  row: Row;
  columns: readonly (readonly [TextField, Key])[];
  opensPhase: boolean;
}): JSX.Element {
  const { writing, row, columns } = props;
  const active = writing.active.value === row.id;
  const time = writing.timeText(row);
  const phase = writing.form.value?.phases.find(({ id }) => id === row.phase);
  // What stands in a column the form does not show is shown all the same.
  const shown: readonly (readonly [TextField, Key])[] =
    row.pupils !== "" && !columns.some(([field]) => field === "pupils")
      ? [...columns, ["pupils", "notes.column.pupils"]]
      : columns;
  return (
    <>
      {props.opensPhase && phase !== undefined ? <li class="phase-head">{phase.name}</li> : null}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the fields inside take the keyboard's focus; a click beside them helps a mouse */}
      <li
        class="row"
        data-row={row.id}
        data-active={active}
        data-private={row.private}
        aria-label={t("notes.row", { time })}
        onClick={() => {
          writing.active.value = row.id;
        }}
      >
        <p class="row-time">
          <span>{time}</span>
          <QualityMark row={row} />
          {row.private ? (
            <span class="row-private">
              <Icon svg={lock} />
              {t("notes.row.private")}
            </span>
          ) : null}
        </p>
        {shown.map(([field, word], position) => (
          <div key={field} class="row-cell">
            <span class="row-cell-head" aria-hidden="true">
              {t(word)}
            </span>
            <Cell
              name={`${row.id} ${field}`}
              label={t("notes.cell", { column: t(word), time })}
              value={row[field]}
              eager={active && position === 0 && writing.takesFocus(row.id)}
              onFocus={() => {
                writing.active.value = row.id;
              }}
              onInput={(text) => writing.type(rowKey(row.id, field), text)}
            />
            <Siblings writing={writing} row={row} field={field} />
          </div>
        ))}
        {row.tags.length > 0 && !active ? (
          <p class="row-tags">
            {row.tags.map((tag) => (
              <span key={tag} class="tag">
                {tag}
              </span>
            ))}
          </p>
        ) : null}
        {row.pics.length > 0 ? <Pictures writing={writing} row={row} time={time} removable={active} /> : null}
        {active ? <RowTools writing={writing} row={row} time={time} /> : null}
      </li>
    </>
  );
}

const QUALITY_WORDS: { readonly [Q in string]?: Key } = {
  held: "notes.time.held",
  clock: "notes.time.clock",
  hand: "notes.time.hand",
};

/** `≈` and a sentence, when the moment is not the capture time of something seen. */
function QualityMark(props: { row: Row }): JSX.Element | null {
  const word = QUALITY_WORDS[props.row.at?.q ?? ""];
  if (word === undefined) return null;
  return (
    <span class="row-quality" title={t(word)}>
      <span aria-hidden="true">{props.row.at?.q === "hand" ? "✎" : "≈"}</span>
      <span class="visually-hidden">{t(word)}</span>
    </span>
  );
}

function Siblings(props: { writing: Writing; row: Row; field: TextField }): JSX.Element | null {
  const { writing, row, field } = props;
  const others = row.siblings.filter((sibling) => sibling.field === field);
  if (others.length === 0) return null;
  return (
    <div class="sibling" role="note">
      <p>{t("notes.row.sibling")}</p>
      {others.map(({ text }) => (
        <blockquote key={text}>{text}</blockquote>
      ))}
      <Button onClick={() => writing.doc.set(settleSibling(row, field, true))}>
        {t("notes.row.sibling.join")}
      </Button>
      <Button kind="quiet" onClick={() => writing.doc.set(settleSibling(row, field, false))}>
        {t("notes.row.sibling.keep")}
      </Button>
    </div>
  );
}

function RowTools(props: { writing: Writing; row: Row; time: string }): JSX.Element {
  const { writing, row, time } = props;
  const { doc } = writing;
  const form = writing.form.value;
  const [problem, setProblem] = useState<Key | null>(null);
  const { rows } = writing.view.value;
  const tools = useRef<HTMLFieldSetElement>(null);
  // A row opened at the lower edge would have its tools out of sight.
  useLayoutEffect(() => tools.current?.scrollIntoView({ block: "nearest" }), []);
  const shift = (by: number): void => {
    if (row.at !== null) doc.set(setMoment(row, row.at.ms + by, doc.stamp()));
  };
  return (
    <fieldset class="row-tools" ref={tools}>
      <legend class="visually-hidden">{t("notes.row.tools", { time })}</legend>
      {form !== null && form.phases.length > 0 ? (
        <label class="tool-select">
          <span class="visually-hidden">{t("notes.row.phase")}</span>
          <select
            value={row.phase ?? ""}
            onChange={(event) => {
              const phase = event.currentTarget.value;
              doc.set([[rowKey(row.id, "phase"), phase === "" ? null : phase]]);
            }}
          >
            <option value="">{t("notes.phase.none")}</option>
            {form.phases.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      {(form?.tags ?? []).map((tag) => (
        <button
          key={tag}
          type="button"
          class="tag tag-toggle"
          aria-pressed={row.tags.includes(tag)}
          onClick={() => doc.set(toggleTag(row, tag))}
        >
          {tag}
        </button>
      ))}
      <span class="tools-break" />
      {writing.canSnap.value.map((slot) => (
        <Tool
          key={slot}
          icon={camera}
          word={slot === "slides_video" ? "notes.row.shot.slides" : "notes.row.shot"}
          onClick={() => {
            void writing.snap(row, slot).then((done) => setProblem(done ? null : "notes.row.shot.failed"));
          }}
        />
      ))}
      <Tool
        icon={lock}
        word="notes.row.private"
        pressed={row.private}
        onClick={() => doc.set([[rowKey(row.id, "private"), !row.private]])}
      />
      <Tool
        icon={up}
        word="notes.row.up"
        disabled={rows[0]?.id === row.id}
        onClick={() => doc.set(moveRow(doc.all, rows, row.id, -1))}
      />
      <Tool
        icon={down}
        word="notes.row.down"
        disabled={rows.at(-1)?.id === row.id}
        onClick={() => doc.set(moveRow(doc.all, rows, row.id, 1))}
      />
      <Tool
        icon={combine}
        word="notes.row.merge"
        disabled={rows[0]?.id === row.id}
        onClick={() => {
          const above = rows[rows.findIndex(({ id }) => id === row.id) - 1];
          doc.set(mergeUp(rows, row.id));
          writing.active.value = above?.id ?? null;
        }}
      />
      <Tool icon={trash} word="notes.row.delete" onClick={() => doc.set([[rowKey(row.id, "gone"), true]])} />
      {row.at === null ? null : (
        <span class="tool-time">
          <span>{t("notes.row.time")}</span>
          <button type="button" class="step" title={t("notes.row.time.earlier")} onClick={() => shift(-5000)}>
            <span aria-hidden="true">−5 s</span>
            <span class="visually-hidden">{t("notes.row.time.earlier")}</span>
          </button>
          <button type="button" class="step" title={t("notes.row.time.later")} onClick={() => shift(5000)}>
            <span aria-hidden="true">+5 s</span>
            <span class="visually-hidden">{t("notes.row.time.later")}</span>
          </button>
          <button
            type="button"
            class="step"
            onClick={() => doc.set(setMoment(row, writing.moment().ms, doc.stamp()))}
          >
            {t("notes.row.time.now")}
          </button>
        </span>
      )}
      {problem === null ? null : <p role="alert">{t(problem)}</p>}
    </fieldset>
  );
}

function Tool(props: {
  icon: string;
  word: Key;
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      type="button"
      class="tool"
      aria-pressed={props.pressed}
      disabled={props.disabled ?? false}
      onClick={(event) => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      <Icon svg={props.icon} />
      {t(props.word)}
    </button>
  );
}

function Bin(props: { writing: Writing; bin: readonly Row[] }): JSX.Element {
  const { writing, bin } = props;
  return (
    <details class="bin">
      <summary>{t("notes.bin", { count: bin.length })}</summary>
      <ul>
        {bin.map((row) => (
          <li key={row.id}>
            <span class="row-time">{writing.timeText(row)}</span>
            <span class="bin-words">
              {[row.teacher, row.pupils, row.remark].filter((text) => text !== "").join(" · ")}
            </span>
            <Button
              kind="quiet"
              icon={undo}
              onClick={() => writing.doc.set([[rowKey(row.id, "gone"), false]])}
            >
              {t("notes.bin.restore")}
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}
