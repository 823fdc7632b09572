/**
 * The row under the picture: microphone, cameras, slides, devices. The icon shows how it is, the words what pressing does.
 */

import question from "lucide-static/icons/circle-question-mark.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import presentation from "lucide-static/icons/presentation.svg?raw";
import screenOff from "lucide-static/icons/screen-share-off.svg?raw";
import settings from "lucide-static/icons/settings-2.svg?raw";
import users from "lucide-static/icons/users-round.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import videoOff from "lucide-static/icons/video-off.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canShareScreen } from "../shared/devices.ts";
import { loudness } from "../shared/sound.ts";
import { Button } from "../shared/ui/button.tsx";
import { Meter } from "../shared/ui/meter.tsx";
import { DevicesDialog } from "./devices.tsx";
import type { HostRoom } from "./room.ts";
import type { Voice } from "./voice.ts";
import { t } from "./words.ts";

export function Tools({ room, voice }: { room: HostRoom; voice: Voice }): JSX.Element {
  const [choosing, choose] = useState(false);
  const { sources } = room;
  const camera = sources.camera.value.kind;
  const second = sources.secondCamera.value.kind;
  return (
    <section class="tools" aria-label={t("host.tools")}>
      <MicButton room={room} voice={voice} />
      {camera === "on" || camera === "opening" ? (
        <Button icon={video} disabled={camera === "opening"} onClick={() => sources.close("camera")}>
          {t("host.camera.off")}
        </Button>
      ) : (
        <Button icon={videoOff} onClick={() => void sources.open("camera")}>
          {t("host.camera.on")}
        </Button>
      )}
      <SlidesButton room={room} />
      {second === "on" ? (
        <span class="tool-on">
          <Button icon={users} onClick={() => sources.close("second_camera")}>
            {t("host.second.off")}
          </Button>
        </span>
      ) : sources.cameras.value.length > 1 ? (
        <Button
          icon={users}
          disabled={second === "opening"}
          onClick={() => void sources.open("second_camera")}
        >
          {t("host.second.on")}
        </Button>
      ) : null}
      {room.onAir.value && room.inCharge.value ? (
        <Button
          icon={question}
          onClick={() => {
            room.tab.value = "question";
          }}
        >
          {t("host.ask")}
        </Button>
      ) : null}
      <Button kind="quiet" icon={settings} onClick={() => choose(true)}>
        {t("host.devices")}
      </Button>
      {choosing ? <DevicesDialog room={room} voice={voice} onClose={() => choose(false)} /> : null}
    </section>
  );
}

function MicButton({ room, voice }: { room: HostRoom; voice: Voice }): JSX.Element {
  const { sources } = room;
  const state = sources.microphone.value.kind;
  if (state !== "on") {
    return (
      <Button icon={micOff} disabled={state === "opening"} onClick={() => void sources.open("microphone")}>
        {t("host.mic.unmute")}
      </Button>
    );
  }
  const muted = sources.muted.value;
  return (
    <span class={muted ? "tool-mic tool-muted" : "tool-mic"}>
      <Button icon={muted ? micOff : mic} onClick={() => sources.setMuted(!muted)}>
        {muted ? t("host.mic.unmute") : t("host.mic.mute")}
      </Button>
      <VoiceLevel voice={voice} />
    </span>
  );
}

/** The microphone's level in bars; alone in its component because it redraws fifteen times a second. */
export function VoiceLevel({ voice }: { voice: Voice }): JSX.Element {
  const level = voice.level.value;
  return (
    <Meter
      value={level ?? 0}
      label={t("host.level")}
      valueText={level === null ? t("host.level.unknown") : t(`host.level.${loudness(level)}`)}
    />
  );
}

function SlidesButton({ room }: { room: HostRoom }): JSX.Element | null {
  if (!canShareScreen()) return null;
  const slides = room.sources.slides.value;
  if (slides.kind === "on") {
    return (
      <span class="tool-on">
        <Button icon={screenOff} onClick={() => room.sources.stopSlides()}>
          {t("host.slides.off")}
        </Button>
      </span>
    );
  }
  return (
    <Button
      icon={presentation}
      disabled={slides.kind === "opening"}
      onClick={() => {
        room.notices.clear("slides_need_hand");
        void room.sources.shareSlides();
      }}
    >
      {t("host.slides.on")}
    </Button>
  );
}
