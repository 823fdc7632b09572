/** Several teachers' links for one lesson: who teaches now, and handing over. */

import eye from "lucide-static/icons/eye.svg?raw";
import crown from "lucide-static/icons/user-round-check.svg?raw";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { HostRoom } from "./room.ts";
import { t } from "./words.ts";

/** Says that another teacher has the lesson. */
export function ChargeNotice({ room }: { room: HostRoom }): JSX.Element | null {
  const { charge } = room.lead.facts.value;
  if (room.inCharge.value || charge === null) return null;
  const other = charge.hosts.find(({ id }) => id === charge.in_charge);
  return (
    <div class="notice" role="status">
      <Icon svg={eye} />
      <p>{t("host.charge.other", { name: other?.label ?? t("host.charge.nameless") })}</p>
    </div>
  );
}

export function ChargeButton({ room }: { room: HostRoom }): JSX.Element | null {
  const [open, show] = useState(false);
  const { charge } = room.lead.facts.value;
  if (charge === null || charge.hosts.length < 2 || !room.inCharge.value) return null;
  return (
    <>
      <Button kind="quiet" icon={crown} onClick={() => show(true)}>
        {t("host.charge")}
      </Button>
      {open ? (
        <Dialog
          title={t("host.charge.title")}
          onClose={() => show(false)}
          actions={<Button onClick={() => show(false)}>{t("common.cancel")}</Button>}
        >
          <p>{t("host.charge.hint")}</p>
          <ul class="charge-list">
            {charge.hosts.map(({ id, label, connected }) => {
              const name = label ?? t("host.charge.nameless");
              return (
                <li key={id}>
                  <span class="charge-who">
                    <strong>{name}</strong>
                    <span class="live-soft">
                      {id === charge.own
                        ? t("host.charge.here")
                        : connected
                          ? t("host.charge.connected")
                          : t("host.charge.away")}
                    </span>
                  </span>
                  {id === charge.own ? (
                    <span>{t("host.charge.now")}</span>
                  ) : (
                    <Button
                      onClick={() => {
                        room.lead.handOver(id);
                        show(false);
                      }}
                    >
                      {t("host.charge.give", { name })}
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        </Dialog>
      ) : null}
    </>
  );
}
