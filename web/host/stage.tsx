/** The large picture: what classes see, or one source alone. */

import eye from "lucide-static/icons/eye.svg?raw";
import eyeOff from "lucide-static/icons/eye-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import cameraOff from "lucide-static/icons/video-off.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { pictured } from "../shared/room-facts.ts";
import { Icon } from "../shared/ui/icon.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

type View = "tv" | "camera" | "slides" | "second" | "room";

/** Tracks there are to look at; `undefined` = that source sends nothing. */
interface Pictures {
  camera: MediaStreamTrack | undefined;
  slides: MediaStreamTrack | undefined;
  second: MediaStreamTrack | undefined;
  /** A class that speaks, or whose pupils observers see. */
  room: MediaStreamTrack | undefined;
  /** The class speaks, so that everybody sees it. */
  speaks: boolean;
}

export function Stage({ room }: { room: HostRoom }): JSX.Element {
  const [wanted, setView] = useState<View>("tv");
  const pictures = picturesOf(room);
  const views = viewsOf(pictures);
  const view = views.includes(wanted) ? wanted : "tv";
  return (
    <section class="stage" aria-label={t("host.stage.tv")}>
      <div class="stage-frame" data-view={view} data-layout={layoutOf(view, pictures)}>
        <Shown view={view} pictures={pictures} room={room} />
        <div class="stage-marks">
          <AirPill room={room} />
          <VoiceWarning room={room} />
        </div>
        {views.length > 1 ? (
          <fieldset class="stage-views">
            <legend class="visually-hidden">{t("host.stage.views")}</legend>
            {views.map((name) => (
              <button
                type="button"
                key={name}
                class="stage-view"
                aria-pressed={name === view}
                onClick={() => setView(name)}
              >
                {name === "room" && !pictures.speaks ? t("host.stage.pupils") : t(`host.stage.${name}`)}
              </button>
            ))}
          </fieldset>
        ) : null}
      </div>
    </section>
  );
}

function Shown({ view, pictures, room }: { view: View; pictures: Pictures; room: HostRoom }): JSX.Element {
  const { camera, slides, second, speaks } = pictures;
  const guest = speaks ? pictures.room : undefined;
  switch (view) {
    case "room":
      return <Picture track={pictures.room} name="room" />;
    case "camera":
      return <Picture track={camera} name="camera" />;
    case "slides":
      return <Picture track={slides} name="slides" />;
    case "second":
      return <Picture track={second} name="second" />;
    case "tv":
      // The TV page shows slides large with the teacher beside them, or the teacher alone.
      if (slides !== undefined) {
        return (
          <>
            <Picture track={slides} name="slides" />
            {guest === undefined ? null : <Picture track={guest} name="room" />}
            {camera === undefined ? null : <Picture track={camera} name="camera" />}
          </>
        );
      }
      if (camera !== undefined && guest !== undefined) {
        return (
          <>
            <Picture track={camera} name="camera" />
            <Picture track={guest} name="room" />
          </>
        );
      }
      if (camera !== undefined) return <Picture track={camera} name="camera" />;
      if (guest !== undefined) return <Picture track={guest} name="room" />;
      return second === undefined ? <Nothing room={room} /> : <Picture track={second} name="second" />;
    default:
      return view satisfies never;
  }
}

function Nothing({ room }: { room: HostRoom }): JSX.Element {
  const camera = room.sources.camera.value;
  const opening = camera.kind === "opening" || room.sources.microphone.value.kind === "opening";
  const fresh = camera.kind === "off" && room.sources.microphone.value.kind === "off";
  return (
    <div class="stage-nothing">
      <Icon svg={fresh ? video : cameraOff} />
      {opening ? <p class="stage-word">{t("host.stage.opening")}</p> : null}
      {fresh && !opening ? (
        <>
          <p class="stage-word">{t("host.stage.first")}</p>
          <p>{t("host.stage.first.advice")}</p>
        </>
      ) : null}
      {camera.kind === "failed" ? (
        <>
          <p class="stage-word">{t("host.stage.camera_failed")}</p>
          {/* Before the lesson the checklist beside says why; during it nothing else does. */}
          {room.lesson.value?.state === "live" ? <p>{t(`host.problem.${camera.problem}`)}</p> : null}
        </>
      ) : null}
      {!fresh && !opening && camera.kind === "off" ? (
        <>
          <p class="stage-word">{t("host.stage.camera_off")}</p>
          {room.onAir.value ? <p>{t("host.stage.camera_off.air")}</p> : null}
        </>
      ) : null}
    </div>
  );
}

