/** One room as host and organiser see it: how it is, why, what to do, its TV from afar, private messages with its helper. */
import "./room-details.css";
import check from "lucide-static/icons/check.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import phone from "lucide-static/icons/smartphone.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import readmit from "lucide-static/icons/user-check.svg?raw";
import userX from "lucide-static/icons/user-x.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatRate, formatSince } from "../format.ts";
import type { Lead } from "../lead.ts";
import { tileName } from "../lead-facts.ts";
import type { RemoteAction, Tile } from "../lesson-protocol.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { language } from "./language.tsx";
import { MessageList, MessageWriter } from "./messages.tsx";
import { adviceOf, type BoardWords, HELP_ICONS, STATE_ICONS, toneOf } from "./room-words.ts";
import { StatePill } from "./state-pill.tsx";

export interface RoomDetailsProps {
  lead: Lead;
  tile: Tile;
  /** The relay's clock, ms. */
  now: number;
  t: BoardWords;
  /** The lesson runs: the room can be called. */
  onAir: boolean;
  /** This page may do things in the lesson, not only look. */
  inCharge: boolean;
  /** A page's own part, such as the history of the room's link. */
  children?: ComponentChildren;
}

const REMOTES: readonly RemoteAction[] = [
  "test_sound",
  "unmute",
  "volume_up",
  "volume_down",
  "reload",
  "check",
];

export function RoomDetails(props: RoomDetailsProps): JSX.Element {
  const { lead, tile, t } = props;
  useEffect(() => lead.markRead(tile.id));
  return (
    <div class="room">
      <State {...props} />
      {props.children}
      {props.onAir && props.inCharge && !tile.removed ? <Speaking {...props} /> : null}
      <Remote {...props} />
      <section class="room-part" aria-label={t("board.room.messages")}>
        <h3>{t("board.room.messages")}</h3>
        {tile.helpers === 0 ? <p class="room-soft">{t("board.room.messages.no_helper")}</p> : null}
        <MessageList lead={lead} messages={lead.messagesOf(tile.id)} t={t} />
        <MessageWriter
          label={t("board.message.text")}
          t={t}
          onSend={(text) => lead.sendMessage(tile.id, text)}
        />
      </section>
      {props.onAir && props.inCharge ? <Removing {...props} /> : null}
    </div>
  );
}

function State({ lead, tile, now, t }: RoomDetailsProps): JSX.Element {
  const advice = adviceOf(tile, t);
  const facts = [
    tile.rung === null ? null : t(`board.rung.${tile.rung as 0}`),
    tile.kbps === null ? null : formatRate(tile.kbps, language.value),
    pathWord(tile.path, t),
  ].filter((part) => part !== null);
  return (
    <section class="room-state">
      {tile.units.length === 0 ? null : <p class="room-soft">{tile.units.join(" · ")}</p>}
      <p class="room-line">
        <StatePill tone={toneOf(tile.state)} icon={STATE_ICONS[tile.state]}>
          {t(`board.state.${tile.state}`)} · {formatSince(now - tile.since)}
        </StatePill>
        <span class="room-count">
          <Icon svg={tv} />
          {t("board.screens", { count: tile.screens })}
        </span>
        <span class="room-count">
          <Icon svg={phone} />
          {t("board.helpers", { count: tile.helpers })}
        </span>
      </p>
      {advice === "" ? null : (
        <p>
          <strong>{t("board.next")}:</strong> {advice}
        </p>
      )}
      {facts.length === 0 ? null : (
        <p class="room-soft">
          {t("board.rung")}: {facts.join(" · ")}
        </p>
      )}
      {tile.help.map(({ kind, since }) => (
        <p key={kind} class="room-line room-help">
          <Icon svg={HELP_ICONS[kind]} />
          <strong>{t(`board.help.${kind}`)}</strong> {formatSince(now - since)}
          <Button icon={check} onClick={() => lead.clearHelp(tile.id, kind)}>
            {t("board.help.done")}
          </Button>
        </p>
      ))}
    </section>
  );
}

/** Which way the lesson comes where it is not the usual one. */
function pathWord(path: Tile["path"], t: BoardWords): string | null {
  switch (path) {
    case "webrtc_tcp":
    case "segments":
    case "hls":
      return t(`board.path.${path}`);
    default:
      return null;
  }
}

function Speaking({ lead, tile, t }: RoomDetailsProps): JSX.Element {
  const { rooms, hands } = lead.facts.value;
  const turn = rooms.floor.turns.find(({ place }) => place === tile.id);
  const pinned = rooms.floor.pinned?.place === tile.id;
  const position = hands.findIndex(({ place }) => place === tile.id);
  return (
    <section class="room-buttons">
      {turn === undefined ? (
        <Button icon={mic} onClick={() => lead.call(tile.id)}>
          {t("board.room.speak")}
        </Button>
      ) : (
        <Button icon={mic} onClick={() => lead.endSpeaking(tile.id)}>
          {t("board.room.speak.end")}
        </Button>
      )}
      {position < 0 ? null : (
        <Button icon={hand} onClick={() => lead.lowerHand(tile.id)}>
          {t("board.room.lower")}
        </Button>
      )}
      <Button icon={video} onClick={() => lead.pin(pinned ? null : tile.id)}>
        {pinned ? t("board.room.pin.end") : t("board.room.pin")}
      </Button>
    </section>
  );
}

function Remote({ lead, tile, t }: RoomDetailsProps): JSX.Element | null {
  const [done, setDone] = useState(false);
  if (tile.screens === 0) return null;
  const press = (action: RemoteAction): void => {
    setDone(false);
    void lead.remote(tile.id, action).then(({ kind }) => setDone(kind === "done"));
  };
  return (
    <section class="room-part" aria-label={t("board.room.remote")}>
      <h3>{t("board.room.remote")}</h3>
      <div class="room-buttons">
        {REMOTES.map((action) => (
          <Button key={action} onClick={() => press(action)}>
            {t(`board.room.remote.${action}`)}
          </Button>
        ))}
      </div>
      <p class="room-done" role="status">
        {done ? t("board.room.remote.sent") : null}
      </p>
    </section>
  );
}

function Removing({ lead, tile, t }: RoomDetailsProps): JSX.Element {
  const [asked, ask] = useState(false);
  if (tile.removed) {
    return (
      <Button icon={readmit} onClick={() => lead.readmit(tile.id)}>
        {t("board.room.readmit")}
      </Button>
    );
  }
  return (
    <>
      <Button kind="quiet" icon={userX} onClick={() => ask(true)}>
        {t("board.room.remove")}
      </Button>
      {asked ? (
        <Dialog
          title={t("board.room.remove.question")}
          onClose={() => ask(false)}
          actions={
            <>
              <Button onClick={() => ask(false)}>{t("board.room.close")}</Button>
              <Button
                kind="danger"
                onClick={() => {
                  ask(false);
                  lead.remove(tile.id);
                }}
              >
                {t("board.room.remove")}
              </Button>
            </>
          }
        >
          <p>{t("board.room.remove.advice", { name: tileName(tile) })}</p>
        </Dialog>
      ) : null}
    </>
  );
}
