/** The side of the screen while the lesson runs: who speaks on top, then the class, the question, works or messages. */

import question from "lucide-static/icons/circle-question-mark.svg?raw";
import image from "lucide-static/icons/image.svg?raw";
import message from "lucide-static/icons/message-square.svg?raw";
import users from "lucide-static/icons/users.svg?raw";
import type { JSX } from "preact";
import { Icon } from "../shared/ui/icon.tsx";
import { ClassTab } from "./class-tab.tsx";
import { helpLines, type LiveTab } from "./live.ts";
import { MessagesTab } from "./messages-tab.tsx";
import { QuestionTab } from "./question-tab.tsx";
import type { HostRoom } from "./room.ts";
import { SpeakingCards } from "./speaking-card.tsx";
import { t } from "./words.ts";
import { WorksTab } from "./works-tab.tsx";

const TABS: readonly { tab: LiveTab; icon: string }[] = [
  { tab: "class", icon: users },
  { tab: "question", icon: question },
  { tab: "works", icon: image },
  { tab: "messages", icon: message },
];

export function LivePanel({ room }: { room: HostRoom }): JSX.Element {
  const tab = room.tab.value;
  return (
    <>
      <SpeakingCards room={room} />
      <nav class="live-tabs" aria-label={t("host.tab")}>
        {TABS.map(({ tab: name, icon }) => {
          const count = countOf(room, name);
          return (
            <button
              type="button"
              key={name}
              class="live-tab"
              aria-current={name === tab ? "page" : undefined}
              onClick={() => {
                room.tab.value = name;
              }}
            >
              <Icon svg={icon} />
              {t(`host.tab.${name}`)}
              {count === 0 ? null : <span class="live-badge">{count}</span>}
            </button>
          );
        })}
      </nav>
      <section class="live-content" data-tab={tab} aria-label={t(`host.tab.${tab}`)}>
        {contentOf(tab, room)}
      </section>
    </>
  );
}

/** What waits behind a part. */
function countOf(room: HostRoom, tab: LiveTab): number {
  const facts = room.lead.facts.value;
  switch (tab) {
    case "class":
      return facts.hands.length + helpLines(facts.tiles?.values() ?? []).length;
    case "question":
      return 0;
    case "works":
      return facts.works.length;
    case "messages":
      return [...room.lead.unread.value.values()].reduce((sum, count) => sum + count, 0);
    default:
      return tab satisfies never;
  }
}

function contentOf(tab: LiveTab, room: HostRoom): JSX.Element {
  switch (tab) {
    case "class":
      return <ClassTab room={room} />;
    case "question":
      return <QuestionTab room={room} />;
    case "works":
      return <WorksTab room={room} />;
    case "messages":
      return <MessagesTab room={room} />;
    default:
      return tab satisfies never;
  }
}
