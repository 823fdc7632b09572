/** Private messages: rooms with unread ones first, one thread at a time, and a word to all helpers. */
import back from "lucide-static/icons/arrow-left.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatTime } from "../shared/format.ts";
import { roomName } from "../shared/lead-facts.ts";
import type { PrivateMessage } from "../shared/lesson-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { MessageList, MessageWriter } from "../shared/ui/messages.tsx";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

export function MessagesTab({ room }: { room: HostRoom }): JSX.Element {
  const [open, show] = useState<string | null>(null);
  return open === null ? (
    <Threads room={room} onOpen={show} />
  ) : (
    <Thread room={room} place={open} onBack={() => show(null)} />
  );
}

function Threads({ room, onOpen }: { room: HostRoom; onOpen: (place: string) => void }): JSX.Element {
  const { lead } = room;
  const facts = lead.facts.value;
  const unread = lead.unread.value;
  const newest = new Map<string, PrivateMessage>();
  for (const message of facts.messages) if (message.place !== null) newest.set(message.place, message);
  const threads = [...newest].sort(
    ([a, first], [b, second]) => (unread.get(b) ?? 0) - (unread.get(a) ?? 0) || second.no - first.no,
  );
  return (
    <>
      <p class="live-soft">{t("host.messages.hint")}</p>
      <div class="threads">
        {threads.length === 0 ? <p>{t("host.messages.none")}</p> : null}
        {threads.map(([place, message]) => {
          const count = unread.get(place) ?? 0;
          return (
            <button type="button" key={place} class="thread" onClick={() => onOpen(place)}>
              <span class="thread-head">
                <strong>{roomName(facts, place)}</strong>
                <span class="live-soft">{formatTime(new Date(message.at))}</span>
                {count === 0 ? null : (
                  <span class="live-badge">
                    {count}
                    <span class="visually-hidden"> {t("board.message.unread", { count })}</span>
                  </span>
                )}
              </span>
              <span class="thread-text">{message.text}</span>
            </button>
          );
        })}
      </div>
      <MessageWriter label={t("board.message.all")} t={t} onSend={(text) => lead.sendMessage(null, text)} />
    </>
  );
}

function Thread(props: { room: HostRoom; place: string; onBack: () => void }): JSX.Element {
  const { room, place } = props;
  const { lead } = room;
  useEffect(() => lead.markRead(place));
  return (
    <>
      <div class="live-part-head">
        <Button kind="quiet" icon={back} onClick={props.onBack}>
          {t("host.messages.back")}
        </Button>
      </div>
      <h2>{roomName(lead.facts.value, place)}</h2>
      <MessageList lead={lead} messages={lead.messagesOf(place)} t={t} />
      <MessageWriter label={t("board.message.text")} t={t} onSend={(text) => lead.sendMessage(place, text)} />
    </>
  );
}
