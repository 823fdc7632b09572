/** A4 sheets with a card per place: name, QR code, what to do. Four cards a sheet, to be cut apart. */
import type { JSX } from "preact";
import { createPortal } from "preact/compat";
import { useEffect } from "preact/hooks";
import type { Place } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import type { Board } from "./board.ts";
import type { KnownLinks } from "./known-links.ts";
import { QrCode } from "./qr.tsx";
import { t } from "./words.ts";

export interface PrintDialogProps {
  board: Board;
  onPrint: (places: readonly Place[]) => void;
  onClose: () => void;
}

/** Tells which places can be printed now, and what printing the others costs. */
export function PrintDialog({ board, onPrint, onClose }: PrintDialogProps): JSX.Element {
  const places = board.places.value ?? [];
  const links = board.links.value;
  const known = places.filter(({ id }) => links.has(id));
  const unknown = places.filter(({ id }) => !links.has(id));
  const progress = board.progress.value;
  const printNow = (chosen: readonly Place[]): void => {
    onClose();
    onPrint(chosen);
  };
  return (
    <Dialog
      title={t("org.print.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          {unknown.length === 0 ? null : (
            <Button
              kind="danger"
              disabled={progress !== null}
              onClick={() => {
                void board.newLinks(unknown.map(({ id }) => id)).then((all) => {
                  if (all) printNow(places);
                });
              }}
            >
              {progress === null
                ? t("org.print.all.go", { count: places.length })
                : t("org.print.making", { ...progress })}
            </Button>
          )}
          {known.length === 0 ? null : (
            <Button kind="primary" disabled={progress !== null} onClick={() => printNow(known)}>
              {t("org.print.known.go", { count: known.length })}
            </Button>
          )}
        </>
      }
    >
      {known.length === 0 ? null : <p>{t("org.print.known", { count: known.length })}</p>}
      {unknown.length === 0 ? null : <p>{t("org.print.unknown", { count: unknown.length })}</p>}
    </Dialog>
  );
}

export interface PrintSheetProps {
  places: readonly Place[];
  links: KnownLinks;
  onDone: () => void;
}

/** Only on paper: opens the browser's print window as soon as it is drawn. */
export function PrintSheet({ places, links, onDone }: PrintSheetProps): JSX.Element {
  useEffect(() => {
    addEventListener("afterprint", onDone, { once: true });
    // Fonts and codes must be on the page before it is handed to the printer.
    const ready = document.fonts.ready.then(() => print());
    void ready;
    return () => removeEventListener("afterprint", onDone);
  }, []);
  return createPortal(
    <div class="sheet">
      {places.map(({ id, name }) => {
        const url = links.get(id);
        return url === undefined ? null : (
          <section key={id} class="card">
            <p class="card-product">{t("common.product")}</p>
            <h2>{name}</h2>
            <QrCode text={url} label={t("org.link.qr", { name })} />
            <p class="card-do">{t("org.print.card")}</p>
            <p>{t("org.print.card.tv", { address: `${location.host}/diem-cau` })}</p>
            <p>{t("org.print.card.keep")}</p>
          </section>
        );
      })}
    </div>,
    document.body,
  ) as JSX.Element;
}
