/** "Are you sure" for things that cannot be undone: names the consequence, the safe way first. */
import type { JSX } from "preact";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { t } from "./words.ts";

export interface ConfirmProps {
  title: string;
  consequence: string;
  /** What the dangerous button says. */
  action: string;
  /** What the safe button says. */
  stay?: string;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm(props: ConfirmProps): JSX.Element {
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{props.stay ?? t("common.cancel")}</Button>
          <Button
            kind="danger"
            onClick={() => {
              props.onConfirm();
              props.onClose();
            }}
          >
            {props.action}
          </Button>
        </>
      }
    >
      <p>{props.consequence}</p>
    </Dialog>
  );
}
