/** A picture that is not at an address: it needs a token, or is on this machine only. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

export function Picture(props: {
  load: () => Promise<Blob | null>;
  alt: string;
  /** Said while the picture cannot be had. */
  away: string;
}): JSX.Element | null {
  const [url, setUrl] = useState<string | null | undefined>(undefined);
  // Once: a picture's bytes never change.
  useEffect(() => {
    let made: string | null = null;
    let wanted = true;
    void props.load().then((blob) => {
      if (!wanted) return;
      made = blob === null ? null : URL.createObjectURL(blob);
      setUrl(made);
    });
    return () => {
      wanted = false;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, []);
  if (url === undefined) return null;
  return url === null ? <span>{props.away}</span> : <img src={url} alt={props.alt} />;
}
