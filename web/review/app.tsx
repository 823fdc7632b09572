/** After the lesson: the shared timeline, sheets that were handed in, the minutes, and the organiser's choices. */
import linkOff from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Role } from "../shared/protocol.ts";
import { Gate } from "../shared/ui/gate.tsx";
import { LanguageToggle, language } from "../shared/ui/language.tsx";
import { impossible } from "../shared/viewer-state.ts";
import { MinutesView } from "./minutes-view.tsx";
import { type Access, Review } from "./review.ts";
import { SettingsView } from "./settings-view.tsx";
import { SheetsView } from "./sheets-view.tsx";
import { TimelineView } from "./timeline-view.tsx";
import { type Key, t } from "./words.ts";

export function App(props: {
  token: string | null;
  lesson: string | null;
  sheet: string | null;
}): JSX.Element {
  document.title = `${t("review.page")} – ${t("common.product")}`;
  if (props.token === null) {
    return (
      <Gate
        product={t("common.product")}
        icon={linkOff}
        title={t("link.missing")}
        advice={t("link.missing.advice")}
      />
    );
  }
  return <Entered token={props.token} lesson={props.lesson} sheet={props.sheet} />;
}

function Entered(props: { token: string; lesson: string | null; sheet: string | null }): JSX.Element {
  const [review] = useState(() => new Review(props.token, props.lesson, props.sheet));
  const access = review.access.value;
  switch (access.kind) {
    case "loading":
      return (
        <Gate
          product={t("common.product")}
          icon={loader}
          busy
          title={t("review.loading")}
          advice={access.offline ? t("review.offline") : undefined}
        />
      );
    case "refused": {
      const text = language.value === "vi" ? access.problem?.detail_vi : access.problem?.detail;
      return (
        <Gate
          product={t("common.product")}
          icon={linkOff}
          title={t("link.refused")}
          advice={text ?? t("link.refused.advice")}
          code={access.problem?.code}
        />
      );
    }
    case "no_lesson":
      return (
        <Gate
          product={t("common.product")}
          icon={linkOff}
          title={t("review.page")}
          advice={t("review.choose")}
        />
      );
    case "in":
      return <Inside review={review} access={access} token={props.token} />;
    default:
      return impossible(access);
  }
}

type Tab = "timeline" | "sheets" | "minutes" | "settings";

/** What each role has here: the taught teacher only what was shared with her. */
function tabsOf(role: Role): readonly (readonly [Tab, Key])[] {
  const timeline = ["timeline", "review.tab.timeline"] as const;
  const sheets = ["sheets", "review.tab.sheets"] as const;
  if (role === "host") return [sheets];
  if (role !== "organiser") return [timeline];
  return [timeline, sheets, ["minutes", "review.tab.minutes"], ["settings", "review.tab.settings"]];
}

function Inside(props: {
  review: Review;
  access: Extract<Access, { kind: "in" }>;
  token: string;
}): JSX.Element {
  const { review, access, token } = props;
  const tabs = tabsOf(access.role);
  const [tab, setTab] = useState<Tab>(tabs[0]?.[0] ?? "timeline");
  return (
    <div class="review">
      <header class="review-bar">
        <p class="review-page">{t("review.page")}</p>
        <h1>{access.lesson.title}</h1>
        <LanguageToggle />
      </header>
      {tabs.length > 1 ? (
        <nav class="review-tabs" aria-label={t("review.page")}>
          {tabs.map(([kind, word]) => (
            <button
              key={kind}
              type="button"
              class="review-tab"
              aria-current={tab === kind ? "page" : undefined}
              onClick={() => setTab(kind)}
            >
              {t(word)}
            </button>
          ))}
        </nav>
      ) : null}
      <main class="review-main">
        {tab === "timeline" ? <TimelineView review={review} access={access} /> : null}
        {tab === "sheets" ? <SheetsView review={review} access={access} /> : null}
        {tab === "minutes" ? <MinutesView review={review} access={access} /> : null}
        {tab === "settings" ? <SettingsView review={review} access={access} token={token} /> : null}
      </main>
    </div>
  );
}
