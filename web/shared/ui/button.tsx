import type { ComponentChildren, JSX } from "preact";
import { Icon } from "./icon.tsx";

export type ButtonKind = "primary" | "secondary" | "quiet" | "danger";

export interface ButtonProps {
  kind?: ButtonKind;
  /** Text of a Lucide file; always beside words. */
  icon?: string;
  large?: boolean;
  disabled?: boolean;
  /** Makes a toggle: read out as pressed or not. */
  pressed?: boolean;
  title?: string;
  /** Sends the form it stands in; then it needs no `onClick`. */
  submit?: boolean;
  onClick?: () => void;
  children: ComponentChildren;
}

/** A button that says what it does. Keep one `primary` on a screen: the next thing to press. */
export function Button(props: ButtonProps): JSX.Element {
  const classes = ["button", `button-${props.kind ?? "secondary"}`];
  if (props.large) classes.push("button-large");
  return (
    <button
      type={props.submit ? "submit" : "button"}
      class={classes.join(" ")}
      disabled={props.disabled ?? false}
      aria-pressed={props.pressed}
      title={props.title}
      onClick={props.onClick}
    >
      {props.icon === undefined ? null : <Icon svg={props.icon} />}
      <span>{props.children}</span>
    </button>
  );
}
