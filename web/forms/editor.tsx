/** One form open for editing; what is wrong is said while one types, and nothing wrong can be saved. */

import archive from "lucide-static/icons/archive.svg?raw";
import arrowUp from "lucide-static/icons/arrow-up.svg?raw";
import braces from "lucide-static/icons/braces.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import save from "lucide-static/icons/save.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { NotesApi, OfferedForm } from "../shared/notes/api.ts";
import { download, fileName } from "../shared/notes/download.ts";
import { type Form, hundredths, itemsOf, pointsText, readScore } from "../shared/notes/form.ts";
import { checkForm, type FormProblem } from "../shared/notes/form-check.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { language } from "../shared/ui/language.tsx";
import { Bands } from "./bands.tsx";
import { newField, newItem, newPhase, raised, replaced } from "./edit.ts";
import { type Key, t } from "./words.ts";

export function Editor(props: {
  api: Pick<NotesApi, "saveForm" | "retireForm">;
  form: Form;
  /** The form as the server has it. */
  known: OfferedForm | null;
  nameOf: (title: string) => string;
  onChange: (form: Form) => void;
  onSaved: (form: Form) => void;
  onRetired: () => void;
}): JSX.Element {
  const { api, form, known, onChange } = props;
  const [outcome, setOutcome] = useState<"saved" | "failed" | null>(null);
  const named = { ...form, id: form.id === "" ? props.nameOf(form.title) : form.id };
  const problems = checkForm(named);
  const change = (part: Partial<Form>): void => {
    setOutcome(null);
    onChange({ ...form, ...part });
  };
  const most = itemsOf(form).reduce((sum, item) => sum + hundredths(item.max), 0);
  return (
    <div class="editor">
      <TextLine word="forms.title" value={form.title} onInput={(title) => change({ title })} />
      <TextLine word="forms.source" value={form.source ?? ""} onInput={(source) => change({ source })} />
      <fieldset class="editor-choice">
        <legend>{t("forms.layout")}</legend>
        {(["four", "two"] as const).map((layout) => (
          <label key={layout}>
            <input
              type="radio"
              name="layout"
              checked={form.layout === layout}
              onChange={() => change({ layout })}
            />
            {t(`forms.layout.${layout}`)}
          </label>
        ))}
      </fieldset>
      <Groups form={form} onChange={change} />
      {form.groups.length === 0 ? null : <Bands form={form} onChange={change} />}
      <Texts
        title="forms.fields"
        label="forms.field"
        add="forms.field.add"
        remove="forms.field.remove"
        list={form.fields.map(({ label }) => label)}
        onInput={(index, label) => {
          const field = form.fields[index];
          if (field !== undefined) change({ fields: replaced(form.fields, index, { ...field, label }) });
        }}
        onAdd={() => change({ fields: [...form.fields, newField(form)] })}
        onRemove={(index) => change({ fields: replaced(form.fields, index, undefined) })}
      />
      <Texts
        title="forms.phases"
        label="forms.phase"
        add="forms.phase.add"
        remove="forms.phase.remove"
        list={form.phases.map(({ name }) => name)}
        onInput={(index, name) => {
          const phase = form.phases[index];
          if (phase !== undefined) change({ phases: replaced(form.phases, index, { ...phase, name }) });
        }}
        onAdd={() => change({ phases: [...form.phases, newPhase(form)] })}
        onRemove={(index) => change({ phases: replaced(form.phases, index, undefined) })}
      />
      <Texts
        title="forms.tags"
        label="forms.tag"
        add="forms.tag.add"
        remove="forms.tag.remove"
        list={form.tags}
        onInput={(index, tag) => change({ tags: replaced(form.tags, index, tag) })}
        onAdd={() => change({ tags: [...form.tags, ""] })}
        onRemove={(index) => change({ tags: replaced(form.tags, index, undefined) })}
      />
      <footer class="editor-foot">
        <p>{form.groups.length === 0 ? t("forms.facts.none") : t("forms.total", { max: points(most) })}</p>
        <Problems problems={problems} />
        <div role="status">
          {outcome === "saved" ? <p>{t("forms.saved", { version: form.version })}</p> : null}
          {outcome === "failed" ? <p>{t("forms.failed")}</p> : null}
        </div>
        <div class="buttons">
          <Button
            kind="primary"
            icon={save}
            disabled={problems.length > 0}
            onClick={() => {
              api.saveForm(named).then(
                (saved) => {
                  props.onSaved(saved);
                  setOutcome("saved");
                },
                () => setOutcome("failed"),
              );
            }}
          >
            {t("forms.save")}
          </Button>
          <Button
            icon={braces}
            onClick={() =>
              download(
                `${fileName(t("forms.page"), form.title)}.json`,
                new Blob([JSON.stringify(named, null, 1)], { type: "application/json" }),
              )
            }
          >
            {t("forms.export")}
          </Button>
          {known === null || known.retired ? null : (
            <Button
              kind="quiet"
              icon={archive}
              onClick={() => {
                api.retireForm(known.id).then(props.onRetired, () => setOutcome("failed"));
              }}
            >
              {t("forms.retire")}
            </Button>
          )}
        </div>
      </footer>
    </div>
  );
}

