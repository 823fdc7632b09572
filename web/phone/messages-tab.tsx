/** Private messages with the host teacher and the organiser. */
import clock from "lucide-static/icons/clock.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import send from "lucide-static/icons/send.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatTime } from "../shared/format.ts";
import type { PrivateMessage } from "../shared/lesson-protocol.ts";
import { Icon } from "../shared/ui/icon.tsx";
import type { Phone } from "./phone.ts";
import { takesPart } from "./task.ts";
import { t } from "./words.ts";

const TEXT_MAX = 500;

export function MessagesTab({ phone }: { phone: Phone }): JSX.Element {
  const messages = phone.messages.value;
  const unsent = phone.unsent.value;
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    box.current?.scrollTo(0, box.current.scrollHeight);
  }, [messages.length, unsent.length]);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list must be reachable by keyboard */}
      <section class="phone-scroll" ref={box} tabIndex={0} aria-label={t("phone.tab.messages")}>
        <p class="phone-hint">
          <Icon svg={lock} /> {t("phone.messages.hint")}
        </p>
        {messages.length === 0 && unsent.length === 0 ? <p>{t("phone.messages.none")}</p> : null}
        <ol class="phone-messages" aria-live="polite">
          {messages.map((message) => (
            <Message key={message.no} message={message} />
          ))}
          {unsent.map(({ key, text }) => (
            <li key={key} class="phone-message" data-own="true" data-waiting="true">
              <p>{text}</p>
              <small>
                <Icon svg={clock} /> {t("phone.messages.sending")}
              </small>
            </li>
          ))}
        </ol>
      </section>
      {takesPart(phone.lesson.value) ? (
        <Writing phone={phone} />
      ) : (
        <p class="phone-hint">{t("phone.messages.closed")}</p>
      )}
    </>
  );
}

function Message({ message }: { message: PrivateMessage }): JSX.Element {
  const own = message.from === "helper";
  return (
    <li class="phone-message" data-own={own}>
      <small>
        {t(`phone.messages.from.${message.from}`)}
        {message.place === null ? ` (${t("phone.messages.all")})` : ""} · {formatTime(new Date(message.at))}
      </small>
      <p>{message.text}</p>
    </li>
  );
}

function Writing({ phone }: { phone: Phone }): JSX.Element {
  const [text, setText] = useState("");
  const words = text.trim();
  return (
    <form
      class="phone-writing"
      onSubmit={(event) => {
        event.preventDefault();
        if (words === "") return;
        phone.sendMessage(words);
        setText("");
      }}
    >
      <textarea
        class="input"
        rows={2}
        maxLength={TEXT_MAX}
        placeholder={t("phone.messages.text")}
        aria-label={t("phone.messages.text")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="button button-primary" disabled={words === ""}>
        <Icon svg={send} />
        <span>{t("phone.messages.send")}</span>
      </button>
    </form>
  );
}
