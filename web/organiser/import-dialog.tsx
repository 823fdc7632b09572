/** Places from a spreadsheet: what was taken, and every row that was not, by its line. */

import check from "lucide-static/icons/circle-check.svg?raw";
import download from "lucide-static/icons/download.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import upload from "lucide-static/icons/upload.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Place } from "../shared/protocol.ts";
import type { ImportResult } from "../shared/report-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { language } from "../shared/ui/language.tsx";
import type { Board } from "./board.ts";
import { t } from "./words.ts";

export interface ImportDialogProps {
  board: Board;
  onPrint: (places: readonly Place[]) => void;
  onClose: () => void;
}

type Stage = { kind: "choosing" } | { kind: "working" } | { kind: "done"; result: ImportResult };

/** UTF-8 with its mark, so that Excel reads the letters right. */
const EXAMPLE = "\uFEFFSở,Cụm trường,Trường,Phòng\r\nSở GDĐT Hà Nội,Cụm Ba Vì,THCS Thụy An,Lớp 9B\r\n";

export function ImportDialog({ board, onPrint, onClose }: ImportDialogProps): JSX.Element {
  const [stage, setStage] = useState<Stage>({ kind: "choosing" });
  const take = (file: File): void => {
    setStage({ kind: "working" });
    void board.importPlaces(file).then((result) => {
      setStage(result === null ? { kind: "choosing" } : { kind: "done", result });
    });
  };
  return (
    <Dialog
      title={t("org.import.title")}
      onClose={onClose}
      actions={
        <>
          {stage.kind === "done" && stage.result.created.length > 0 ? (
            <Button
              onClick={() => {
                onClose();
                onPrint(stage.result.created);
              }}
            >
              {t("org.import.print", { count: stage.result.created.length })}
            </Button>
          ) : null}
          <Button onClick={onClose}>{stage.kind === "done" ? t("org.link.done") : t("common.cancel")}</Button>
          {stage.kind === "working" ? null : (
            <FileButton
              word={stage.kind === "done" ? t("org.import.again") : t("org.import.choose")}
              primary={stage.kind === "choosing"}
              onFile={take}
            />
          )}
        </>
      }
    >
      {stage.kind === "done" ? (
        <Result result={stage.result} />
      ) : (
        <>
          <p>{t("org.import.hint")}</p>
          <p>{t("org.import.no_names")}</p>
          <Button kind="quiet" icon={download} onClick={() => saveText("diem-cau-mau.csv", EXAMPLE)}>
            {t("org.import.example")}
          </Button>
          <p role="status">{stage.kind === "working" ? t("org.import.working") : null}</p>
        </>
      )}
    </Dialog>
  );
}

function Result({ result }: { result: ImportResult }): JSX.Element {
  const { created, updated, unchanged, units, bad } = result;
  return (
    <div class="import-result" role="status">
      <p class="import-done">
        <Icon svg={check} />
        {t("org.import.done", { created: created.length, updated, unchanged, units })}
      </p>
      {bad.length === 0 ? null : (
        <>
          <p class="import-bad">
            <Icon svg={alert} />
            {t("org.import.bad", { count: bad.length })}
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable by keyboard */}
          <ul class="import-rows" tabIndex={0}>
            {bad.map((row) => (
              <li key={`${row.line} ${row.column}`}>
                <strong>
                  {t("org.import.line", { line: row.line })}
                  {row.column === null ? "" : `, ${t("org.import.column", { column: row.column })}`}
                </strong>{" "}
                {language.value === "vi" ? row.detail_vi : row.detail}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function FileButton(props: { word: string; primary: boolean; onFile: (file: File) => void }): JSX.Element {
  return (
    <label class={`button file-button ${props.primary ? "button-primary" : "button-secondary"}`}>
      <Icon svg={upload} />
      <span>{props.word}</span>
      <input
        type="file"
        class="visually-hidden"
        accept=".csv,text/csv"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file !== undefined) props.onFile(file);
        }}
      />
    </label>
  );
}

function saveText(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
