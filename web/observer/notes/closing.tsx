/** The words below the rows: what the form asks, strengths, limits, advice. */
import type { JSX } from "preact";
import { CLOSING_FIELDS } from "../../shared/notes/sheet.ts";
import { Cell } from "../../shared/ui/cell.tsx";
import { t } from "./words.ts";
import type { Writing } from "./writing.ts";

export function ClosingWords(props: { writing: Writing }): JSX.Element {
  const { writing } = props;
  const { closing, free } = writing.view.value;
  const fields = writing.form.value?.fields ?? [];
  return (
    <div class="closing">
      {fields.map(({ id, label }) => (
        <div key={id} class="closing-field">
          <h2>{label}</h2>
          <Cell
            name={`free.${id}`}
            label={label}
            lines={2}
            value={free[id] ?? ""}
            onInput={(text) => writing.type(`free.${id}`, text)}
          />
        </div>
      ))}
      {CLOSING_FIELDS.map((field) => (
        <div key={field} class="closing-field">
          <h2>{t(`notes.close.${field}`)}</h2>
          <Cell
            name={`close.${field}`}
            label={t(`notes.close.${field}`)}
            lines={3}
            value={closing[field]}
            onInput={(text) => writing.type(`close.${field}`, text)}
          />
        </div>
      ))}
    </div>
  );
}
