/** Draws the settings overlay and keeps the browser's focus where the state says it is. */
import { impossible } from "../shared/viewer-state.ts";
import { type Child, drawing, el, fillWith } from "./dom.ts";
import { type SettingsAction, settingsRows } from "./settings.ts";
import { settingsContext, type TvCommand, type TvFacts } from "./state.ts";
import { deviceProblem, type Key, type Words } from "./words.ts";

export class SettingsView {
  readonly element = el("div", "settings");
  private readonly onCommand: (command: TvCommand) => void;
  private readonly qrOf: (address: string) => string;
  private drawn = "";
  private open = false;

  constructor(onCommand: (command: TvCommand) => void, qrOf: (address: string) => string) {
    this.onCommand = onCommand;
    this.qrOf = qrOf;
    this.element.setAttribute("role", "dialog");
    this.element.setAttribute("aria-modal", "true");
    this.element.hidden = true;
  }

  render(facts: TvFacts, t: Words): void {
    const { settings } = facts;
    if (settings === null) {
      if (this.open) {
        this.open = false;
        this.drawn = "";
        this.element.hidden = true;
        fillWith(this.element, []);
      }
      return;
    }
    this.open = true;
    this.element.hidden = false;
    this.element.setAttribute("aria-label", t("tv.settings"));
    const rows = settingsRows(settingsContext(facts));
    const signature = JSON.stringify([
      facts.lang,
      rows,
      facts.layout,
      facts.muted,
      settings.armed,
      facts.viewer?.place,
      facts.viewer?.path,
      facts.camera,
      facts.saver,
      facts.ticket,
    ]);
    if (signature !== this.drawn) {
      this.drawn = signature;
      fillWith(this.element, [
        el("h2", "settings-title", t("tv.settings")),
        el(
          "div",
          "settings-columns",
          el("div", "settings-rows", ...rows.map((row, index) => this.row(row, index, facts, t))),
          facts.token === null ? null : this.phoneCard(facts.ticket, t),
        ),
        pathLine(facts, t),
        el("p", "settings-keys", t("tv.settings.keys")),
      ]);
    }
    const focused = this.element.querySelector(`[data-at="${settings.focus.row}-${settings.focus.column}"]`);
    if (focused instanceof HTMLElement && document.activeElement !== focused) focused.focus();
  }

  /** During a lesson the code for the phone is here: on the screen it would stand in the way. */
  private phoneCard(ticket: string | null, t: Words): HTMLElement {
    return el(
      "div",
      "qr settings-qr",
      ticket === null ? null : drawing(this.qrOf(ticket), "qr-code"),
      el("p", "qr-text", t(ticket === null ? "tv.idle.qr.wait" : "tv.idle.qr")),
    );
  }

  private row(row: readonly SettingsAction[], rowIndex: number, facts: TvFacts, t: Words): HTMLElement {
    const first = row[0];
    const buttons = el("div", "settings-choices");
    row.forEach((action, column) => {
      buttons.appendChild(this.button(action, rowIndex, column, facts, t));
    });
    const hint: Child = rowHint(first, facts, t);
    const label = first === undefined ? null : rowLabel(first, t);
    return el(
      "div",
      "settings-row",
      el("p", "settings-label", label),
      el("div", "settings-content", buttons, hint),
    );
  }

  private button(
    action: SettingsAction,
    row: number,
    column: number,
    facts: TvFacts,
    t: Words,
  ): HTMLButtonElement {
    const armed = action.kind === "pair" && facts.settings?.armed === true;
    const button = el(
      "button",
      armed ? "choice choice-armed" : "choice",
      actionLabel(action, armed, facts, t),
    );
    button.type = "button";
    button.setAttribute("data-at", `${row}-${column}`);
    const pressed = isChosen(action, facts);
    if (pressed !== null) button.setAttribute("aria-pressed", String(pressed));
    button.addEventListener("click", () => {
      const settings = { focus: { row, column }, armed };
      if (action.kind === "close") this.onCommand({ kind: "settings", settings: null });
      else if (action.kind === "sound") this.onCommand({ kind: "set_muted", muted: !action.on });
      else if (action.kind !== "pair") this.onCommand(action);
      else if (armed) this.onCommand({ kind: "unpair" });
      else this.onCommand({ kind: "settings", settings: { ...settings, armed: true } });
    });
    return button;
  }
}

