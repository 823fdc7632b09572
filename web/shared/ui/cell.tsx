/**
 * A text field that grows with its words and never disturbs an input method: while somebody composes (Telex, VNI) its value
 * is read, never written, and no shortcut fires.
 */
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

export interface CellProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (text: string) => void;
  readonly onFocus?: () => void;
  readonly placeholder?: string;
  /** Takes the focus when it appears. */
  readonly eager?: boolean;
  readonly lines?: number;
  /** Tests and shortcuts find a cell by it. */
  readonly name?: string;
}

export function Cell(props: CellProps): JSX.Element {
  const element = useRef<HTMLTextAreaElement>(null);
  const composing = useRef(false);
  useLayoutEffect(() => {
    const area = element.current;
    if (area === null || composing.current) return;
    if (area.value !== props.value) replaceText(area, props.value);
    grow(area);
  });
  useLayoutEffect(() => {
    if (props.eager) element.current?.focus();
  }, [props.eager]);
  return (
    <textarea
      ref={element}
      class="cell"
      rows={props.lines ?? 1}
      aria-label={props.label}
      data-cell={props.name}
      placeholder={props.placeholder}
      spellcheck={false}
      maxLength={6000}
      onCompositionStart={() => {
        composing.current = true;
      }}
      onCompositionEnd={(event) => {
        composing.current = false;
        props.onInput(event.currentTarget.value);
      }}
      onInput={(event) => {
        grow(event.currentTarget);
        props.onInput(event.currentTarget.value);
      }}
      onFocus={props.onFocus}
    />
  );
}

/** Undo, another tab or the server changed the text: the caret stays where it was, as far as it can. */
function replaceText(area: HTMLTextAreaElement, text: string): void {
  const { selectionStart, selectionEnd } = area;
  const focused = document.activeElement === area;
  area.value = text;
  if (focused)
    area.setSelectionRange(Math.min(selectionStart, text.length), Math.min(selectionEnd, text.length));
}

const SIZED_BY_CONTENT = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

function grow(area: HTMLTextAreaElement): void {
  if (SIZED_BY_CONTENT) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** Whether a key belongs to an input method. */
export function isComposing(event: KeyboardEvent): boolean {
  // 229: keys Chromium hands to an input method before the composition begins.
  return event.isComposing || event.keyCode === 229;
}
