/** Title, host place and time of a lesson: for a new one and for changing one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import type { LessonDraft } from "./api.ts";
import { Form, SubmitButton, TextField } from "./fields.tsx";
import { localInputValue, parseLocalInput } from "./local-time.ts";
import { t } from "./words.ts";

export interface LessonFormProps {
  /** The lesson to change; `null` makes a new one. */
  lesson: Lesson | null;
  onSave: (draft: LessonDraft) => void;
  onClose: () => void;
}

export function LessonForm(props: LessonFormProps): JSX.Element {
  const [title, setTitle] = useState(props.lesson?.title ?? "");
  const [hostPlace, setHostPlace] = useState(props.lesson?.host_place ?? "");
  const [startsAt, setStartsAt] = useState(localInputValue(props.lesson?.starts_at ?? null));
  return (
    <Dialog
      title={props.lesson === null ? t("org.lesson.add") : t("org.lesson.edit")}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{t("common.cancel")}</Button>
          <SubmitButton form="lesson-form" disabled={title.trim() === ""}>
            {props.lesson === null ? t("org.lesson.create") : t("org.save")}
          </SubmitButton>
        </>
      }
    >
      <Form
        id="lesson-form"
        onSubmit={() => {
          if (title.trim() === "") return;
          const place = hostPlace.trim();
          props.onSave({
            title: title.trim(),
            host_place: place === "" ? null : place,
            starts_at: parseLocalInput(startsAt),
          });
        }}
      >
        <TextField
          label={t("org.lesson.title")}
          example={t("org.lesson.title.example")}
          value={title}
          onInput={setTitle}
          first
        />
        <TextField
          label={t("org.lesson.host_place")}
          example={t("org.lesson.host_place.example")}
          value={hostPlace}
          onInput={setHostPlace}
          optional
        />
        <TextField
          label={t("org.lesson.starts_at")}
          type="datetime-local"
          value={startsAt}
          onInput={setStartsAt}
          optional
        />
      </Form>
    </Dialog>
  );
}
