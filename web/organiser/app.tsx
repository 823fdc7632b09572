import calendar from "lucide-static/icons/calendar-days.svg?raw";
import chart from "lucide-static/icons/chart-column.svg?raw";
import linkOff from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle } from "../shared/ui/language.tsx";
import type { Route } from "./address.ts";
import { Board } from "./board.ts";
import { LessonPage, partOf } from "./lesson-page.tsx";
import { LessonsPage } from "./lessons-page.tsx";
import { PlacesPage } from "./places-page.tsx";
import { ReportsPage } from "./reports-page.tsx";
import { go, route } from "./route.ts";
import { failureText, t } from "./words.ts";

/** The whole organiser page. */
export function App(props: { token: string | null }): JSX.Element {
  const product = t("common.product");
  useEffect(() => {
    document.title = `${t("org.page")} – ${t("common.product")}`;
  });
  if (props.token === null) {
    return (
      <Gate product={product} icon={linkOff} title={t("link.missing")} advice={t("link.missing.advice")} />
    );
  }
  return <Entered token={props.token} />;
}

function Entered(props: { token: string }): JSX.Element {
  const board = useMemo(() => new Board(props.token), [props.token]);
  const entry = board.entry.value;
  const product = t("common.product");
  switch (entry.kind) {
    case "loading": {
      const failure = board.failure.value;
      return (
        <Gate
          product={product}
          icon={loader}
          busy
          title={t("org.loading")}
          advice={failure === null ? undefined : failureText(failure)}
        />
      );
    }
    case "refused":
      return (
        <Gate
          product={product}
          icon={linkOff}
          title={failureText(entry.failure)}
          advice={t("link.refused.advice")}
          code={entry.failure.kind === "refused" ? entry.failure.problem.code : undefined}
        />
      );
    case "not_organiser":
      return (
        <Gate
          product={product}
          icon={linkOff}
          title={t("org.not_organiser")}
          advice={t("org.not_organiser.advice")}
        />
      );
    case "in":
      return (
        <div class="org">
          <Bar board={board} />
          <FailureBar board={board} />
          <main class="org-main" data-wide={isWide(board, entry.me.lesson?.id ?? null)}>
            <Page board={board} own={entry.me.lesson?.id ?? null} />
          </main>
        </div>
      );
    default:
      return entry satisfies never;
  }
}

/** @param own the one lesson of this organiser, when the link is for one lesson only */
function Page({ board, own }: { board: Board; own: string | null }): JSX.Element {
  const at = route.value;
  if (own !== null) {
    return <LessonPage key={own} board={board} id={own} part={at.kind === "lesson" ? at.part : null} />;
  }
  switch (at.kind) {
    case "lessons":
      return <LessonsPage board={board} />;
    case "lesson":
      return <LessonPage key={at.id} board={board} id={at.id} part={at.part} />;
    case "places":
      return <PlacesPage board={board} />;
    case "reports":
      return <ReportsPage board={board} />;
    default:
      return at satisfies never;
  }
}

/** The board takes the whole width: two hundred rooms must be in sight. */
function isWide(board: Board, own: string | null): boolean {
  const at = route.value;
  const id = own ?? (at.kind === "lesson" ? at.id : null);
  const lesson = board.lessons.value?.find((candidate) => candidate.id === id);
  return lesson !== undefined && partOf(lesson, at.kind === "lesson" ? at.part : null) === "board";
}

function Bar({ board }: { board: Board }): JSX.Element {
  const at = route.value.kind;
  const tab = (to: Route, here: boolean, icon: string, word: string): JSX.Element => (
    <button type="button" class="org-tab" aria-current={here ? "page" : undefined} onClick={() => go(to)}>
      <Icon svg={icon} />
      {word}
    </button>
  );
  return (
    <header class="org-bar">
      <span class="org-product">
        {t("common.product")} <span class="org-role">{t("org.page")}</span>
      </span>
      {board.managesServer ? (
        <nav class="org-tabs" aria-label={t("org.nav")}>
          {tab({ kind: "lessons" }, at === "lessons" || at === "lesson", calendar, t("org.nav.lessons"))}
          {tab({ kind: "places" }, at === "places", tv, t("org.nav.places"))}
          {tab({ kind: "reports" }, at === "reports", chart, t("org.nav.reports"))}
        </nav>
      ) : null}
      <LanguageToggle />
    </header>
  );
}

function FailureBar({ board }: { board: Board }): JSX.Element {
  const failure = board.failure.value;
  return (
    <div role="alert">
      {failure === null ? null : (
        <div class="org-failure">
          <Icon svg={alert} />
          <p>
            {failureText(failure)}
            {failure.kind === "refused" ? <small> {failure.problem.code}</small> : null}
          </p>
          <Button kind="quiet" onClick={() => board.dismissFailure()}>
            {t("org.dismiss")}
          </Button>
        </div>
      )}
    </div>
  );
}
