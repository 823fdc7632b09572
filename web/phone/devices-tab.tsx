/** The room's devices: the TV's sound, this phone as camera and microphone, the lesson's sound on the phone. */

import bell from "lucide-static/icons/bell-ring.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import headphones from "lucide-static/icons/headphones.svg?raw";
import refresh from "lucide-static/icons/refresh-cw.svg?raw";
import phoneIcon from "lucide-static/icons/smartphone.svg?raw";
import stethoscope from "lucide-static/icons/stethoscope.svg?raw";
import switchCamera from "lucide-static/icons/switch-camera.svg?raw";
import volume from "lucide-static/icons/volume.svg?raw";
import quieter from "lucide-static/icons/volume-1.svg?raw";
import louder from "lucide-static/icons/volume-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RemoteAction } from "../shared/lesson-protocol.ts";
import { LevelMeter, loudness } from "../shared/sound.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle } from "../shared/ui/language.tsx";
import { Meter } from "../shared/ui/meter.tsx";
import type { Phone } from "./phone.ts";
import { DeviceProblem, OwnPicture } from "./speak-cards.tsx";
import { isOnAir, takesPart } from "./task.ts";
import { t } from "./words.ts";

export function DevicesTab({ phone }: { phone: Phone }): JSX.Element {
  return (
    <section class="phone-scroll" aria-label={t("phone.tab.devices")}>
      <TvSound phone={phone} />
      <OwnDevice phone={phone} />
      {isOnAir(phone.lesson.value) ? <ListenHere phone={phone} /> : null}
      <LanguageToggle />
    </section>
  );
}

type SoundTest = "none" | "asked" | "heard" | "silent";

function TvSound({ phone }: { phone: Phone }): JSX.Element {
  const [test, setTest] = useState<SoundTest>("none");
  const [done, setDone] = useState<RemoteAction | null>(null);
  const press = (action: RemoteAction): void => {
    setDone(null);
    void phone.remote(action).then(({ kind }) => {
      if (kind !== "done") return;
      if (action === "test_sound") setTest("asked");
      else setDone(action);
    });
  };
  return (
    <section class="phone-block" aria-labelledby="tv-sound">
      <h2 id="tv-sound">{t("phone.tv")}</h2>
      {takesPart(phone.lesson.value) ? (
        <>
          {test === "asked" ? (
            <div class="phone-card">
              <p role="status">{t("phone.tv.test.question")}</p>
              <div class="phone-row">
                <Button
                  onClick={() => {
                    setTest("silent");
                    phone.callHelp("no_sound", true);
                  }}
                >
                  {t("phone.tv.test.no")}
                </Button>
                <Button
                  kind="primary"
                  onClick={() => {
                    setTest("heard");
                    phone.callHelp("no_sound", false);
                  }}
                >
                  {t("phone.tv.test.yes")}
                </Button>
              </div>
            </div>
          ) : null}
          {test === "heard" || test === "silent" ? (
            <p role="status" class={test === "silent" ? "phone-problem" : "phone-sent"}>
              {test === "heard" ? <Icon svg={check} /> : null}
              {t(`phone.tv.test.${test}`)}
            </p>
          ) : null}
          <div class="phone-grid">
            <Button icon={bell} onClick={() => press("test_sound")}>
              {t("phone.tv.test")}
            </Button>
            <Button icon={volume} onClick={() => press("unmute")}>
              {t("phone.tv.unmute")}
            </Button>
            <Button icon={quieter} onClick={() => press("volume_down")}>
              {t("phone.tv.quieter")}
            </Button>
            <Button icon={louder} onClick={() => press("volume_up")}>
              {t("phone.tv.louder")}
            </Button>
            <Button icon={refresh} onClick={() => press("reload")}>
              {t("phone.tv.reload")}
            </Button>
            <Button icon={stethoscope} onClick={() => press("check")}>
              {t("phone.tv.check")}
            </Button>
          </div>
          <p class="phone-sent" role="status">
            {done === null ? null : (
              <>
                <Icon svg={check} />
                {t("phone.tv.done")}
              </>
            )}
          </p>
        </>
      ) : (
        <p class="phone-hint">{t("phone.tv.closed")}</p>
      )}
    </section>
  );
}

function OwnDevice({ phone }: { phone: Phone }): JSX.Element {
  const willing = phone.willing.value;
  const testing = phone.testing.value;
  const opening = phone.devices.value.kind === "opening";
  const allow = async (): Promise<void> => {
    if (await phone.camera.allow()) phone.camera.setTest(true);
  };
  return (
    <section class="phone-block" aria-labelledby="own-device">
      <h2 id="own-device">{t("phone.device")}</h2>
      <p class="phone-hint">{t("phone.device.hint")}</p>
      <DeviceProblem phone={phone} />
      {testing ? (
        <>
          <OwnPicture phone={phone} />
          <Level phone={phone} />
        </>
      ) : null}
      {willing ? (
        <>
          <p class="phone-sent">
            <Icon svg={check} />
            {t("phone.device.ready")}
          </p>
          <div class="phone-grid">
            <Button icon={phoneIcon} onClick={() => phone.camera.setTest(!testing)}>
              {testing ? t("phone.device.try.end") : t("phone.device.try")}
            </Button>
            {testing ? (
              <Button icon={switchCamera} onClick={() => void phone.camera.turnCamera()}>
                {t("phone.camera.turn")}
              </Button>
            ) : null}
            <Button kind="quiet" onClick={() => phone.camera.forbid()}>
              {t("phone.device.stop")}
            </Button>
          </div>
        </>
      ) : (
        <Button icon={phoneIcon} large disabled={opening} onClick={() => void allow()}>
          {opening ? t("phone.device.opening") : t("phone.device.use")}
        </Button>
      )}
    </section>
  );
}

function Level({ phone }: { phone: Phone }): JSX.Element | null {
  const [level, setLevel] = useState(0);
  const devices = phone.devices.value;
  const microphone = devices.kind === "on" ? devices.microphone : null;
  useEffect(() => {
    if (microphone === null) return;
    const meter = new LevelMeter(microphone, setLevel);
    return () => meter.stop();
  }, [microphone]);
  if (microphone === null) return null;
  return (
    <p class="phone-level">
      {t("phone.device.level")}
      <Meter value={level} label={t("phone.device.level")} valueText={t(`phone.loud.${loudness(level)}`)} />
      {t(`phone.loud.${loudness(level)}`)}
    </p>
  );
}

function ListenHere({ phone }: { phone: Phone }): JSX.Element {
  const state = phone.listening.value;
  return (
    <section class="phone-block" aria-labelledby="listen">
      <h2 id="listen">{t("phone.listen")}</h2>
      <p class="phone-hint">{t("phone.listen.hint")}</p>
      <div class="phone-row">
        {state === "off" || state === "blocked" ? (
          <Button icon={headphones} onClick={() => phone.listen(true)}>
            {state === "off" ? t("phone.listen.on") : t("phone.listen.blocked")}
          </Button>
        ) : (
          <>
            <p role="status">{t(`phone.listen.${state}`)}</p>
            <Button onClick={() => phone.listen(false)}>{t("phone.listen.off")}</Button>
          </>
        )}
      </div>
    </section>
  );
}
