/** Before the lesson: four lines from nothing to ready, each with the one thing that moves it on. */
import circle from "lucide-static/icons/circle.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import dashed from "lucide-static/icons/circle-dashed.svg?raw";
import flask from "lucide-static/icons/flask-conical.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import type { ComponentChildren, JSX } from "preact";
import { canShareScreen, type DeviceProblem } from "../shared/devices.ts";
import type { Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { PlaceList } from "../shared/ui/place-list.tsx";
import { type Check, type Checklist, type CheckState, checklist } from "./checklist.ts";
import { DeviceSelect } from "./devices.tsx";
import { factsOf } from "./facts.ts";
import type { HostRoom } from "./room.ts";
import { VoiceLevel } from "./tools.tsx";
import type { Voice } from "./voice.ts";
import { t } from "./words.ts";

const ICONS: { readonly [S in CheckState]: string } = {
  todo: circle,
  working: loader,
  ok: check,
  problem: alert,
  open: dashed,
};

export interface PanelProps {
  room: HostRoom;
  voice: Voice;
  lesson: Lesson;
}

export function ChecksPanel({ room, voice, lesson }: PanelProps): JSX.Element {
  const list = checklist(factsOf(room, voice, lesson));
  return (
    <>
      <h2>{list.ready ? t("host.check.done") : t("host.check.title")}</h2>
      {lesson.state === "test_run" ? (
        <p class="check-test">
          <Icon svg={flask} />
          <span>{t("host.test.hint")}</span>
        </p>
      ) : null}
      <ol class="checks">
        {list.checks.map((line) => (
          <CheckLine key={line.name} check={line}>
            <Content name={line.name} list={list} room={room} voice={voice} />
          </CheckLine>
        ))}
      </ol>
    </>
  );
}

function CheckLine({
  check: { name, state },
  children,
}: {
  check: Check;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <li class="check" data-state={state}>
      <div class="check-head">
        <Icon svg={ICONS[state]} />
        <h3>{t(`host.check.${name}`)}</h3>
        <span class="check-state">
          {name === "places" && state === "open"
            ? t("host.check.places.enough")
            : t(`host.check.state.${state}`)}
        </span>
      </div>
      <div class="check-body">{children}</div>
    </li>
  );
}

type ContentProps = { name: Check["name"]; list: Checklist; room: HostRoom; voice: Voice };

function Content({ name, list, room, voice }: ContentProps): JSX.Element | null {
  switch (name) {
    case "picture":
      return <PictureContent list={list} room={room} />;
    case "sound":
      return <SoundContent list={list} room={room} voice={voice} />;
    case "slides":
      return <SlidesContent room={room} />;
    case "places":
      return <PlacesContent room={room} />;
    default:
      return name satisfies never;
  }
}

/** Trying again changes nothing: the page itself must be opened in another way. */
function isHopeless(problem: DeviceProblem): boolean {
  return problem === "insecure" || problem === "unsupported";
}

/** Camera and microphone fail for one reason: it is told once, with one button for both. */
function sameTrouble(room: HostRoom): boolean {
  const [camera, microphone] = [room.sources.camera.value, room.sources.microphone.value];
  return camera.kind === "failed" && microphone.kind === "failed" && camera.problem === microphone.problem;
}

function PictureContent({ list, room }: { list: Checklist; room: HostRoom }): JSX.Element {
  const camera = room.sources.camera.value;
  const microphone = room.sources.microphone.value;
  if (camera.kind === "failed") {
    const sentence = <p>{t(`host.problem.${camera.problem}`)}</p>;
    if (isHopeless(camera.problem)) return sentence;
    return (
      <>
        {sentence}
        {sameTrouble(room) ? (
          <Button kind="primary" icon={video} onClick={() => void room.openDevices()}>
            {t("host.check.retry_devices")}
          </Button>
        ) : (
          <Button icon={video} onClick={() => void room.sources.open("camera")}>
            {t("host.check.retry_devices")}
          </Button>
        )}
        {room.sources.cameras.value.some(({ deviceId }) => deviceId !== "") ? (
          <DeviceSelect room={room} use="camera" label={t("host.devices.camera")} />
        ) : null}
      </>
    );
  }
  if (camera.kind === "off" && microphone.kind === "off") {
    return (
      <Button
        kind={list.primary === "open_devices" ? "primary" : "secondary"}
        icon={video}
        onClick={() => void room.openDevices()}
      >
        {t("host.check.open_devices")}
      </Button>
    );
  }
  if (camera.kind === "off") {
    return (
      <Button icon={video} onClick={() => void room.sources.open("camera")}>
        {t("host.camera.on")}
      </Button>
    );
  }
  return <DeviceSelect room={room} use="camera" label={t("host.devices.camera")} />;
}

function SoundContent({ list, room, voice }: Omit<ContentProps, "name">): JSX.Element | null {
  const microphone = room.sources.microphone.value;
  switch (microphone.kind) {
    case "off":
    case "opening":
      return null;
    case "failed":
      // The line above has just said the same and has the button.
      if (sameTrouble(room)) return null;
      return (
        <>
          <p>{t(`host.problem.${microphone.problem}`)}</p>
          <Button
            kind={list.primary === "open_devices" ? "primary" : "secondary"}
            icon={mic}
            onClick={() => void room.openDevices()}
          >
            {t("host.check.retry_devices")}
          </Button>
        </>
      );
    case "on":
      return (
        <>
          <div class="check-mic">
            <DeviceSelect room={room} use="microphone" label={t("host.devices.microphone")} />
            <VoiceLevel voice={voice} />
          </div>
          {room.sources.muted.value ? (
            <p>
              {t("host.check.sound.muted")}{" "}
              <Button icon={mic} onClick={() => room.sources.setMuted(false)}>
                {t("host.mic.unmute")}
              </Button>
            </p>
          ) : null}
          <SoundTest voice={voice} primary={list.primary} />
        </>
      );
    default:
      return microphone satisfies never;
  }
}

function SoundTest({ voice, primary }: { voice: Voice; primary: Checklist["primary"] }): JSX.Element {
  const state = voice.check.value;
  const record = (word: string, kind: "primary" | "secondary" | "quiet"): JSX.Element => (
    <Button kind={kind} icon={mic} onClick={() => void voice.test()}>
      {word}
    </Button>
  );
  const kind = primary === "record" ? "primary" : "secondary";
  switch (state.kind) {
    case "untested":
      return (
        <>
          <p>{t("host.check.sound.hint")}</p>
          {record(t("host.check.sound.record"), kind)}
        </>
      );
    case "recording":
      return (
        <p class="check-doing" role="status">
          <span class="check-progress" />
          {t("host.check.sound.recording")}
        </p>
      );
    case "playing":
      return (
        <p class="check-doing" role="status">
          <span class="check-progress" />
          {t("host.check.sound.playing")}
        </p>
      );
    case "asked":
      return (
        <>
          <p role="status">{t("host.check.sound.question")}</p>
          <div class="check-answers">
            <Button
              kind={primary === "say_heard" ? "primary" : "secondary"}
              onClick={() => voice.answer(true)}
            >
              {t("host.check.sound.clear")}
            </Button>
            <Button onClick={() => voice.answer(false)}>{t("host.check.sound.unclear")}</Button>
          </div>
        </>
      );
    case "heard":
      return (
        <p class="check-row">
          {t("host.check.sound.heard")} {record(t("host.check.sound.again"), "quiet")}
        </p>
      );
    case "failed":
      return (
        <>
          <p role="status">{t(`host.check.sound.failed.${state.cause}`)}</p>
          {record(t("host.check.sound.again"), kind)}
        </>
      );
    default:
      return state satisfies never;
  }
}

function SlidesContent({ room }: { room: HostRoom }): JSX.Element | null {
  const slides = room.sources.slides.value;
  if (slides.kind === "failed") return <p>{t(`host.problem.${slides.problem}`)}</p>;
  if (slides.kind === "on") return <p>{t("host.check.slides.on")}</p>;
  if (!window.isSecureContext) return null;
  return <p>{canShareScreen() ? t("host.check.slides.hint") : t("host.problem.unsupported")}</p>;
}

function PlacesContent({ room }: { room: HostRoom }): JSX.Element {
  const roster = room.roster.value;
  if (roster === null) return <p>{t("host.check.places.wait")}</p>;
  const { connected, total } = roster;
  if (total === 0) return <p>{t("host.check.places.empty")}</p>;
  return (
    <>
      <p>
        {connected === 0
          ? t("host.check.places.zero")
          : connected >= total
            ? t("host.check.places.all", { total })
            : t("host.check.places.some", { connected, total })}
      </p>
      <details class="check-more">
        <summary>{t("host.check.places.show")}</summary>
        <PlaceList lines={room.places.value.lines} t={t} />
      </details>
    </>
  );
}
