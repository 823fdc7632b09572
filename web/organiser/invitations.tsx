/** Invitation links of a lesson by role: make, copy, revoke. */
import ban from "lucide-static/icons/ban.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { formatDate, formatTime } from "../shared/format.ts";
import type { Invitation, Lesson } from "../shared/protocol.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { language } from "../shared/ui/language.tsx";
import { StatePill } from "../shared/ui/state-pill.tsx";
import type { Board } from "./board.ts";
import { Confirm } from "./confirm.tsx";
import { Form, SubmitButton, TextField } from "./fields.tsx";
import { LinkDialog } from "./link-dialog.tsx";
import { t } from "./words.ts";

/** Roles a lesson's links are made for, in the order an organiser needs them. */
const ROLES = ["host", "observer", "organiser"] as const;
type InvitedRole = (typeof ROLES)[number];

export function Invitations({ board, lesson }: { board: Board; lesson: Lesson }): JSX.Element {
  const [invitations, setInvitations] = useState<readonly Invitation[] | null>(null);
  const [making, make] = useState<InvitedRole | null>(null);
  const [made, setMade] = useState<Invitation | null>(null);
  const [revoking, revoke] = useState<Invitation | null>(null);
  const load = useCallback(async (): Promise<void> => {
    setInvitations(await board.invitations(lesson.id));
  }, [board, lesson.id]);
  useEffect(() => void load(), [load]);
  const ended = lesson.state === "ended";
  // A lesson without a teacher's link cannot be taught: making it is the next thing to do.
  const hostInvited = invitations?.some(({ role, revoked }) => role === "host" && !revoked) ?? true;
  return (
    <section class="links" aria-labelledby="links">
      <h2 id="links">{t("org.links")}</h2>
      <p class="links-hint">{ended ? t("org.links.ended") : t("org.links.hint")}</p>
      {ROLES.map((role) => (
        <section key={role} class="links-role" aria-labelledby={`links-${role}`}>
          <div class="links-head">
            <div>
              <h3 id={`links-${role}`}>{t(`org.role.${role}`)}</h3>
              <p class="links-hint">{t(`org.role.${role}.hint`)}</p>
            </div>
            {ended ? null : (
              <Button
                kind={role === "host" && !hostInvited ? "primary" : "secondary"}
                icon={plus}
                onClick={() => make(role)}
              >
                {t("org.invite")} <span class="visually-hidden">{t(`org.role.${role}`)}</span>
              </Button>
            )}
          </div>
          <InvitationList
            invitations={invitations?.filter((invitation) => invitation.role === role) ?? null}
            onRevoke={revoke}
          />
        </section>
      ))}
      {making === null ? null : (
        <InviteDialog
          role={making}
          onClose={() => make(null)}
          onMake={(label) => {
            void board.invite(lesson.id, making, label).then((invitation) => {
              make(null);
              setMade(invitation);
              void load();
            });
          }}
        />
      )}
      {made?.url === undefined ? null : (
        <LinkDialog
          name={made.label ?? t(`org.role.${made.role}`)}
          url={made.url}
          hint={t("org.link.once")}
          onClose={() => setMade(null)}
        />
      )}
      {revoking === null ? null : (
        <Confirm
          title={t("org.invite.revoke.question")}
          consequence={t("org.invite.revoke.advice", {
            label: revoking.label ?? t(`org.role.${revoking.role}`),
          })}
          action={t("org.invite.revoke")}
          onClose={() => revoke(null)}
          onConfirm={() => void board.revoke(revoking.id).then(load)}
        />
      )}
    </section>
  );
}

interface InvitationListProps {
  invitations: readonly Invitation[] | null;
  onRevoke: (invitation: Invitation) => void;
}

function InvitationList({ invitations, onRevoke }: InvitationListProps): JSX.Element | null {
  if (invitations === null) return null;
  if (invitations.length === 0) return <p class="links-none">{t("org.links.none")}</p>;
  return (
    <ul class="invitations">
      {invitations.map((invitation) => {
        const at = new Date(invitation.created_at);
        return (
          <li key={invitation.id} class="invitation" data-revoked={invitation.revoked}>
            <span class="invitation-what">
              <strong>{invitation.label ?? t("org.invite.nameless")}</strong>
              <span class="links-hint">
                {t("org.invite.created", { time: formatTime(at), date: formatDate(at, language.value) })}
              </span>
            </span>
            {invitation.revoked ? (
              <StatePill tone="idle" icon={ban}>
                {t("org.invite.revoked")}
              </StatePill>
            ) : (
              <>
                <StatePill tone="ok" icon={check}>
                  {t("org.invite.active")}
                </StatePill>
                <Button kind="quiet" icon={ban} onClick={() => onRevoke(invitation)}>
                  {t("org.invite.revoke")}
                  <span class="visually-hidden"> {invitation.label ?? ""}</span>
                </Button>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface InviteDialogProps {
  role: InvitedRole;
  onMake: (label: string) => void;
  onClose: () => void;
}

function InviteDialog({ role, onMake, onClose }: InviteDialogProps): JSX.Element {
  const [label, setLabel] = useState("");
  return (
    <Dialog
      title={t("org.invite.for", { role: t(`org.role.${role}`) })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <SubmitButton form="invite-form">{t("org.invite")}</SubmitButton>
        </>
      }
    >
      <Form id="invite-form" onSubmit={() => onMake(label.trim())}>
        <TextField
          label={t("org.invite.label")}
          example={t("org.invite.label.example")}
          value={label}
          onInput={setLabel}
          optional
          first
        />
      </Form>
    </Dialog>
  );
}
