/** A link just made: its address, a copy button, its QR code. */

import check from "lucide-static/icons/check.svg?raw";
import copy from "lucide-static/icons/copy.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import type { JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { QrCode } from "./qr.tsx";
import { t } from "./words.ts";

export interface LinkDialogProps {
  /** Whose link: a role and note, or a place. */
  name: string;
  url: string;
  /** How long the link can be seen and what it is for. */
  hint: string;
  onPrint?: () => void;
  onClose: () => void;
}

export function LinkDialog(props: LinkDialogProps): JSX.Element {
  const id = useId();
  return (
    <Dialog
      title={`${t("org.link.title")}: ${props.name}`}
      onClose={props.onClose}
      actions={
        <>
          {props.onPrint === undefined ? null : (
            <Button icon={printer} onClick={props.onPrint}>
              {t("org.link.print")}
            </Button>
          )}
          <Button kind="primary" onClick={props.onClose}>
            {t("org.link.done")}
          </Button>
        </>
      }
    >
      <p>{props.hint}</p>
      <div class="link">
        <QrCode text={props.url} label={t("org.link.qr", { name: props.name })} />
        <div class="link-side">
          <label for={id}>{t("org.link.address")}</label>
          <CopyableAddress id={id} url={props.url} />
        </div>
      </div>
    </Dialog>
  );
}

function CopyableAddress({ id, url }: { id: string; url: string }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const [copied, setCopied] = useState(false);
  const copyIt = async (): Promise<void> => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(url);
    } catch {
      // Over plain http there is no clipboard API; the old command still works on selected text.
      if (!document.execCommand("copy")) return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 4000);
  };
  return (
    <>
      <textarea
        id={id}
        ref={field}
        class="input link-text"
        readOnly
        rows={3}
        value={url}
        onFocus={(event) => event.currentTarget.select()}
      />
      <span role="status">
        <Button icon={copied ? check : copy} onClick={() => void copyIt()}>
          {copied ? t("org.copied") : t("org.copy")}
        </Button>
      </span>
    </>
  );
}
