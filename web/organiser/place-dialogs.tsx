/** Dialogs of one place or several: add, rename, pair a TV by its code. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import type { Place } from "../shared/protocol.ts";
import { namesOf } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import type { Failure } from "./api.ts";
import type { Board } from "./board.ts";
import { Form, SubmitButton, TextField } from "./fields.tsx";
import { UnitSelect } from "./unit-dialogs.tsx";
import { failureText, t } from "./words.ts";

export function AddPlaces(props: {
  board: Board;
  /** Where the new places stand at first. */
  unit: string | null;
  onClose: () => void;
}): JSX.Element {
  const { board, onClose } = props;
  const [text, setText] = useState("");
  const [unit, setUnit] = useState(props.unit);
  const id = useId();
  const names = namesOf(text);
  const progress = board.progress.value;
  return (
    <Dialog
      title={t("org.place.add")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <SubmitButton form="add-places" disabled={names.length === 0 || progress !== null}>
            {progress === null
              ? `${t("org.place.create")}${names.length > 1 ? ` (${names.length})` : ""}`
              : t("org.place.creating", { ...progress })}
          </SubmitButton>
        </>
      }
    >
      <Form
        id="add-places"
        onSubmit={() => {
          void board.createPlaces(names, unit).then((left) => {
            if (left.length === 0) onClose();
            // What could not be added stays in the field, ready for another try.
            else setText(left.join("\n"));
          });
        }}
      >
        <div class="field">
          <label for={id}>{t("org.place.names")}</label>
          <p class="field-hint" id={`${id}-hint`}>
            {t("org.place.names.hint")}
          </p>
          <textarea
            id={id}
            class="input"
            rows={6}
            value={text}
            aria-describedby={`${id}-hint`}
            autofocus
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        {board.units.value.length === 0 ? null : (
          <UnitSelect
            label={t("org.place.unit")}
            empty={t("org.unit.parent.none")}
            units={board.units.value}
            value={unit}
            onChange={setUnit}
          />
        )}
      </Form>
    </Dialog>
  );
}

interface PlaceDialogProps {
  board: Board;
  place: Place;
  onClose: () => void;
}

export function EditPlace({ board, place, onClose }: PlaceDialogProps): JSX.Element {
  const [name, setName] = useState(place.name);
  const [unit, setUnit] = useState(place.unit ?? null);
  return (
    <Dialog
      title={t("org.place.edit.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <SubmitButton form="edit-place" disabled={name.trim() === ""}>
            {t("org.save")}
          </SubmitButton>
        </>
      }
    >
      <Form
        id="edit-place"
        onSubmit={() => {
          void board.changePlace(place.id, name.trim(), unit).then((changed) => {
            if (changed) onClose();
          });
        }}
      >
        <TextField label={t("org.place.name")} value={name} onInput={setName} first />
        {board.units.value.length === 0 ? null : (
          <UnitSelect
            label={t("org.place.unit")}
            empty={t("org.unit.parent.none")}
            units={board.units.value}
            value={unit}
            onChange={setUnit}
          />
        )}
      </Form>
    </Dialog>
  );
}

const CODE_LENGTH = 6;

type Pairing =
  | { kind: "typing" }
  | { kind: "asking" }
  | { kind: "done" }
  | { kind: "failed"; failure: Failure };

export function PairTv({ board, place, onClose }: PlaceDialogProps): JSX.Element {
  const [code, setCode] = useState("");
  const [state, setState] = useState<Pairing>({ kind: "typing" });
  const id = useId();
  const pair = (): void => {
    if (code.length !== CODE_LENGTH || state.kind === "asking") return;
    setState({ kind: "asking" });
    void board.pair(code, place.id).then((failure) => {
      setState(failure === null ? { kind: "done" } : { kind: "failed", failure });
    });
  };
  const done = state.kind === "done";
  return (
    <Dialog
      title={t("org.pair.title", { name: place.name })}
      onClose={onClose}
      actions={
        done ? (
          <Button kind="primary" onClick={onClose}>
            {t("org.link.done")}
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>{t("common.cancel")}</Button>
            <SubmitButton form="pair-tv" disabled={code.length !== CODE_LENGTH || state.kind === "asking"}>
              {t("org.pair.confirm")}
            </SubmitButton>
          </>
        )
      }
    >
      <p>{t("org.pair.hint", { address: `${location.host}/diem-cau` })}</p>
      <Form id="pair-tv" onSubmit={pair}>
        <div class="field">
          <label for={id}>{t("org.pair.code")}</label>
          <input
            id={id}
            class="input pair-code"
            inputMode="numeric"
            autocomplete="off"
            maxLength={CODE_LENGTH + 1}
            disabled={done}
            value={code.length > 3 ? `${code.slice(0, 3)} ${code.slice(3)}` : code}
            aria-invalid={state.kind === "failed"}
            autofocus
            onInput={(event) => {
              setState({ kind: "typing" });
              setCode(event.currentTarget.value.replace(/\D/g, "").slice(0, CODE_LENGTH));
            }}
          />
        </div>
      </Form>
      <p class="pair-word" data-kind={state.kind} role="status">
        {done ? t("org.pair.done") : state.kind === "failed" ? failureText(state.failure) : null}
      </p>
    </Dialog>
  );
}
