import linkOff from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import qr from "lucide-static/icons/qr-code.svg?raw";
import phoneIcon from "lucide-static/icons/smartphone.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../shared/ui/button.tsx";
import { Gate } from "../shared/ui/gate.tsx";
import { type Entry, enter, forgetToken } from "./entry.ts";
import { Phone } from "./phone.ts";
import { PhoneScreen } from "./screen.tsx";
import { sentence, t } from "./words.ts";

/** The whole page of the helper's phone. */
export function App(props: { fragment: string }): JSX.Element {
  const [entry, setEntry] = useState<Entry>({ kind: "entering", slow: false });
  useEffect(() => void enter(props.fragment, setEntry), [props.fragment]);
  useEffect(() => {
    document.title = `${t("phone.page")} – ${t("common.product")}`;
  });
  const product = t("common.product");
  switch (entry.kind) {
    case "entering":
      return (
        <Gate
          product={product}
          icon={loader}
          busy
          title={t("phone.entering")}
          advice={entry.slow ? t("phone.entering.slow") : undefined}
        />
      );
    case "scan":
      return <Gate product={product} icon={qr} title={t("phone.scan")} advice={t("phone.scan.advice")} />;
    case "expired":
      return <Gate product={product} icon={qr} title={t("phone.ticket")} advice={t("phone.ticket.advice")} />;
    case "in":
      return <Inside key={entry.token} token={entry.token} />;
    default:
      return entry satisfies never;
  }
}

function Inside(props: { token: string }): JSX.Element {
  const [phone] = useState(() => new Phone(props.token));
  const link = phone.link.value;
  const product = t("common.product");
  const dead = link.kind === "refused" && link.reason !== "replaced";
  useEffect(() => {
    if (dead) forgetToken();
  }, [dead]);
  if (link.kind === "refused") {
    return link.reason === "replaced" ? (
      <Gate
        product={product}
        icon={phoneIcon}
        title={t("phone.replaced")}
        action={
          <Button kind="primary" large onClick={() => phone.takeBack()}>
            {t("phone.replaced.action")}
          </Button>
        }
      />
    ) : (
      <Gate
        product={product}
        icon={linkOff}
        title={t("phone.removed")}
        advice={t("phone.removed.advice")}
        code={link.problem === null ? link.reason : sentence(link.problem)}
      />
    );
  }
  if (!phone.welcomed.value) {
    return (
      <Gate
        product={product}
        icon={loader}
        busy
        title={t("phone.entering")}
        advice={link.kind === "waiting" ? t("phone.entering.slow") : undefined}
      />
    );
  }
  return <PhoneScreen phone={phone} />;
}
