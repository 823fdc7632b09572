/** Photos of pupils' work: look, choose up to four, show them on all TVs, keep or delete. */
import check from "lucide-static/icons/check.svg?raw";
import eyeOff from "lucide-static/icons/eye-off.svg?raw";
import image from "lucide-static/icons/image.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { roomName } from "../shared/lead-facts.ts";
import type { Work } from "../shared/lesson-protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { livePrimary } from "./live.ts";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

const SHOWN_MAX = 4;

export function WorksTab({ room }: { room: HostRoom }): JSX.Element {
  const [large, enlarge] = useState<Work | null>(null);
  const [named, setNamed] = useState(false);
  const { lead } = room;
  const facts = lead.facts.value;
  const works = [...facts.works].reverse();
  const chosen = room.chosenWorks.value.filter((no) => works.some((work) => work.no === no));
  const shown = facts.works.filter((work) => work.shown);
  const toggle = (no: number): void => {
    room.chosenWorks.value = chosen.includes(no)
      ? chosen.filter((other) => other !== no)
      : [...chosen, no].slice(-SHOWN_MAX);
  };
  return (
    <>
      <h2>{t("host.works")}</h2>
      {works.length === 0 ? (
        <p class="live-soft">{t("host.works.none")}</p>
      ) : (
        <>
          <p class="live-soft">
            {t("host.works.hint")} {t("host.works.kept.hint")}
          </p>
          <ul class="works">
            {works.map((work) => (
              <WorkCard
                key={work.no}
                room={room}
                work={work}
                chosen={chosen.includes(work.no)}
                onChoose={() => toggle(work.no)}
                onLook={() => enlarge(work)}
              />
            ))}
          </ul>
          {room.inCharge.value ? (
            <div class="works-foot">
              <label class="check-label">
                <input
                  type="checkbox"
                  checked={named}
                  onChange={(event) => {
                    setNamed(event.currentTarget.checked);
                    if (shown.length > 0) {
                      lead.showWorks(
                        shown.map(({ no }) => no),
                        event.currentTarget.checked,
                      );
                    }
                  }}
                />
                {t("host.works.named")}
              </label>
              <div class="live-buttons">
                {shown.length > 0 ? (
                  <Button icon={eyeOff} onClick={() => lead.showWorks([], false)}>
                    {t("host.works.hide")}
                  </Button>
                ) : null}
                <Button
                  kind={livePrimary(facts, "works", chosen.length) === "show_works" ? "primary" : "secondary"}
                  icon={tv}
                  disabled={chosen.length === 0}
                  onClick={() => {
                    lead.showWorks(chosen, named);
                    room.chosenWorks.value = [];
                  }}
                >
                  {chosen.length > 1
                    ? t("host.works.show_count", { count: chosen.length })
                    : t("host.works.show")}
                </Button>
              </div>
            </div>
          ) : null}
        </>
      )}
      {large === null ? null : (
        <WorkDialog
          room={room}
          work={facts.works.find(({ no }) => no === large.no) ?? large}
          onClose={() => enlarge(null)}
        />
      )}
    </>
  );
}

interface WorkCardProps {
  room: HostRoom;
  work: Work;
  chosen: boolean;
  onChoose: () => void;
  onLook: () => void;
}

function WorkCard({ room, work, chosen, onChoose, onLook }: WorkCardProps): JSX.Element {
  const name = roomName(room.lead.facts.value, work.place);
  return (
    <li class="work" data-chosen={chosen} data-shown={work.shown}>
      <button
        type="button"
        class="work-photo"
        aria-pressed={chosen}
        aria-label={t("host.works.choose", { no: work.no, name })}
        onClick={onChoose}
      >
        <WorkPicture room={room} no={work.no} />
        {chosen ? (
          <span class="work-mark">
            <Icon svg={check} />
          </span>
        ) : null}
      </button>
      <p class="work-name">{name}</p>
      <p class="work-state">
        {work.shown ? (
          <strong>
            <Icon svg={tv} /> {t("host.works.shown")}
          </strong>
        ) : work.kept ? (
          t("host.works.kept")
        ) : null}
      </p>
      <Button kind="quiet" onClick={onLook}>
        {t("host.works.look")}
        <span class="visually-hidden"> {work.no}</span>
      </Button>
    </li>
  );
}

/** A photo fetched with this page's token. */
function WorkPicture({ room, no, alt }: { room: HostRoom; no: number; alt?: string }): JSX.Element {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    void room.lead.workPicture(no).then((found) => {
      if (wanted) setAddress(found);
    });
    return () => {
      wanted = false;
    };
  }, [room, no]);
  return address === null ? <Icon svg={image} /> : <img src={address} alt={alt ?? ""} />;
}

function WorkDialog({
  room,
  work,
  onClose,
}: {
  room: HostRoom;
  work: Work;
  onClose: () => void;
}): JSX.Element {
  const [asked, ask] = useState(false);
  const { lead } = room;
  const name = roomName(lead.facts.value, work.place);
  return (
    <Dialog
      title={asked ? t("host.works.delete.question") : name}
      onClose={onClose}
      actions={
        asked ? (
          <>
            <Button onClick={() => ask(false)}>{t("common.cancel")}</Button>
            <Button
              kind="danger"
              onClick={() => {
                lead.deleteWork(work.no);
                onClose();
              }}
            >
              {t("host.works.delete")}
            </Button>
          </>
        ) : (
          <>
            {room.inCharge.value ? (
              <>
                <Button kind="quiet" icon={trash} onClick={() => ask(true)}>
                  {t("host.works.delete")}
                </Button>
                <Button pressed={work.kept} onClick={() => lead.keepWork(work.no, !work.kept)}>
                  {work.kept ? t("host.works.kept") : t("host.works.keep")}
                </Button>
              </>
            ) : null}
            <Button kind="primary" onClick={onClose}>
              {t("board.room.close")}
            </Button>
          </>
        )
      }
    >
      {asked ? (
        <p>{t("host.works.delete.advice")}</p>
      ) : (
        <div class="work-large">
          <WorkPicture room={room} no={work.no} alt={`${t("host.works")} – ${name}`} />
        </div>
      )}
    </Dialog>
  );
}
