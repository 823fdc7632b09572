/** The front door: what this is, and where each person goes. */
import eye from "lucide-static/icons/eye.svg?raw";
import presentation from "lucide-static/icons/presentation.svg?raw";
import tv from "lucide-static/icons/tv.svg?raw";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Icon } from "../shared/ui/icon.tsx";
import { LanguageToggle } from "../shared/ui/language.tsx";
import { openableLink } from "./pasted-link.ts";
import { t } from "./words.ts";

export function Landing(): JSX.Element {
  useEffect(() => {
    document.title = t("common.product");
  });
  return (
    <div class="landing">
      <header class="hero">
        <div class="hero-bar">
          <span class="hero-product">{t("common.product")}</span>
          <LanguageToggle />
        </div>
        <div class="hero-words">
          <h1>{t("landing.title")}</h1>
          <p>{t("landing.lead")}</p>
        </div>
        <Bridge />
      </header>
      <main class="landing-main">
        <h2 class="visually-hidden">{t("landing.doors")}</h2>
        <div class="doors">
          <Door icon={presentation} name="host" />
          <Door icon={tv} name="place">
            <a class="button button-primary" href="/diem-cau">
              {t("landing.place.open")}
            </a>
          </Door>
          <Door icon={eye} name="observer" />
        </div>
        <PasteLink />
        <p class="landing-none">{t("landing.none")}</p>
      </main>
    </div>
  );
}

interface DoorProps {
  icon: string;
  name: "host" | "place" | "observer";
  children?: ComponentChildren;
}

function Door({ icon, name, children }: DoorProps): JSX.Element {
  return (
    <section class="door" aria-labelledby={`door-${name}`}>
      <span class="door-icon">
        <Icon svg={icon} />
      </span>
      <h3 id={`door-${name}`}>{t(`landing.${name}`)}</h3>
      <p>{t(`landing.${name}.does`)}</p>
      <p class="door-how">{t(`landing.${name}.how`)}</p>
      {children}
    </section>
  );
}

function PasteLink(): JSX.Element {
  const [pasted, paste] = useState("");
  const [wrong, setWrong] = useState(false);
  const id = useId();
  return (
    <section class="paste" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{t("landing.link")}</h2>
      <p>{t("landing.link.hint")}</p>
      <form
        class="paste-form"
        onSubmit={(event) => {
          event.preventDefault();
          const link = openableLink(pasted, location.origin);
          if (link === null) setWrong(true);
          else location.assign(link);
        }}
      >
        <label for={id} class="visually-hidden">
          {t("landing.link.label")}
        </label>
        <input
          id={id}
          class="paste-input"
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={`${location.origin}/day#t=…`}
          value={pasted}
          aria-invalid={wrong}
          aria-describedby={`${id}-wrong`}
          onInput={(event) => {
            setWrong(false);
            paste(event.currentTarget.value);
          }}
        />
        <button type="submit" class="button button-secondary">
          {t("landing.link.open")}
        </button>
      </form>
      <p id={`${id}-wrong`} class="paste-wrong" role="status">
        {wrong ? t("landing.link.wrong") : null}
      </p>
    </section>
  );
}

/** A bridge in chalk: one span after another, a light over every pier. */
function Bridge(): JSX.Element {
  const piers = [0, 1, 2, 3, 4, 5, 6];
  const SPAN = 200;
  return (
    <svg class="bridge" viewBox="0 0 1200 150" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <path class="bridge-deck" d="M-20 112 H1220" />
      {piers.map((pier) => (
        <g key={pier} transform={`translate(${pier * SPAN} 0)`}>
          <path class="bridge-arch" d={`M0 112 Q${SPAN / 2} -34 ${SPAN} 112`} />
          <path class="bridge-pier" d="M0 112 V160" />
          {[0.2, 0.35, 0.5, 0.65, 0.8].map((at) => (
            <path key={at} class="bridge-rope" d={`M${at * SPAN} 112 V${112 - 146 * 2 * at * (1 - at)}`} />
          ))}
          <circle class="bridge-light" cx="0" cy="112" r="5" />
        </g>
      ))}
    </svg>
  );
}
