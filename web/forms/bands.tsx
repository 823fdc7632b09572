/** What sums are called, and what a rating demands beside the sum. */
import plus from "lucide-static/icons/plus.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { type Form, itemsOf } from "../shared/notes/form.ts";
import { Button } from "../shared/ui/button.tsx";
import { replaced } from "./edit.ts";
import { PointsField, SmallButton } from "./editor.tsx";
import { t } from "./words.ts";

export function Bands(props: { form: Form; onChange: (part: Partial<Form>) => void }): JSX.Element {
  const { form, onChange } = props;
  const { bands } = form;
  const items = itemsOf(form);
  return (
    <section>
      <h2>{t("forms.bands")}</h2>
      <p class="soft">{t("forms.bands.advice")}</p>
      {bands.map((band, index) => {
        const number = index + 1;
        const needs = band.needs ?? [];
        const put = (part: Partial<typeof band>): void =>
          onChange({ bands: replaced(bands, index, { ...band, ...part }) });
        return (
          <div key={index} class="editor-band">
            <div class="editor-text">
              <input
                type="text"
                aria-label={t("forms.band.name", { number })}
                value={band.name}
                onInput={(event) => put({ name: event.currentTarget.value })}
              />
              <span class="editor-max">
                <span aria-hidden="true">{t("forms.band.min.short")}</span>
                <PointsField
                  label={t("forms.band.min", { number })}
                  value={band.min}
                  onInput={(min) => put({ min })}
                />
              </span>
              <SmallButton
                icon={plus}
                word="forms.need.add.short"
                label={t("forms.need.add", { number })}
                onClick={() => {
                  const [first] = items;
                  if (first !== undefined) put({ needs: [...needs, { item: first.id, min: first.max }] });
                }}
              />
              <SmallButton
                icon={trash}
                word="forms.remove"
                label={t("forms.band.remove", { number })}
                onClick={() => onChange({ bands: replaced(bands, index, undefined) })}
              />
            </div>
            {needs.map((need, place) => (
              <div key={place} class="editor-need">
                <span>{t("forms.need.words")}</span>
                <select
                  aria-label={t("forms.need.item", { number })}
                  value={need.item}
                  onChange={(event) =>
                    put({ needs: replaced(needs, place, { ...need, item: event.currentTarget.value }) })
                  }
                >
                  {items.map((item, position) => (
                    <option key={item.id} value={item.id}>
                      {position + 1}. {item.text.slice(0, 60)}
                    </option>
                  ))}
                </select>
                <span>{t("forms.need.words.min")}</span>
                <PointsField
                  label={t("forms.need.min")}
                  value={need.min}
                  onInput={(min) => put({ needs: replaced(needs, place, { ...need, min }) })}
                />
                <SmallButton
                  icon={trash}
                  word="forms.remove"
                  label={t("forms.need.remove", { number })}
                  onClick={() => put({ needs: replaced(needs, place, undefined) })}
                />
              </div>
            ))}
          </div>
        );
      })}
      <Button icon={plus} onClick={() => onChange({ bands: [...bands, { min: 0, name: "" }] })}>
        {t("forms.band.add")}
      </Button>
    </section>
  );
}
