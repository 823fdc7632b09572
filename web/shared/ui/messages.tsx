/** Private messages of a room: read and written by host and organiser. */
import send from "lucide-static/icons/send.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatTime } from "../format.ts";
import type { Lead } from "../lead.ts";
import { roomName } from "../lead-facts.ts";
import type { PrivateMessage } from "../lesson-protocol.ts";
import type { Outcome } from "../outbox.ts";
import { Icon } from "./icon.tsx";
import type { BoardWords } from "./room-words.ts";

const TEXT_MAX = 500;

export function MessageList(props: {
  lead: Lead;
  messages: readonly PrivateMessage[];
  t: BoardWords;
}): JSX.Element {
  const { lead, messages, t } = props;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.scrollTo(0, list.current.scrollHeight);
  }, [messages.length]);
  if (messages.length === 0) return <p class="room-soft">{t("board.room.messages.none")}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable by keyboard
    <ol class="messages" ref={list} tabIndex={0} aria-label={t("board.room.messages")}>
      {messages.map((message) => (
        <li key={message.no} class="message-line" data-own={message.from !== "helper"}>
          <small>
            {message.from === "helper" && message.place !== null
              ? roomName(lead.facts.value, message.place)
              : t(`board.message.from.${message.from}`)}
            {message.place === null ? ` (${t("board.message.to_all")})` : ""} ·{" "}
            {formatTime(new Date(message.at))}
          </small>
          <p>{message.text}</p>
        </li>
      ))}
    </ol>
  );
}

export function MessageWriter(props: {
  label: string;
  t: BoardWords;
  onSend: (text: string) => Promise<Outcome>;
}): JSX.Element {
  const [text, setText] = useState("");
  const words = text.trim();
  const submit = (): void => {
    if (words === "") return;
    setText("");
    void props.onSend(words).then(({ kind }) => {
      // Nobody read it: it is still there to be sent again.
      if (kind === "refused") setText(words);
    });
  };
  return (
    <form
      class="message-writer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        class="input"
        rows={2}
        maxLength={TEXT_MAX}
        placeholder={props.label}
        aria-label={props.label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey) return;
          event.preventDefault();
          submit();
        }}
      />
      <button type="submit" class="button button-secondary" disabled={words === ""}>
        <Icon svg={send} />
        <span>{props.t("board.message.send")}</span>
      </button>
    </form>
  );
}
