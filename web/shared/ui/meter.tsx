import type { JSX } from "preact";

const BARS = 8;

export interface MeterProps {
  /** 0..1 */
  value: number;
  /** What is measured, for screen readers: "Mức tiếng của mic". */
  label: string;
  /** The value in words: "vừa", "quá to". */
  valueText: string;
}

/** A sound level in eight bars; the last two turn amber. */
export function Meter(props: MeterProps): JSX.Element {
  const value = Math.min(1, Math.max(0, props.value));
  const lit = Math.round(value * BARS);
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers do not let a <meter> be drawn as bars
    <span
      class="meter"
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(value * 100)}
      aria-valuetext={props.valueText}
    >
      {Array.from({ length: BARS }, (_, bar) => (
        <span class="meter-bar" key={bar} data-on={bar < lit} data-loud={bar >= BARS - 2} />
      ))}
    </span>
  );
}
