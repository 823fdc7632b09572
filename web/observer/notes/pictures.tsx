/** Stills beside a row's words. */
import x from "lucide-static/icons/x.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Row, rowKey } from "../../shared/notes/sheet.ts";
import { Icon } from "../../shared/ui/icon.tsx";
import { t } from "./words.ts";
import type { Writing } from "./writing.ts";

export function Pictures(props: {
  writing: Writing;
  row: Row;
  time: string;
  removable: boolean;
}): JSX.Element {
  const { writing, row, time, removable } = props;
  return (
    <p class="row-pics">
      {row.pics.map((id) => (
        <span key={id} class="row-pic">
          <Picture load={() => writing.desk.picture(id)} alt={t("notes.row.picture", { time })} />
          {removable ? (
            <button
              type="button"
              class="tool"
              onClick={() =>
                writing.doc.set([[rowKey(row.id, "pics"), row.pics.filter((pic) => pic !== id)]])
              }
            >
              <Icon svg={x} />
              {t("notes.row.picture.remove")}
            </button>
          ) : null}
        </span>
      ))}
    </p>
  );
}

/** A picture that is not at an address: it needs a token, or is on this machine only. */
export function Picture(props: { load: () => Promise<Blob | null>; alt: string }): JSX.Element | null {
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
  return url === null ? <span>{t("notes.row.picture.away")}</span> : <img src={url} alt={props.alt} />;
}
