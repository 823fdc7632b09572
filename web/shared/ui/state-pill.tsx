import type { ComponentChildren, JSX } from "preact";
import { Icon } from "./icon.tsx";

/** `live` is the lesson on air; the others say how well something is. */
export type Tone = "ok" | "warn" | "bad" | "live" | "idle";

export interface StatePillProps {
  tone: Tone;
  icon: string;
  /** Announce changes to screen readers; for one pill a page at most. */
  announce?: boolean;
  children: ComponentChildren;
}

/** A state as icon, word and colour together. */
export function StatePill(props: StatePillProps): JSX.Element {
  return (
    <span class={`pill pill-${props.tone}`} role={props.announce ? "status" : undefined}>
      <Icon svg={props.icon} />
      <span>{props.children}</span>
    </span>
  );
}
