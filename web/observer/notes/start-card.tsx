/** Before there is a sheet: who writes, on which form, for whom. */
import notebook from "lucide-static/icons/notebook-pen.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { isScored } from "../../shared/notes/form.ts";
import type { Lesson } from "../../shared/protocol.ts";
import { Button } from "../../shared/ui/button.tsx";
import type { Desk } from "./desk.ts";
import { t } from "./words.ts";
import { rememberedWriter } from "./writer.ts";

export function StartCard(props: {
  desk: Desk;
  lesson: Lesson;
  /** The sheet begins under this name. */
  onBegin: (name: string) => void;
}): JSX.Element {
  const { desk, lesson } = props;
  const [writer, setWriter] = useState(rememberedWriter);
  const [chosen, choose] = useState<string | null>(null);
  const [share, setShare] = useState(false);
  const forms = desk.forms.value;
  const form = forms.find(({ id }) => id === chosen) ?? desk.usualForm;
  return (
    <form
      class="start"
      onSubmit={(event) => {
        event.preventDefault();
        props.onBegin(writer.name);
        void desk.begin(lesson, { ...writer, form, study: !isScored(form), shareWithCluster: share });
      }}
    >
      <h2>{t("notes.start")}</h2>
      <p class="soft">{t("notes.start.advice")}</p>
      <label class="line">
        <span>{t("notes.start.name")}</span>
        <input
          type="text"
          autocomplete="name"
          maxLength={120}
          value={writer.name}
          onInput={(event) => setWriter({ ...writer, name: event.currentTarget.value })}
        />
      </label>
      <label class="line">
        <span>{t("notes.start.unit")}</span>
        <input
          type="text"
          autocomplete="organization"
          maxLength={160}
          value={writer.unit}
          onInput={(event) => setWriter({ ...writer, unit: event.currentTarget.value })}
        />
      </label>
      <label class="line">
        <span>{t("notes.start.form")}</span>
        <select value={form.id} onChange={(event) => choose(event.currentTarget.value)}>
          {forms.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="choices">
        <legend>{t("notes.start.share")}</legend>
        {([false, true] as const).map((all) => (
          <label key={String(all)}>
            <input type="radio" name="share" checked={share === all} onChange={() => setShare(all)} />
            {t(all ? "notes.start.share.cluster" : "notes.start.share.none")}
          </label>
        ))}
        <p class="soft">{t("notes.start.share.later")}</p>
      </fieldset>
      <Button kind="primary" icon={notebook} submit>
        {t("notes.start.go")}
      </Button>
    </form>
  );
}
