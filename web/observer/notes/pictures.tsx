/** Stills beside a row's words. */
import x from "lucide-static/icons/x.svg?raw";
import type { JSX } from "preact";
import { type Row, rowKey } from "../../shared/notes/sheet.ts";
import { Icon } from "../../shared/ui/icon.tsx";
import { Picture } from "../../shared/ui/picture.tsx";
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
          <Picture
            load={() => writing.desk.picture(id)}
            alt={t("notes.row.picture", { time })}
            away={t("notes.row.picture.away")}
          />
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
