import "./gate.css";
import type { ComponentChildren, JSX } from "preact";
import { Icon } from "./icon.tsx";
import { LanguageToggle } from "./language.tsx";

export interface GateProps {
  product: string;
  icon: string;
  title: string;
  advice?: string | undefined;
  /** Stable code of a refusal, small, for whoever helps on the telephone. */
  code?: string | undefined;
  /** Something is going on: the icon turns. */
  busy?: boolean;
  action?: ComponentChildren;
}

/** A whole page that says one thing: why the page cannot work yet or any more, and what to do. */
export function Gate(props: GateProps): JSX.Element {
  return (
    <div class="gate">
      <header class="gate-bar">
        <strong>{props.product}</strong>
        <LanguageToggle />
      </header>
      <main class="gate-body">
        <span class={props.busy ? "gate-icon gate-busy" : "gate-icon"}>
          <Icon svg={props.icon} />
        </span>
        <div role="status">
          <h1 class="gate-title">{props.title}</h1>
        </div>
        {props.advice === undefined ? null : <p class="gate-advice">{props.advice}</p>}
        {props.action}
        {props.code === undefined ? null : <p class="gate-code">{props.code}</p>}
      </main>
    </div>
  );
}
