import link2Off from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { language } from "../shared/ui/language.tsx";
import { impossible, type LessonView } from "../shared/viewer-state.ts";
import { Desk } from "./notes/desk.ts";
import { SheetAlone } from "./notes/sheet-alone.tsx";
import { Observing } from "./observing.ts";
import { t } from "./words.ts";
import { Workbench } from "./workbench.tsx";

/** A relay that answers within this time is not worth words that flash by. */
const QUIET_CONNECT_MS = 400;
/** How long without the relay before the page gives advice. */
const SLOW_CONNECT_MS = 8000;

/** `link` and `sheet` are tokens; `null` when the address brought none. */
export function App(props: { link: string | null; sheet: string | null }): JSX.Element {
  document.title = `${t("observer.page")} – ${t("common.product")}`;
  const { link, sheet } = props;
  if (link !== null) return <Observer link={link} sheet={sheet} />;
  if (sheet !== null) return <SheetAlone sheet={sheet} />;
  return (
    <Gate
      product={t("common.product")}
      icon={link2Off}
      title={t("link.missing")}
      advice={t("link.missing.advice")}
    />
  );
}

function Observer(props: { link: string; sheet: string | null }): JSX.Element | null {
  const [observing] = useState(() => new Observing(props.link));
  const desk = useDesk(observing, props);
  const view = observing.view.value;
  const { lesson } = observing.facts.value;
  useEffect(() => {
    if (lesson !== null) desk?.follow(lesson);
  }, [desk, lesson]);
  const quiet = !usePast(QUIET_CONNECT_MS);
  // Whatever becomes of the picture, an open sheet stays in sight.
  const writes = desk?.state.value.kind === "open";
  switch (view.kind) {
    case "connecting":
      if (writes) break;
      if (quiet) return null;
      return (
        <Gate
          product={t("common.product")}
          icon={loader}
          busy
          title={t("link.connecting")}
          advice={
            observing.now.value - view.since > SLOW_CONNECT_MS ? t("observer.connecting.slow") : undefined
          }
        />
      );
    case "refused":
      if (writes) break;
      return <Refused view={view} />;
    case "unplayable":
      if (writes) break;
      return (
        <Gate
          product={t("common.product")}
          icon={monitorX}
          title={t("observer.unplayable")}
          advice={t("observer.unplayable.advice")}
          code={view.problem?.code}
        />
      );
    case "idle":
    case "ended":
    case "waiting":
    case "watching":
      break;
    default:
      return impossible(view);
  }
  return <Workbench observing={observing} desk={desk} />;
}

/** A picture that does not come must not keep anybody from her notes. */
const DESK_WAIT_MS = 1500;

/** Opens her sheet as soon as the picture is there, or does not come: until then the machine has nothing better to do than to bring it. */
function useDesk(observing: Observing, tokens: { link: string | null; sheet: string | null }): Desk | null {
  const late = usePast(DESK_WAIT_MS);
  const desk = useRef<Desk | null>(null);
  if (desk.current === null && (late || !observing.pictureIsComing.value)) {
    desk.current = new Desk(tokens);
    void desk.current.open();
  }
  return desk.current;
}

/** Whether this much time has gone by since the page was opened. */
function usePast(ms: number): boolean {
  const [past, setPast] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPast(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return past;
}

function Refused(props: { view: Extract<LessonView, { kind: "refused" }> }): JSX.Element {
  const { view } = props;
  return view.reason === "replaced" ? (
    <Gate
      product={t("common.product")}
      icon={monitorX}
      title={t("observer.replaced")}
      action={
        <Button kind="primary" onClick={() => window.location.reload()}>
          {t("observer.replaced.action")}
        </Button>
      }
    />
  ) : (
    <Gate
      product={t("common.product")}
      icon={link2Off}
      title={t("link.refused")}
      advice={problemText(view.problem) ?? t("link.refused.advice")}
      code={view.problem?.code ?? view.reason}
    />
  );
}

function problemText(problem: Problem | null): string | null {
  if (problem === null) return null;
  const text = language.value === "vi" ? problem.detail_vi : problem.detail;
  return text === "" ? null : text;
}
