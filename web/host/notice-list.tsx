/** Notices above the picture, read out when they come. */
import info from "lucide-static/icons/info.svg?raw";
import type { JSX } from "preact";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import type { NoticeContent, Notices } from "./notices.ts";
import { sentence, t } from "./words.ts";

export function NoticeList({ notices }: { notices: Notices }): JSX.Element {
  return (
    <div class="notices" role="status">
      {notices.list.value.map(({ id, content }) => (
        <div key={id} class="notice">
          <Icon svg={info} />
          <p>
            {textOf(content)}
            {content.kind === "refused" ? <small class="notice-code">{content.problem.code}</small> : null}
          </p>
          <Button kind="quiet" onClick={() => notices.dismiss(id)}>
            {t("host.notice.dismiss")}
          </Button>
        </div>
      ))}
    </div>
  );
}

function textOf(content: NoticeContent): string {
  switch (content.kind) {
    case "replaced":
      return t(`host.notice.replaced.${content.use}`, { label: content.label });
    case "lost":
      return t(`host.notice.lost.${content.use}`);
    case "returned":
      return t(`host.notice.returned.${content.use}`);
    case "switch_failed":
      return `${t("host.notice.switch_failed")} ${t(`host.problem.${content.problem}`)}`;
    case "slides_ended":
      return t("host.notice.slides_ended");
    case "slides_need_hand":
      return t("host.notice.slides_need_hand");
    case "not_connected":
      return t("host.notice.not_connected");
    case "refused":
      return sentence(content.problem);
    default:
      return content satisfies never;
  }
}
