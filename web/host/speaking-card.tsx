/** Classes that were called, and the one whose pupils observers see: always in sight, each ended in one press. */

import swap from "lucide-static/icons/arrow-left-right.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import phone from "lucide-static/icons/phone-outgoing.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import type { JSX } from "preact";
import { formatSince } from "../shared/format.ts";
import type { Turn } from "../shared/lesson-protocol.ts";
import type { FloorNews } from "../shared/room-facts.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { HostRoom } from "./room.ts";
import { Ticking } from "./ticking.tsx";
import { t } from "./words.ts";

export function SpeakingCards({ room }: { room: HostRoom }): JSX.Element | null {
  const { floor } = room.lead.facts.value.rooms;
  if (floor.turns.length === 0 && floor.pinned === null) return null;
  return (
    <section class="speaking" aria-label={t("host.speaking")}>
      {floor.turns.map((turn) => (
        <TurnCard key={turn.place} room={room} turn={turn} word={floor.word === turn.place} />
      ))}
      {floor.pinned === null ? null : <PinnedCard room={room} pinned={floor.pinned} />}
      {room.monitor.blocked.value ? (
        <Button icon={volumeX} onClick={() => room.monitor.unblock()}>
          {t("host.stage.hear")}
        </Button>
      ) : null}
    </section>
  );
}

function TurnCard(props: { room: HostRoom; turn: Turn & { name: string }; word: boolean }): JSX.Element {
  const { room, turn, word } = props;
  const { lead } = room;
  const speaks = word && turn.phase === "on_air";
  return (
    <div class="turn" data-speaks={speaks}>
      <p class="turn-name">{turn.name}</p>
      <p class="turn-state" role="status">
        <Icon svg={iconOf(turn, word)} />
        {wordsOf(turn, word)} <Ticking>{() => formatSince(room.serverNow() - turn.since)}</Ticking>
      </p>
      {room.inCharge.value ? (
        <div class="turn-buttons">
          <Button
            kind={speaks ? "primary" : "secondary"}
            icon={square}
            onClick={() => lead.endSpeaking(turn.place)}
          >
            {turn.phase === "called" ? t("host.speaking.cancel") : t("host.speaking.stop")}
          </Button>
          {turn.phase === "on_air" && !word ? (
            <Button icon={swap} onClick={() => lead.give(turn.place)}>
              {t("host.speaking.give")}
            </Button>
          ) : null}
          {speaks ? (
            <Button icon={turn.muted ? mic : micOff} onClick={() => lead.mute(turn.place, !turn.muted)}>
              {turn.muted ? t("host.speaking.unmute") : t("host.speaking.mute")}
            </Button>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

function iconOf(turn: Turn, word: boolean): string {
  if (turn.phase === "called") return phone;
  if (turn.phase === "accepted") return loader;
  return turn.muted || !word ? micOff : mic;
}

function wordsOf(turn: Turn, word: boolean): string {
  if (turn.phase === "called") return t("host.speaking.called");
  if (turn.phase === "accepted") return t("host.speaking.accepted");
  if (!word) return t("host.speaking.waits");
  if (turn.muted) return t("host.speaking.muted");
  return turn.audio_only
    ? `${t("host.speaking.on_air")} · ${t("host.speaking.voice")}`
    : t("host.speaking.on_air");
}

function PinnedCard(props: { room: HostRoom; pinned: NonNullable<FloorNews["pinned"]> }): JSX.Element {
  const { room, pinned } = props;
  return (
    <div class="turn">
      <p class="turn-name">{pinned.name}</p>
      <p class="turn-state" role="status">
        <Icon svg={pinned.phase === "open" ? video : phone} />
        {pinned.phase === "open" ? t("host.pinned.open") : t("host.pinned.asked")}
      </p>
      {room.inCharge.value ? (
        <div class="turn-buttons">
          <Button icon={square} onClick={() => room.lead.pin(null)}>
            {t("host.pinned.end")}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
