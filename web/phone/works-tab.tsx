/** Photos of pupils' work: take, watch them leave, take back. */
import camera from "lucide-static/icons/camera.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import image from "lucide-static/icons/image.svg?raw";
import images from "lucide-static/icons/images.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import alert from "lucide-static/icons/triangle-alert.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import upload from "lucide-static/icons/upload.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatTime } from "../shared/format.ts";
import type { Work } from "../shared/lesson-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { Phone } from "./phone.ts";
import type { Photo } from "./photos.ts";
import { isOnAir } from "./task.ts";
import { sentence, t } from "./words.ts";

export function WorksTab({ phone }: { phone: Phone }): JSX.Element {
  const works = phone.works.value;
  const photos = phone.photos.value;
  const open = isOnAir(phone.lesson.value);
  return (
    <>
      <section class="phone-scroll" aria-labelledby="works">
        <h2 id="works" class="phone-card-title">
          {t("phone.works.list")}
        </h2>
        {works.length === 0 && photos.length === 0 ? <p>{t("phone.works.none")}</p> : null}
        <ul class="phone-photos">
          {photos.map((photo) => (
            <PhotoRow key={photo.key} photo={photo} onDrop={() => phone.dropPhoto(photo.key)} />
          ))}
          {[...works].reverse().map((work) => (
            <WorkRow key={work.no} phone={phone} work={work} />
          ))}
        </ul>
        <p class="phone-hint">{t("phone.works.hint")}</p>
      </section>
      {open ? (
        <div class="phone-actions">
          <PhotoButton phone={phone} icon={images} word={t("phone.works.choose")} kind="secondary" />
          <PhotoButton phone={phone} icon={camera} word={t("phone.works.take")} kind="primary" shoot />
        </div>
      ) : (
        <p class="phone-hint">{t("phone.works.closed")}</p>
      )}
    </>
  );
}

interface PhotoButtonProps {
  phone: Phone;
  icon: string;
  word: string;
  kind: "primary" | "secondary";
  /** Opens the camera instead of the gallery. */
  shoot?: boolean;
}

function PhotoButton({ phone, icon, word, kind, shoot }: PhotoButtonProps): JSX.Element {
  return (
    <label class={`button button-${kind} button-large phone-file`}>
      <Icon svg={icon} />
      <span>{word}</span>
      <input
        type="file"
        class="visually-hidden"
        accept="image/*"
        capture={shoot ? "environment" : undefined}
        onChange={(event) => {
          const input = event.currentTarget;
          for (const file of input.files ?? []) phone.addPhoto(file);
          // The same photo may be chosen again.
          input.value = "";
        }}
      />
    </label>
  );
}

function PhotoRow({ photo, onDrop }: { photo: Photo; onDrop: () => void }): JSX.Element {
  const { icon, word } = photoWords(photo);
  return (
    <li class="phone-photo" data-state={photo.state.kind}>
      <Thumbnail source={photo.thumbnail} />
      <span class="phone-photo-what">
        <strong>{t("phone.works.new")}</strong>
        <span>
          <Icon svg={icon} />
          {word}
        </span>
      </span>
      {photo.state.kind === "shrinking" ? null : (
        <Button kind="quiet" onClick={onDrop}>
          {t("phone.works.drop")}
        </Button>
      )}
    </li>
  );
}

function photoWords({ state }: Photo): { icon: string; word: string } {
  switch (state.kind) {
    case "shrinking":
      return { icon: image, word: t("phone.works.shrinking") };
    case "waiting":
      return { icon: upload, word: t("phone.works.waiting") };
    case "sending":
      return { icon: upload, word: t("phone.works.sending", { percent: state.percent }) };
    case "unreadable":
      return { icon: alert, word: t("phone.works.unreadable") };
    case "refused":
      return { icon: alert, word: `${t("phone.works.failed")}. ${sentence(state.problem)}` };
    default:
      return state satisfies never;
  }
}

function WorkRow({ phone, work }: { phone: Phone; work: Work }): JSX.Element {
  const [fetched, setFetched] = useState<string | null>(null);
  const source = phone.thumbnails.value.get(work.no) ?? fetched;
  const look = async (): Promise<void> => {
    const picture = await phone.workPicture(work.no);
    if (picture !== null) setFetched(URL.createObjectURL(picture));
  };
  return (
    <li class="phone-photo" data-shown={work.shown}>
      <Thumbnail source={source} />
      <span class="phone-photo-what">
        <strong>{t("phone.works.photo", { no: work.no })}</strong>
        <span>
          <Icon svg={work.shown ? tv : check} />
          {work.shown
            ? t("phone.works.shown")
            : t("phone.works.sent", { time: formatTime(new Date(work.at)) })}
          {work.kept ? ` · ${t("phone.works.kept")}` : ""}
        </span>
      </span>
      {source === null ? (
        <Button kind="quiet" onClick={() => void look()}>
          {t("phone.works.look")}
        </Button>
      ) : null}
      <Button kind="quiet" icon={trash} onClick={() => phone.deleteWork(work.no)}>
        {t("phone.works.delete")}
      </Button>
    </li>
  );
}

function Thumbnail({ source }: { source: string | null }): JSX.Element {
  return source === null ? (
    <span class="phone-thumbnail">
      <Icon svg={image} />
    </span>
  ) : (
    <img class="phone-thumbnail" src={source} alt="" />
  );
}
