/** The phone's screen: who and how at the top, one part in the middle, the parts at the thumb. */
import image from "lucide-static/icons/image.svg?raw";
import info from "lucide-static/icons/info.svg?raw";
import message from "lucide-static/icons/message-square.svg?raw";
import presentation from "lucide-static/icons/presentation.svg?raw";
import settings from "lucide-static/icons/settings-2.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { ClassTab } from "./class-tab.tsx";
import { DevicesTab } from "./devices-tab.tsx";
import { MessagesTab } from "./messages-tab.tsx";
import type { Phone, Tab } from "./phone.ts";
import { isOnAir } from "./task.ts";
import { sentence, t } from "./words.ts";
import { WorksTab } from "./works-tab.tsx";

const TABS: readonly { tab: Tab; icon: string }[] = [
  { tab: "class", icon: presentation },
  { tab: "works", icon: image },
  { tab: "messages", icon: message },
  { tab: "devices", icon: settings },
];

export function PhoneScreen({ phone }: { phone: Phone }): JSX.Element {
  const tab = phone.tab.value;
  return (
    <div class="phone">
      <Bar phone={phone} />
      <Offline phone={phone} />
      <ProblemNote phone={phone} />
      <main class="phone-main" data-tab={tab}>
        {content(tab, phone)}
      </main>
      <nav class="phone-tabs" aria-label={t("phone.tabs")}>
        {TABS.map(({ tab: name, icon }) => (
          <button
            type="button"
            key={name}
            class="phone-tab"
            aria-current={name === tab ? "page" : undefined}
            onClick={() => {
              phone.tab.value = name;
            }}
          >
            <Icon svg={icon} />
            <span>{t(`phone.tab.${name}`)}</span>
            {name === "messages" && phone.unread.value > 0 ? (
              <span class="phone-badge" role="status">
                {phone.unread.value}
                <span class="visually-hidden"> {t("phone.tab.unread", { count: phone.unread.value })}</span>
              </span>
            ) : null}
            {name === "class" && tab !== "class" && wantsAttention(phone) ? <span class="phone-dot" /> : null}
          </button>
        ))}
      </nav>
    </div>
  );
}

function content(tab: Tab, phone: Phone): JSX.Element {
  switch (tab) {
    case "class":
      return <ClassTab phone={phone} />;
    case "works":
      return <WorksTab phone={phone} />;
    case "messages":
      return <MessagesTab phone={phone} />;
    case "devices":
      return <DevicesTab phone={phone} />;
    default:
      return tab satisfies never;
  }
}

/** Something waits in the class part while another part is open. */
function wantsAttention(phone: Phone): boolean {
  const { kind } = phone.task.value;
  return kind === "called" || kind === "camera_asked" || kind === "question";
}

function Bar({ phone }: { phone: Phone }): JSX.Element {
  const lesson = phone.lesson.value;
  const state = isOnAir(lesson) ? lesson.state : null;
  return (
    <header class="phone-bar">
      <h1>{phone.place.value?.name ?? t("phone.page")}</h1>
      {lesson === null ? null : (
        <p>
          {state === null ? null : (
            <strong class="phone-live">{state === "live" ? t("phone.live") : t("lesson.test_run")}</strong>
          )}
          {lesson.title}
        </p>
      )}
    </header>
  );
}

function Offline({ phone }: { phone: Phone }): JSX.Element {
  const { kind } = phone.link.value;
  return (
    <div role="status">
      {kind === "open" ? null : (
        <p class="phone-offline">
          <Icon svg={wifiOff} />
          <span>
            <strong>{t("phone.link.lost")}</strong> {t("phone.link.kept")}
          </span>
        </p>
      )}
    </div>
  );
}

function ProblemNote({ phone }: { phone: Phone }): JSX.Element {
  const problem = phone.problem.value;
  return (
    <div role="alert">
      {problem === null ? null : (
        <div class="phone-note">
          <Icon svg={info} />
          <p>{sentence(problem)}</p>
          <Button kind="quiet" onClick={() => phone.dismissProblem()}>
            {t("phone.dismiss")}
          </Button>
        </div>
      )}
    </div>
  );
}
