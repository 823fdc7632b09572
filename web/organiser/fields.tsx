/** Labelled inputs of the organiser's forms. */
import type { ComponentChildren, JSX, TargetedInputEvent } from "preact";
import { useId } from "preact/hooks";
import { t } from "./words.ts";

export interface TextFieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  example?: string;
  hint?: string;
  optional?: boolean;
  /** Focused when it appears. */
  first?: boolean;
  type?: "text" | "date" | "datetime-local" | "search";
  maxLength?: number;
}

export function TextField(props: TextFieldProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {props.label}
        {props.optional ? <span class="field-optional"> ({t("org.optional")})</span> : null}
      </label>
      {props.hint === undefined ? null : (
        <p class="field-hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {inputOf(props, id)}
    </div>
  );
}

function inputOf(props: TextFieldProps, id: string): JSX.Element {
  const attributes = {
    id,
    class: "input",
    value: props.value,
    placeholder: props.example,
    maxLength: props.maxLength ?? 200,
    "aria-describedby": props.hint === undefined ? undefined : `${id}-hint`,
    autocomplete: "off",
    autofocus: props.first ?? false,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => props.onInput(event.currentTarget.value),
  } as const;
  switch (props.type ?? "text") {
    case "text":
      return <input type="text" {...attributes} />;
    case "search":
      return <input type="search" {...attributes} />;
    case "date":
      return <input type="date" {...attributes} />;
    case "datetime-local":
      return <input type="datetime-local" {...attributes} />;
  }
}

/** A form whose Enter key does what its main button says. */
export function Form(props: { id: string; onSubmit: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <form
      id={props.id}
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        props.onSubmit();
      }}
    >
      {props.children}
    </form>
  );
}

/** The main button of a `Form`, which may stand outside it. */
export function SubmitButton(props: {
  form: string;
  disabled?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <button type="submit" form={props.form} class="button button-primary" disabled={props.disabled ?? false}>
      <span>{props.children}</span>
    </button>
  );
}
