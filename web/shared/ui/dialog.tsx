import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface DialogProps {
  title: string;
  /** Escape and the browser's own dismissal also end here. */
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons, the safe one first. */
  actions: ComponentChildren;
}

/** A modal question; render it only while it is asked. Focus is held inside (native `<dialog>`) and returns to whoever asked. */
export function Dialog(props: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    const asker = document.activeElement;
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      // The element has left the page by now, and a browser gives the focus back only from one that is still there.
      if (asker instanceof HTMLElement) asker.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <h2 id={titleId} class="dialog-title">
        {props.title}
      </h2>
      {props.children}
      <div class="dialog-actions">{props.actions}</div>
    </dialog>
  );
}
