/** A QR code drawn on this page: the link in it never travels anywhere to be drawn. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { renderSVG } from "uqr";

export function QrCode(props: { text: string; label: string }): JSX.Element {
  // Level M survives a fold or a coffee stain on a sheet that hangs beside a TV for years.
  const svg = useMemo(() => renderSVG(props.text, { ecc: "M", border: 2 }), [props.text]);
  return <div class="qr" role="img" aria-label={props.label} dangerouslySetInnerHTML={{ __html: svg }} />;
}