function rowHint(action: SettingsAction | undefined, facts: TvFacts, t: Words): Child {
  if (action?.kind === "sound") return el("p", "settings-hint", t("tv.settings.sound.volume"));
  if (action?.kind !== "camera") return null;
  const { state, problem } = facts.camera;
  if (state === "opening") return el("p", "settings-hint", t("tv.ask.opening"));
  if (state === "failed" && problem !== null)
    return el("p", "settings-hint settings-bad", deviceProblem(problem, t));
  return el("p", "settings-hint", t("tv.settings.camera.hint"));
}

/** What the lesson comes by, for whoever is asked for help. */
function pathLine(facts: TvFacts, t: Words): HTMLElement | null {
  const path = facts.viewer?.path ?? null;
  if (path === null || path === "other") return null;
  return el("p", "settings-hint settings-path", t("tv.path", { path: t(`tv.path.${path}`) }));
}

function rowLabel(action: SettingsAction, t: Words): string | null {
  switch (action.kind) {
    case "hand":
      return t("tv.settings.hand");
    case "camera":
      return t("tv.settings.camera");
    case "run_check":
    case "test_sound":
      return t("tv.settings.check");
    case "language":
      return t("tv.settings.language");
    case "layout":
      return t("tv.settings.layout");
    case "sound":
      return t("tv.settings.sound");
    case "saver":
      return t("weak.saver");
    case "megabytes":
      return t("weak.megabytes");
    case "fullscreen":
      return t("tv.settings.screen");
    case "pair":
      return t("tv.settings.place");
    case "close":
      return null;
    default:
      return impossible(action);
  }
}

const LAYOUTS = {
  auto: "tv.settings.layout.auto",
  slides: "tv.settings.layout.slides",
  teacher: "tv.settings.layout.teacher",
} as const satisfies { [layout: string]: Key };

function actionLabel(action: SettingsAction, armed: boolean, facts: TvFacts, t: Words): string {
  switch (action.kind) {
    case "language":
      return action.lang === "vi" ? "Tiếng Việt" : "English";
    case "layout":
      return t(LAYOUTS[action.layout]);
    case "sound":
      return t(action.on ? "tv.settings.sound.on" : "tv.settings.sound.off");
    case "saver":
      return t(`weak.saver.${action.kbps ?? "none"}` as Key);
    case "megabytes":
      return action.mb === null ? t("weak.megabytes.none") : t("weak.megabytes.some", { mb: action.mb });
    case "hand":
      return t(action.up ? "tv.settings.hand.raise" : "tv.settings.hand.lower");
    case "camera":
      return t(action.on ? "tv.settings.camera.on" : "tv.settings.camera.off");
    case "run_check":
      return t("tv.settings.check.run");
    case "test_sound":
      return t("tv.settings.check.sound");
    case "fullscreen":
      return t("tv.settings.fullscreen");
    case "pair":
      if (armed) return t("tv.settings.pair.confirm");
      return [facts.viewer?.place?.name, t("tv.settings.pair")]
        .filter((part) => part !== undefined)
        .join(" – ");
    case "close":
      return t("tv.settings.close");
    default:
      return impossible(action);
  }
}

/** `null` for buttons that act instead of choosing. */
function isChosen(action: SettingsAction, facts: TvFacts): boolean | null {
  switch (action.kind) {
    case "language":
      return action.lang === facts.lang;
    case "layout":
      return action.layout === facts.layout;
    case "sound":
      return action.on !== facts.muted;
    case "camera":
      return action.on === facts.camera.willing;
    case "saver":
      return action.kbps === facts.saver.kbps;
    case "megabytes":
      return action.mb === facts.saver.mb;
    case "hand":
    case "run_check":
    case "test_sound":
    case "fullscreen":
    case "pair":
    case "close":
      return null;
    default:
      return impossible(action);
  }
}
