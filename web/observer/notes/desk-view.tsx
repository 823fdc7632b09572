/** The sheet's place on the screen: looking for one, beginning one, writing in it. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { language } from "../../shared/ui/language.tsx";
import { impossible } from "../../shared/viewer-state.ts";
import type { Observing } from "../observing.ts";
import type { Desk, OpenSheet } from "./desk.ts";
import { SheetPanel } from "./sheet-panel.tsx";
import { StartCard } from "./start-card.tsx";
import { t } from "./words.ts";
import { Writing } from "./writing.ts";

export function DeskView(props: { observing: Observing; desk: Desk; live: boolean }): JSX.Element | null {
  const { observing, desk, live } = props;
  const state = desk.state.value;
  const { lesson } = observing.facts.value;
  switch (state.kind) {
    case "looking":
      return <p class="desk-words">{t("notes.start.personal")}</p>;
    case "none":
      return lesson === null ? null : (
        <StartCard desk={desk} lesson={lesson} onBegin={(name) => observing.tellName(name)} />
      );
    case "unreadable":
      return (
        <div class="desk-words" role="alert">
          <h2>{t("notes.unreadable")}</h2>
          <p>
            {(language.value === "vi" ? state.problem?.detail_vi : state.problem?.detail) ??
              t("notes.unreadable.advice")}
          </p>
        </div>
      );
    case "open":
      return (
        <OpenDesk
          key={state.sheet.doc.id}
          observing={observing}
          desk={desk}
          sheet={state.sheet}
          live={live}
        />
      );
    default:
      return impossible(state);
  }
}

function OpenDesk(props: { observing: Observing; desk: Desk; sheet: OpenSheet; live: boolean }): JSX.Element {
  const { observing, desk, sheet, live } = props;
  const writing = useMemo(
    () =>
      new Writing(desk, sheet, {
        moment: () => observing.moment(),
        shown: observing.shown,
        video: (slot) => observing.stage.video(slot),
      }),
    [desk, sheet.doc, observing],
  );
  return <SheetPanel writing={writing} live={live} />;
}
