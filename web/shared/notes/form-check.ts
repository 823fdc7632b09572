/** Why a form cannot be used, as the server judges it (`crates/notes/src/form.rs`, `Form::check`). Pure. */
import { type Form, hundredths, isScored, itemsOf } from "./form.ts";

export type FormFault =
  | "text"
  | "id"
  | "twice"
  | "step"
  | "items_many"
  | "group_empty"
  | "item_max"
  | "bands_without_items"
  | "band_above"
  | "band_order"
  | "band_lowest"
  | "need_unknown"
  | "need_above"
  | "many";

export interface FormProblem {
  /** The way to the faulty part: `groups[1].items[0].max`. */
  readonly at: string;
  readonly why: FormFault;
}

const ITEMS_MAX = 60;
const TEXT_MAX = 600;
const NAME_MAX = 200;
const TAG_MAX = 40;

/** Every fault, in the order in which the server looks; empty when there is none. */
export function checkForm(form: Form): readonly FormProblem[] {
  const found: FormProblem[] = [];
  const fault = (at: string, why: FormFault): void => {
    found.push({ at, why });
  };
  const text = (at: string, value: string, max: number): void => {
    const length = [...value.trim()].length;
    if (length < 1 || length > max || value !== value.trim()) fault(at, "text");
  };
  const word = (at: string, id: string, known: Set<string>): void => {
    if (!/^[0-9a-z_]{1,20}$/.test(id)) fault(at, "id");
    else if (known.has(id)) fault(at, "twice");
    known.add(id);
  };
  if (!/^[0-9a-z-]{1,40}$/.test(form.id)) fault("id", "id");
  text("title", form.title, NAME_MAX);
  const step = hundredths(form.step);
  if (!(step > 0)) fault("step", "step");
  if (itemsOf(form).length > ITEMS_MAX) fault("groups", "items_many");
  const ids = new Set<string>();
  form.groups.forEach((group, g) => {
    text(`groups[${g}].name`, group.name, TEXT_MAX);
    if (group.items.length === 0) fault(`groups[${g}]`, "group_empty");
    group.items.forEach((item, i) => {
      const at = `groups[${g}].items[${i}]`;
      word(`${at}.id`, item.id, ids);
      text(`${at}.text`, item.text, TEXT_MAX);
      const max = hundredths(item.max);
      if (!(max > 0) || max % step !== 0) fault(`${at}.max`, "item_max");
    });
  });
  checkBands(form, fault, text);
  const fields = new Set<string>();
  form.fields.forEach((field, index) => {
    word(`fields[${index}].id`, field.id, fields);
    text(`fields[${index}].label`, field.label, TEXT_MAX);
  });
  const phases = new Set<string>();
  form.phases.forEach((phase, index) => {
    word(`phases[${index}].id`, phase.id, phases);
    text(`phases[${index}].name`, phase.name, NAME_MAX);
  });
  form.tags.forEach((tag, index) => {
    text(`tags[${index}]`, tag, TAG_MAX);
  });
  for (const [at, count, max] of [
    ["fields", form.fields.length, 40],
    ["phases", form.phases.length, 20],
    ["tags", form.tags.length, 30],
    ["bands", form.bands.length, 12],
  ] as const) {
    if (count > max) fault(at, "many");
  }
  return found;
}

function checkBands(
  form: Form,
  fault: (at: string, why: FormFault) => void,
  text: (at: string, value: string, max: number) => void,
): void {
  if (!isScored(form)) {
    if (form.bands.length > 0) fault("bands", "bands_without_items");
    return;
  }
  const items = itemsOf(form);
  const most = items.reduce((sum, item) => sum + hundredths(item.max), 0);
  form.bands.forEach((band, index) => {
    const at = `bands[${index}]`;
    text(`${at}.name`, band.name, NAME_MAX);
    if (!(hundredths(band.min) <= most)) fault(`${at}.min`, "band_above");
    const above = form.bands[index - 1];
    if (above !== undefined && !(hundredths(band.min) < hundredths(above.min)))
      fault(`${at}.min`, "band_order");
    (band.needs ?? []).forEach((need, place) => {
      const item = items.find(({ id }) => id === need.item);
      if (item === undefined) fault(`${at}.needs[${place}]`, "need_unknown");
      else if (hundredths(need.min) > hundredths(item.max)) fault(`${at}.needs[${place}]`, "need_above");
    });
  });
  const last = form.bands.at(-1);
  if (last !== undefined && (hundredths(last.min) !== 0 || (last.needs ?? []).length > 0))
    fault("bands", "band_lowest");
}
