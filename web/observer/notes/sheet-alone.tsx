/** A sheet opened by its personal link alone: to finish, print or share it, without the lesson. */

import { signal } from "@preact/signals";
import link2Off from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { VideoSlot } from "../../shared/protocol.ts";
import { Gate } from "../../shared/ui/gate.tsx";
import { LanguageToggle, language } from "../../shared/ui/language.tsx";
import { impossible } from "../../shared/viewer-state.ts";
import { Desk, type OpenSheet } from "./desk.ts";
import { SheetPanel } from "./sheet-panel.tsx";
import { t } from "./words.ts";
import { Writing } from "./writing.ts";

export function SheetAlone(props: { sheet: string }): JSX.Element {
  const [desk] = useState(() => {
    const made = new Desk({ link: null, sheet: props.sheet });
    void made.open();
    return made;
  });
  const state = desk.state.value;
  switch (state.kind) {
    case "looking":
      return <Gate product={t("common.product")} icon={loader} busy title={t("notes.start.personal")} />;
    case "none":
    case "unreadable": {
      const problem = state.kind === "unreadable" ? state.problem : null;
      const text = language.value === "vi" ? problem?.detail_vi : problem?.detail;
      return (
        <Gate
          product={t("common.product")}
          icon={link2Off}
          title={t("notes.unreadable")}
          advice={text ?? t("notes.unreadable.advice")}
          code={problem?.code}
        />
      );
    }
    case "open":
      return <Opened desk={desk} sheet={state.sheet} />;
    default:
      return impossible(state);
  }
}

function Opened(props: { desk: Desk; sheet: OpenSheet }): JSX.Element {
  const { desk, sheet } = props;
  const writing = useMemo(
    () =>
      new Writing(desk, sheet, {
        moment: () => ({ ms: Date.now(), q: "clock" }),
        shown: signal<readonly VideoSlot[]>([]),
        video: () => null,
      }),
    [desk, sheet.doc],
  );
  return (
    <div class="observer">
      <header class="bar">
        <p class="bar-product">{t("notes.sheet")}</p>
        <h1 class="bar-title">{sheet.known.lessonTitle}</h1>
        <LanguageToggle />
      </header>
      <div class="bench" data-arrangement="alone">
        <main class="desk">
          <SheetPanel writing={writing} live={false} />
        </main>
      </div>
    </div>
  );
}
