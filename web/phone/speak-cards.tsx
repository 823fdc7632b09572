/** The class is called, speaks, or is asked for its pupils' camera. */
import check from "lucide-static/icons/check.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import square from "lucide-static/icons/square.svg?raw";
import switchCamera from "lucide-static/icons/switch-camera.svg?raw";
import pass from "lucide-static/icons/users-round.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import videoOff from "lucide-static/icons/video-off.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Phone } from "./phone.ts";
import type { Task } from "./task.ts";
import { t } from "./words.ts";

export function CalledCard({ phone }: { phone: Phone }): JSX.Element {
  const opening = phone.devices.value.kind === "opening";
  return (
    <div class="phone-card phone-call">
      <h2 class="phone-card-title">
        <Icon svg={mic} />
        {t("phone.called")}
      </h2>
      <p>{t("phone.called.advice")}</p>
      <OwnPicture phone={phone} />
      <DeviceProblem phone={phone} />
      <div class="phone-actions">
        <Button kind="quiet" onClick={() => phone.stopSpeaking()}>
          {t("phone.called.refuse")}
        </Button>
        <Button icon={mic} disabled={opening} onClick={() => void phone.speakHere(true)}>
          {t("phone.called.voice")}
        </Button>
        <Button
          kind="primary"
          large
          icon={video}
          disabled={opening}
          onClick={() => void phone.speakHere(false)}
        >
          {opening ? t("phone.device.opening") : t("phone.called.here")}
        </Button>
      </div>
      <p class="phone-hint">{t("phone.called.tv")}</p>
    </div>
  );
}

type Speaking = Extract<Task, { kind: "speaking" }>;

export function SpeakingCard({ phone, task }: { phone: Phone; task: Speaking }): JSX.Element {
  const here = isHere(phone, task);
  const { turn } = task;
  return (
    <div class="phone-card phone-call">
      <h2 class="phone-card-title">
        <Icon svg={turn.muted ? micOff : mic} />
        {speakingWords(task, here)}
      </h2>
      {here ? (
        <>
          {turn.audio_only ? <p>{t("phone.speaking.voice")}</p> : <OwnPicture phone={phone} />}
          <DeviceProblem phone={phone} />
          <div class="phone-row">
            <Button
              icon={turn.audio_only ? video : videoOff}
              onClick={() => phone.setPicture(turn.audio_only)}
            >
              {turn.audio_only ? t("phone.speaking.picture_on") : t("phone.speaking.picture_off")}
            </Button>
            {turn.audio_only ? null : (
              <Button icon={switchCamera} onClick={() => void phone.camera.turnCamera()}>
                {t("phone.camera.turn")}
              </Button>
            )}
          </div>
        </>
      ) : (
        <Button icon={video} onClick={() => void phone.speakHere(turn.audio_only)}>
          {t("phone.speaking.move")}
        </Button>
      )}
      <div class="phone-actions">
        {task.word && task.other ? (
          <Button icon={pass} onClick={() => phone.passWord()}>
            {t("phone.speaking.pass")}
          </Button>
        ) : null}
        <Button kind="danger" large icon={square} onClick={() => phone.stopSpeaking()}>
          {t("phone.speaking.stop")}
        </Button>
      </div>
    </div>
  );
}

/** Another phone of the room may be the one that speaks; ours then has nothing open. */
function isHere(phone: Phone, { turn }: Speaking): boolean {
  return turn.device === "phone" && phone.willing.value;
}

function speakingWords({ turn, word }: Speaking, here: boolean): string {
  if (turn.device === "tv") return t("phone.speaking.tv");
  if (!here) return t("phone.speaking.other_phone");
  if (turn.phase !== "on_air") return t("phone.speaking.connecting");
  if (!word) return t("phone.speaking.next");
  return turn.muted ? t("phone.speaking.muted") : t("phone.speaking");
}

export function CameraAskedCard({ phone }: { phone: Phone }): JSX.Element {
  return (
    <div class="phone-card phone-call">
      <h2 class="phone-card-title">
        <Icon svg={video} />
        {t("phone.camera.asked")}
      </h2>
      <p>{t("phone.camera.asked.advice")}</p>
      <DeviceProblem phone={phone} />
      <div class="phone-actions">
        <Button kind="quiet" onClick={() => void phone.showCamera(false)}>
          {t("phone.camera.refuse")}
        </Button>
        <Button kind="primary" large icon={check} onClick={() => void phone.showCamera(true)}>
          {t("phone.camera.agree")}
        </Button>
      </div>
    </div>
  );
}

export function CameraOpenCard({ phone }: { phone: Phone }): JSX.Element {
  return (
    <div class="phone-card">
      <h2 class="phone-card-title">
        <Icon svg={video} />
        {t("phone.camera.open")}
      </h2>
      <OwnPicture phone={phone} />
      <Button icon={videoOff} onClick={() => void phone.showCamera(false)}>
        {t("phone.camera.close")}
      </Button>
    </div>
  );
}

/** What others see of the class. */
export function OwnPicture({ phone }: { phone: Phone }): JSX.Element | null {
  const devices = phone.devices.value;
  const camera = devices.kind === "on" ? devices.camera : null;
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current !== null)
      element.current.srcObject = camera === null ? null : new MediaStream([camera]);
  }, [camera]);
  if (devices.kind !== "on") return null;
  if (camera === null) return <p>{t("phone.device.no_camera")}</p>;
  return (
    <video ref={element} class="phone-own" aria-label={t("phone.camera.own")} autoplay muted playsinline />
  );
}

export function DeviceProblem({ phone }: { phone: Phone }): JSX.Element | null {
  const devices = phone.devices.value;
  if (devices.kind === "failed") return <p class="phone-problem">{t(`phone.problem.${devices.problem}`)}</p>;
  if (devices.kind === "on" && devices.microphone === null) {
    return <p class="phone-problem">{t("phone.device.no_microphone")}</p>;
  }
  return null;
}