function Groups(props: { form: Form; onChange: (part: Partial<Form>) => void }): JSX.Element {
  const { form, onChange } = props;
  let count = 0;
  const groups = form.groups;
  return (
    <section>
      <h2>{t("forms.groups")}</h2>
      {groups.length === 0 ? null : (
        <label class="editor-step">
          <span>{t("forms.step")}</span>
          <select
            value={String(form.step)}
            onChange={(event) => onChange({ step: Number(event.currentTarget.value) })}
          >
            {[...new Set([0.25, 0.5, 1, form.step])].sort().map((step) => (
              <option key={step} value={String(step)}>
                {points(hundredths(step))}
              </option>
            ))}
          </select>
        </label>
      )}
      {groups.map((group, index) => {
        const number = index + 1;
        const put = (items: (typeof group)["items"]): void =>
          onChange({ groups: replaced(groups, index, { ...group, items }) });
        return (
          <fieldset key={group.items[0]?.id ?? number} class="editor-group">
            <legend>{t("forms.group", { number })}</legend>
            <input
              type="text"
              class="editor-name"
              aria-label={t("forms.group.name", { number })}
              value={group.name}
              onInput={(event) =>
                onChange({ groups: replaced(groups, index, { ...group, name: event.currentTarget.value }) })
              }
            />
            {group.items.map((item, place) => {
              count += 1;
              const position = count;
              return (
                <div key={item.id} class="editor-item">
                  <textarea
                    rows={2}
                    aria-label={t("forms.item.text", { number: position })}
                    value={item.text}
                    onInput={(event) =>
                      put(replaced(group.items, place, { ...item, text: event.currentTarget.value }))
                    }
                  />
                  <span class="editor-max">
                    <span aria-hidden="true">{t("forms.item.max.short")}</span>
                    <PointsField
                      label={t("forms.item.max", { number: position })}
                      value={item.max}
                      onInput={(max) => put(replaced(group.items, place, { ...item, max }))}
                    />
                  </span>
                  <SmallButton
                    icon={arrowUp}
                    word="forms.up"
                    label={t("forms.item.up", { number: position })}
                    disabled={place === 0}
                    onClick={() => put(raised(group.items, place))}
                  />
                  <SmallButton
                    icon={trash}
                    word="forms.remove"
                    label={t("forms.item.remove", { number: position })}
                    onClick={() => put(replaced(group.items, place, undefined))}
                  />
                </div>
              );
            })}
            <div class="buttons">
              <Button icon={plus} onClick={() => put([...group.items, newItem(form)])}>
                {t("forms.item.add")}
              </Button>
              <Button
                kind="quiet"
                icon={trash}
                onClick={() => onChange({ groups: replaced(groups, index, undefined) })}
              >
                {t("forms.group.remove", { number })}
              </Button>
            </div>
          </fieldset>
        );
      })}
      <Button
        icon={plus}
        onClick={() => {
          const group = { name: "", items: [newItem(form)] };
          const bands =
            groups.length === 0 && form.bands.length === 0 ? [{ min: 0, name: "Đạt" }] : form.bands;
          onChange({ groups: [...groups, group], bands });
        }}
      >
        {t("forms.group.add")}
      </Button>
    </section>
  );
}

function Texts(props: {
  title: Key;
  label: Key;
  add: Key;
  remove: Key;
  list: readonly string[];
  onInput: (index: number, text: string) => void;
  onAdd: () => void;
  onRemove: (index: number) => void;
}): JSX.Element {
  return (
    <section>
      <h2>{t(props.title)}</h2>
      {props.list.map((text, index) => (
        <div key={index} class="editor-text">
          <input
            type="text"
            aria-label={t(props.label, { number: index + 1 })}
            value={text}
            onInput={(event) => props.onInput(index, event.currentTarget.value)}
          />
          <SmallButton
            icon={trash}
            word="forms.remove"
            label={t(props.remove, { number: index + 1 })}
            onClick={() => props.onRemove(index)}
          />
        </div>
      ))}
      <Button icon={plus} onClick={props.onAdd}>
        {t(props.add)}
      </Button>
    </section>
  );
}

function TextLine(props: { word: Key; value: string; onInput: (text: string) => void }): JSX.Element {
  return (
    <label class="editor-line">
      <span>{t(props.word)}</span>
      <input type="text" value={props.value} onInput={(event) => props.onInput(event.currentTarget.value)} />
    </label>
  );
}

/** Points with either decimal mark; what is no number stays in the field and counts as nothing. */
export function PointsField(props: {
  label: string;
  value: number;
  onInput: (value: number) => void;
}): JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      type="text"
      inputMode="decimal"
      class="editor-points"
      aria-label={props.label}
      value={typed ?? points(hundredths(props.value))}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
        const read = readScore(event.currentTarget.value);
        props.onInput(typeof read === "number" ? read / 100 : 0);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

export function SmallButton(props: {
  icon: string;
  word: Key;
  label: string;
  disabled?: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      type="button"
      class="small-button"
      aria-label={props.label}
      disabled={props.disabled ?? false}
      onClick={props.onClick}
    >
      <Icon svg={props.icon} />
      {t(props.word)}
    </button>
  );
}

function Problems(props: { problems: readonly FormProblem[] }): JSX.Element | null {
  const { problems } = props;
  if (problems.length === 0) return null;
  return (
    <div class="editor-problems" role="status">
      <p>{t("forms.problems", { count: problems.length })}</p>
      <ul>
        {problems.slice(0, 6).map(({ at, why }) => (
          <li key={`${at} ${why}`}>
            {placeWords(at)}: {t(`forms.fault.${why}`)}
          </li>
        ))}
      </ul>
    </div>
  );
}

const PARTS = ["title", "id", "step", "groups", "bands", "fields", "phases", "tags"] as const;

/** `groups[1].items[0].max` as teachers count: "Tiêu chí 2.1". */
function placeWords(at: string): string {
  const part = PARTS.find((name) => at.startsWith(name));
  const numbers = [...at.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]) + 1).join(".");
  return part === undefined ? at : `${t(`forms.part.${part}`)}${numbers === "" ? "" : ` ${numbers}`}`;
}

function points(hundredth: number): string {
  return pointsText(hundredth, language.value === "vi");
}