function AirPill({ room }: { room: HostRoom }): JSX.Element {
  // Whoever only looks on films for nobody.
  if (!room.onAir.value || !room.inCharge.value) {
    return (
      <StatePill tone="idle" icon={eyeOff}>
        {t("host.stage.preview")}
      </StatePill>
    );
  }
  switch (room.publishing.value.kind) {
    case "publishing":
      return ownPictures(room).some((track) => track !== undefined) ? (
        <StatePill tone="ok" icon={eye}>
          {t("host.stage.air")}
        </StatePill>
      ) : (
        <StatePill tone="warn" icon={eyeOff}>
          {t("host.stage.no_picture")}
        </StatePill>
      );
    case "idle":
    case "connecting":
      return (
        <StatePill tone="idle" icon={loader}>
          {t("host.stage.connecting")}
        </StatePill>
      );
    case "reconnecting":
    case "refused":
      return (
        <StatePill tone="bad" icon={wifiOff} announce>
          {t("host.stage.interrupted")}
        </StatePill>
      );
    default:
      return room.publishing.value satisfies never;
  }
}

/** A teacher who talks into a dead microphone must see it at once. */
function VoiceWarning({ room }: { room: HostRoom }): JSX.Element | null {
  if (!room.onAir.value) return null;
  const microphone = room.sources.microphone.value;
  if (microphone.kind === "on" && !room.sources.muted.value) return null;
  return (
    <StatePill tone="warn" icon={micOff} announce>
      {microphone.kind === "on" ? t("host.stage.muted") : t("host.stage.no_voice")}
    </StatePill>
  );
}

function Picture({
  track,
  name,
}: {
  track: MediaStreamTrack | undefined;
  name: Exclude<View, "tv">;
}): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current !== null)
      element.current.srcObject = track === undefined ? null : new MediaStream([track]);
  }, [track]);
  return (
    <video
      ref={element}
      class="stage-picture"
      data-name={name}
      aria-label={t(`host.stage.${name}`)}
      autoplay
      muted
      playsinline
    />
  );
}

function picturesOf(room: HostRoom): Pictures {
  const { camera, slides, secondCamera } = room.sources;
  const [program, shared, second] = [camera.value, slides.value, secondCamera.value];
  const seen = pictured(room.lead.facts.value.rooms.floor);
  return {
    room: seen === null ? undefined : (room.monitor.picture.value ?? undefined),
    speaks: seen !== null && seen.why === "speaks",
    camera: program.kind === "on" ? program.track : undefined,
    slides: shared.kind === "on" ? shared.picture : undefined,
    second: second.kind === "on" ? second.track : undefined,
  };
}

function ownPictures(room: HostRoom): (MediaStreamTrack | undefined)[] {
  const { camera, slides, second } = picturesOf(room);
  return [camera, slides, second];
}

/** Views worth offering: the TV's, and each source when there is more than one. */
function viewsOf({ camera, slides, second, room }: Pictures): View[] {
  const single: View[] = [];
  if (camera !== undefined) single.push("camera");
  if (slides !== undefined) single.push("slides");
  if (second !== undefined) single.push("second");
  if (room !== undefined) single.push("room");
  return single.length > 1 ? ["tv", ...single] : ["tv"];
}

function layoutOf(view: View, pictures: Pictures): "single" | "beside" | "halves" {
  if (view !== "tv") return "single";
  const { camera, slides } = pictures;
  const guest = pictures.speaks ? pictures.room : undefined;
  if (slides !== undefined) return camera !== undefined || guest !== undefined ? "beside" : "single";
  return camera !== undefined && guest !== undefined ? "halves" : "single";
}
