/** Where the words are, always in sight: on this machine, on the server, or nowhere but in this page. */
import cloudCheck from "lucide-static/icons/cloud-check.svg?raw";
import cloudOff from "lucide-static/icons/cloud-off.svg?raw";
import cloudUpload from "lucide-static/icons/cloud-upload.svg?raw";
import hardDrive from "lucide-static/icons/hard-drive.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import type { JSX } from "preact";
import { Button } from "../../shared/ui/button.tsx";
import { StatePill, type Tone } from "../../shared/ui/state-pill.tsx";
import { impossible } from "../../shared/viewer-state.ts";
import type { Desk, OpenSheet } from "./desk.ts";
import type { Sent } from "./sender.ts";
import type { Disk } from "./sheet-doc.ts";
import { type Key, t } from "./words.ts";

interface Saved {
  readonly tone: Tone;
  readonly icon: string;
  readonly word: Key;
}

/** @param atRisk whether words are in this page only */
export function savedWords(disk: Disk, sent: Sent, volatile: boolean, atRisk: boolean): Saved {
  if (disk === "failed" || volatile) {
    if (sent.kind === "sent" && !atRisk)
      return { tone: "warn", icon: cloudCheck, word: "notes.saved.failed.sent" };
    return { tone: "bad", icon: alert, word: "notes.saved.failed" };
  }
  switch (sent.kind) {
    case "sent":
      return { tone: "ok", icon: cloudCheck, word: "notes.saved.sent" };
    case "sending":
      return { tone: "idle", icon: cloudUpload, word: "notes.saved.sending" };
    case "waiting":
      return { tone: "warn", icon: hardDrive, word: "notes.saved.waiting" };
    case "refused":
      return { tone: "bad", icon: cloudOff, word: "notes.saved.refused" };
    case "gone":
      return { tone: "warn", icon: hardDrive, word: "notes.saved.gone" };
    default:
      return impossible(sent);
  }
}

export function SaveState(props: { desk: Desk; sheet: OpenSheet }): JSX.Element {
  const { doc, sender } = props.sheet;
  // Read so that the words follow every write.
  doc.view.value;
  const { tone, icon, word } = savedWords(
    doc.disk.value,
    sender.state.value,
    props.desk.volatile.value,
    doc.atRisk,
  );
  return (
    <StatePill tone={tone} icon={icon} announce>
      {t(word)}
    </StatePill>
  );
}

/** What to do when words are not safe; nothing in all other cases. */
export function SaveAdvice(props: { desk: Desk; sheet: OpenSheet; onCopy: () => void }): JSX.Element | null {
  const { desk, sheet } = props;
  const sent = sheet.sender.state.value;
  const refused = desk.refused.value;
  const copy = (
    <Button kind="secondary" onClick={props.onCopy}>
      {t("notes.saved.copy")}
    </Button>
  );
  if (sheet.doc.disk.value === "failed") return <Advice text={t("notes.saved.failed.advice")}>{copy}</Advice>;
  if (sent.kind === "gone") {
    return (
      <Advice text={t("notes.saved.gone.advice")}>
        <Button kind="secondary" onClick={() => sheet.sender.begin()}>
          {t("notes.saved.gone.again")}
        </Button>
      </Advice>
    );
  }
  if (desk.volatile.value) return <Advice text={t("notes.saved.volatile.advice")}>{copy}</Advice>;
  const [first] = refused;
  if (first !== undefined) {
    const text =
      first.code === "score_above_maximum"
        ? t("notes.refused.score_above_maximum")
        : t("notes.refused.other", { code: first.code });
    return <Advice text={text} />;
  }
  return null;
}

function Advice(props: { text: string; children?: JSX.Element }): JSX.Element {
  return (
    <div class="advice" role="alert">
      <p>{props.text}</p>
      {props.children}
    </div>
  );
}
