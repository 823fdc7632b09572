/** Draws `TvFacts`. The stage's video elements are made once and moved by classes; panels are rebuilt when they change. */

import audioLines from "lucide-static/icons/audio-lines.svg?raw";
import circleCheck from "lucide-static/icons/circle-check.svg?raw";
import link2Off from "lucide-static/icons/link-2-off.svg?raw";
import loader from "lucide-static/icons/loader-circle.svg?raw";
import monitorX from "lucide-static/icons/monitor-x.svg?raw";
import pause from "lucide-static/icons/pause.svg?raw";
import userX from "lucide-static/icons/user-x.svg?raw";
import volumeX from "lucide-static/icons/volume-x.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import { renderSVG } from "uqr";
import { formatDate, formatTime } from "../shared/format.ts";
import { type Lesson, type Problem, VIDEO_SLOTS, type VideoSlot } from "../shared/protocol.ts";
import { speaker } from "../shared/room-facts.ts";
import type { Stage } from "../shared/stage.ts";
import { impossible, isWithheld, type Trouble, wantsStill } from "../shared/viewer-state.ts";
import type { ShownStill } from "../shared/weak-link.ts";
import { type Child, drawing, el, fillWith } from "./dom.ts";
import { type Arrangement, arrange, type StageFacts } from "./layout.ts";
import { checkCard, lessonLines, weakLine } from "./lesson-lines.ts";
import { LessonView } from "./lesson-view.ts";
import { SettingsView } from "./settings-view.ts";
import { currentAsk, type TvCommand, type TvFacts, type TvScreen, tvScreen } from "./state.ts";
import { type Key, type Words, wordsIn } from "./words.ts";
import { WorksView } from "./works-view.ts";

export interface ViewOptions {
  readonly root: Element;
  readonly onCommand: (command: TvCommand) => void;
  /** A click that is the mouse's OK. */
  readonly onOk: () => void;
  /** A picture came that has to be drawn. */
  readonly onPicture: () => void;
}

const BRIDGE =
  '<svg viewBox="0 0 1920 220" preserveAspectRatio="none"><path d="M-20 220C420-40 1500-40 1940 220M-20 150H1940M320 150V92M640 150V48M960 150V34M1280 150V48M1600 150V92" fill="none" stroke="#1f4a3b" stroke-width="4" vector-effect="non-scaling-stroke"/></svg>';

/** How long without the relay before the connecting screen gives advice. */
const SLOW_CONNECT_MS = 8000;

export class View {
  private readonly stageBox = el("div", "stage");
  private readonly panel = el("div", "panel");
  private readonly notice = el("div", "notice");
  private readonly settings: SettingsView;
  private readonly lesson: LessonView;
  private readonly works: WorksView;
  /** The room's own camera, silent: nobody needs to hear herself. */
  private readonly own = document.createElement("video");
  /** The slide as an image, where it does not come moving. */
  private readonly still = document.createElement("img");
  private readonly settingsButton = el("button", "corner");
  private readonly drawn = new Map<Element, string>();
  private stage: Stage | null = null;
  private qr = { text: "", svg: "" };

  constructor(options: ViewOptions) {
    this.settings = new SettingsView(options.onCommand, (address) => this.qrOf(address));
    this.lesson = new LessonView(options.onCommand);
    this.works = new WorksView(options.onPicture);
    this.still.addEventListener("load", () => options.onPicture());
    this.own.muted = true;
    this.own.autoplay = true;
    this.own.tabIndex = -1;
    this.own.setAttribute("playsinline", "");
    this.notice.setAttribute("role", "status");
    this.settingsButton.type = "button";
    this.settingsButton.tabIndex = -1;
    this.settingsButton.addEventListener("click", () => options.onOk());
    this.stageBox.addEventListener("click", () => options.onOk());
    this.notice.addEventListener("click", () => options.onOk());
    const main = el(
      "main",
      "tv",
      this.stageBox,
      this.panel,
      this.notice,
      this.lesson.element,
      this.settingsButton,
      this.settings.element,
    );
    fillWith(options.root, [main]);
    showMouseWhileMoved(main);
  }

  /** Brings the pictures of a new viewer, or takes them away. */
  setStage(stage: Stage | null): void {
    this.stage = stage;
    fillWith(
      this.stageBox,
      stage === null
        ? []
        : [...VIDEO_SLOTS.map((slot) => stage.video(slot)), this.still, this.own, this.works.element],
    );
  }

  /** What the room's own camera sees; `null` while it is closed. */
  setOwnCamera(track: MediaStreamTrack | null): void {
    this.own.srcObject = track === null ? null : new MediaStream([track]);
  }

  render(facts: TvFacts, now: number): void {
    const t = wordsIn(facts.lang);
    this.still.alt = t("weak.still");
    const screen = tvScreen(facts, now);
    const watching = screen.kind === "watching";
    const trouble = screen.kind === "watching" || screen.kind === "waiting" ? screen.trouble : null;
    const partial = trouble?.kind === "frozen" && trouble.partial;
    const works = watching ? (facts.viewer?.rooms.exhibit ?? []) : [];
    this.works.render(facts.token, facts.viewer?.lesson?.id ?? null, works, t);
    const arrangement = this.arrangeStage(facts, trouble?.kind === "frozen" && partial ? trouble.slots : []);
    this.stageBox.setAttribute("data-dim", String(watching && trouble !== null && !partial));
    const unseen = watching && works.length === 0 ? whyUnseen(facts) : null;
    this.draw(
      this.panel,
      facts.lang,
      [
        screen.kind,
        facts.token,
        unseen,
        unseen === "voice" ? weakLine(facts, t) : null,
        ...this.panelInputs(facts, screen, now),
      ],
      () => this.panelFor(facts, screen, t, now, unseen),
    );
    this.panel.setAttribute("data-screen", watching && unseen === null ? "none" : screen.kind);
    this.renderNotice(facts, screen, trouble, t, now);
    this.lesson.render(facts, watching ? arrangement : null, t);
    this.settings.render(facts, t);
    const asked = currentAsk(facts) !== null;
    this.panel.setAttribute("data-asked", String(asked));
    this.draw(this.settingsButton, facts.lang, [], () => [
      el("span", "corner-remote", t("tv.settings.hint")),
      el("span", "corner-touch", t("tv.settings")),
    ]);
    this.settingsButton.setAttribute("data-asked", String(asked));
    this.settingsButton.setAttribute("data-shown", String(!watching && facts.settings === null));
  }

  /** A new picture takes its place only with its first frame, so that nobody looks at an empty frame. */
  private arrangeStage(facts: TvFacts, standing: readonly VideoSlot[]): Arrangement | null {
    const { stage } = this;
    if (stage === null) return null;
    const still = shownStill(facts);
    const seen = facts.lastPublished.filter(
      (slot) =>
        hasRoom(facts, slot) &&
        (facts.viewer?.pictures[slot]?.seen === true || (slot === "slides_video" && still !== null)),
    );
    const wanted = arrange(stageFacts(facts, facts.lastPublished), facts.layout);
    const visible = arrange(stageFacts(facts, seen), facts.layout);
    setClass(this.own, `tile tile-${visible.own}`);
    setClass(this.works.element, `works tile-${visible.works}`);
    setClass(this.still, still === null ? "tile tile-hidden" : `still tile tile-${visible.slides_video}`);
    if (still !== null && this.still.getAttribute("src") !== still.url) this.still.src = still.url;
    stage.setShown(VIDEO_SLOTS.filter((slot) => wanted[slot] !== "hidden"));
    for (const slot of VIDEO_SLOTS) {
      const covered = slot === "slides_video" && still !== null;
      const coming =
        wanted[slot] !== "hidden" && (covered || (hasRoom(facts, slot) && seen.indexOf(slot) < 0));
      const className = coming
        ? `tile tile-${wanted[slot]} tile-coming`
        : `tile tile-${visible[slot]}${standing.indexOf(slot) >= 0 ? " tile-standing" : ""}`;
      setClass(stage.video(slot), className);
    }
    return visible;
  }

  /** Rebuilds `target` only when something it shows has changed. */
  private draw(
    target: Element,
    lang: string,
    inputs: readonly unknown[],
    build: () => readonly Child[],
  ): void {
    const signature = JSON.stringify([lang, inputs]);
    if (this.drawn.get(target) === signature) return;
    this.drawn.set(target, signature);
    fillWith(target, build());
  }

  /** What the panel depends on besides the kind of screen. */
  private panelInputs(facts: TvFacts, screen: TvScreen, now: number): readonly unknown[] {
    switch (screen.kind) {
      case "idle":
        return [
          screen.next,
          secondsSince(screen.offlineSince, now),
          formatTime(new Date(now)),
          facts.viewer?.place,
          facts.ticket,
          facts.check,
        ];
      case "connecting":
        return [now - screen.since > SLOW_CONNECT_MS];
      case "waiting":
      case "watching":
        return [screen.lesson, screen.rehearsal, facts.viewer?.place];
      case "pairing":
      case "refused":
      case "ended":
      case "elsewhere":
      case "unsupported":
      case "unplayable":
        return [screen];
      default:
        return impossible(screen);
    }
  }

  private panelFor(
    facts: TvFacts,
    screen: TvScreen,
    t: Words,
    now: number,
    unseen: Unseen | null,
  ): readonly Child[] {
    switch (screen.kind) {
      case "unsupported":
        return [bridge(), ...message(monitorX, t("tv.unsupported"), t("tv.unsupported.advice"))];
      case "unplayable":
        return [
          bridge(),
          ...message(
            monitorX,
            t("tv.unplayable"),
            problemText(screen.problem, facts) ?? t("tv.unsupported.advice"),
          ),
        ];
      case "refused":
        return [
          bridge(),
          ...message(
            link2Off,
            t("link.refused"),
            problemText(screen.problem, facts) ?? t("link.refused.advice"),
          ),
        ];
      case "elsewhere":
        return [bridge(), ...message(monitorX, t("tv.elsewhere"), t("tv.elsewhere.advice"))];
      case "connecting":
        return [
          bridge(),
          ...message(
            loader,
            t("tv.connecting"),
            now - screen.since > SLOW_CONNECT_MS ? t("tv.connecting.slow") : null,
          ),
        ];
      case "pairing":
        return [bridge(), this.pairingPanel(screen, t)];
      case "idle":
        return [bridge(), this.idlePanel(facts, screen, t, now)];
      case "waiting":
        return [bridge(), waitingPanel(screen.lesson, screen.rehearsal, t)];
      case "ended":
        return [bridge(), ...message(circleCheck, t("tv.ended"), screen.lesson.title, t("tv.ended.thanks"))];
      case "watching":
        if (unseen === null) return [];
        return unseen === "coming"
          ? [bridge(), ...message(loader, t("tv.waiting"), screen.lesson.title)]
          : [
              bridge(),
              ...message(
                audioLines,
                t("tv.voice"),
                screen.lesson.title,
                weakLine(facts, t) ?? t("tv.voice.advice"),
              ),
            ];
      default:
        return impossible(screen);
    }
  }

  private pairingPanel(screen: Extract<TvScreen, { kind: "pairing" }>, t: Words): HTMLElement {
    const { code } = screen;
    const digits =
      code === null
        ? el("p", "code code-none", t("tv.pairing.fetching"))
        : el("p", "code", el("span", "", code.slice(0, 3)), el("span", "", code.slice(3)));
    return el(
      "div",
      "columns",
      el(
        "section",
        "column",
        el("p", "brand", t("common.product")),
        el("h1", "title", t("tv.pairing.title")),
        screen.linkDied ? el("p", "warning", t("tv.pairing.link_died")) : null,
        el(
          "ol",
          "steps",
          el("li", "", t("tv.pairing.step1")),
          el("li", "", t("tv.pairing.step2")),
          el("li", "", t("tv.pairing.step3")),
        ),
        screen.reachable ? null : el("p", "warning", drawing(wifiOff, "icon"), t("tv.pairing.offline")),
      ),
      el("section", "column column-code", el("p", "label", t("tv.pairing.code")), digits),
    );
  }

  private idlePanel(
    facts: TvFacts,
    screen: Extract<TvScreen, { kind: "idle" }>,
    t: Words,
    now: number,
  ): HTMLElement {
    const { next } = screen;
    const offline = secondsSince(screen.offlineSince, now);
    const state =
      offline === null
        ? el("p", "state state-ok", drawing(circleCheck, "icon"), t("tv.ready"))
        : el("p", "state state-bad", drawing(wifiOff, "icon"), t("tv.idle.offline", { seconds: offline }));
    const clock = new Date(now);
    const card = facts.ticket === null ? null : this.qrCard(facts.ticket, t);
    return el(
      "div",
      "columns",
      el(
        "section",
        "column",
        el("p", "brand", facts.viewer?.place?.name ?? t("common.product")),
        next === null ? null : el("p", "label", t("tv.idle.next")),
        el("h1", "title", next === null ? t("tv.idle.none") : next.title),
        next === null ? null : lessonTime(next, facts),
        next === null || next.host_place === null
          ? null
          : el("p", "detail", t("tv.idle.host", { place: next.host_place })),
        state,
        el("p", "detail", t("tv.idle.auto")),
        checkCard(facts.check, t),
      ),
      el(
        "section",
        "column column-side",
        el("p", "clock", formatTime(clock)),
        el("p", "detail", formatDate(clock, facts.lang)),
        card,
      ),
    );
  }

  private qrCard(ticket: string, t: Words): HTMLElement {
    return el("div", "qr", drawing(this.qrOf(ticket), "qr-code"), el("p", "qr-text", t("tv.idle.qr")));
  }

  /** Drawn here and not by the relay: a ticket in a request's address would end up in a proxy's log. */
  private qrOf(text: string): string {
    if (this.qr.text !== text) {
      this.qr = { text, svg: renderSVG(text, { border: 2, whiteColor: "#ffffff", blackColor: "#0d1512" }) };
    }
    return this.qr.svg;
  }

  private renderNotice(
    facts: TvFacts,
    screen: TvScreen,
    trouble: Trouble | null,
    t: Words,
    now: number,
  ): void {
    const live = screen.kind === "watching" || screen.kind === "waiting";
    const sound = live && facts.settings === null ? (facts.viewer?.sound ?? "none") : "none";
    const rehearsal = screen.kind === "watching" && screen.rehearsal;
    const text = trouble === null ? null : troubleText(trouble, t, now);
    const lines = live ? lessonLines(facts, now, t) : [];
    this.draw(this.notice, facts.lang, [text?.title, text?.advice, sound, rehearsal, lines], () => [
      text === null || trouble === null
        ? null
        : el(
            "div",
            "trouble",
            drawing(troubleIcon(trouble), "icon"),
            el("div", "", el("p", "trouble-title", text.title), el("p", "trouble-advice", text.advice)),
          ),
      soundNotice(sound, t),
      ...lines.map(({ icon, text: line }) => el("p", "muted", drawing(icon, "icon"), line)),
      rehearsal ? el("p", "badge", t("tv.rehearsal")) : null,
    ]);
    this.notice.setAttribute("data-screen", screen.kind);
  }
}

/** Whether a picture has a place: one that the link has no room for leaves it to the others, slides to their still. */
function hasRoom(facts: TvFacts, slot: VideoSlot): boolean {
  if (facts.viewer === null || !isWithheld(facts.viewer, slot)) return true;
  return slot === "slides_video" && facts.still !== null;
}

/** The still that stands for the slides now. */
function shownStill(facts: TvFacts): ShownStill | null {
  const { viewer, still } = facts;
  return still !== null && viewer !== null && wantsStill(viewer) ? still : null;
}

function stageFacts(facts: TvFacts, published: readonly VideoSlot[]): StageFacts {
  const { viewer, camera } = facts;
  const room = viewer?.rooms.room ?? null;
  const turn = room === null ? null : room.turn;
  const films = turn !== null && (turn.phase === "called" || (turn.device === "tv" && !turn.audio_only));
  return {
    published,
    classSpeaks: viewer !== null && speaker(viewer.rooms.floor) !== null,
    own: films && camera.state === "on" && camera.picture,
    works: (viewer?.rooms.exhibit ?? []).length > 0,
  };
}

function setClass(element: Element, className: string): void {
  if (element.className !== className) element.className = className;
}

function soundNotice(sound: string, t: Words): HTMLElement | null {
  if (sound === "blocked") {
    return el(
      "div",
      "sound",
      drawing(volumeX, "icon"),
      el(
        "div",
        "",
        el("p", "sound-title", t("tv.sound.blocked")),
        el("p", "sound-advice", t("tv.sound.blocked.computer")),
      ),
    );
  }
  if (sound === "muted") return el("p", "muted", drawing(volumeX, "icon"), t("tv.sound.muted"));
  return null;
}

function message(icon: string, title: string, ...lines: readonly (string | null)[]): readonly Child[] {
  return [
    el(
      "section",
      "message",
      drawing(icon, "icon message-icon"),
      el("h1", "title", title),
      ...lines.map((line) => (line === null ? null : el("p", "detail", line))),
    ),
  ];
}

/** Why a lesson that is on shows nothing: it has no picture, or the first one is still on its way. */
type Unseen = "voice" | "coming";

function whyUnseen(facts: TvFacts): Unseen | null {
  const published = facts.lastPublished.filter((slot) => hasRoom(facts, slot));
  if (published.length === 0) return "voice";
  const seen = published.some((slot) => facts.viewer?.pictures[slot]?.seen === true);
  return seen || shownStill(facts) !== null ? null : "coming";
}

function waitingPanel(lesson: Lesson, rehearsal: boolean, t: Words): HTMLElement {
  return el(
    "section",
    "message",
    el("p", "state state-ok", drawing(circleCheck, "icon"), t("tv.ready")),
    el("h1", "title", lesson.title),
    rehearsal ? el("p", "label", t("tv.rehearsal")) : null,
    el("p", "detail", t("tv.waiting")),
  );
}

function lessonTime(lesson: Lesson, facts: TvFacts): HTMLElement | null {
  if (lesson.starts_at === null) return null;
  const at = new Date(lesson.starts_at);
  return el("p", "when", `${formatTime(at)} · ${formatDate(at, facts.lang)}`);
}

function troubleText(trouble: Trouble, t: Words, now: number): { title: string; advice: string } {
  switch (trouble.kind) {
    case "lost":
      return {
        title: t("tv.lost", { seconds: secondsSince(trouble.since, now) ?? 0 }),
        advice: t("tv.lost.advice"),
      };
    case "frozen":
      return {
        title: t("tv.frozen", { seconds: secondsSince(trouble.since, now) ?? 0 }),
        advice: t(frozenAdvice(trouble)),
      };
    case "teacher_away":
      return { title: t("tv.away"), advice: t("tv.away.advice") };
    case "sound_only":
      return { title: t("tv.sound_only"), advice: t("tv.sound_only.advice") };
    default:
      return impossible(trouble);
  }
}

function frozenAdvice(trouble: Extract<Trouble, { kind: "frozen" }>): Key {
  if (trouble.partial) return "tv.frozen.partial";
  return trouble.hearing ? "tv.frozen.sound" : "tv.frozen.checking";
}

function troubleIcon(trouble: Trouble): string {
  switch (trouble.kind) {
    case "lost":
      return wifiOff;
    case "frozen":
      return pause;
    case "teacher_away":
      return userX;
    case "sound_only":
      return audioLines;
    default:
      return impossible(trouble);
  }
}

function problemText(problem: Problem | null, facts: TvFacts): string | null {
  if (problem === null) return null;
  const text = facts.lang === "vi" ? problem.detail_vi : problem.detail;
  return text === "" ? null : text;
}

function secondsSince(since: number | null, now: number): number | null {
  return since === null ? null : Math.max(0, Math.round((now - since) / 1000));
}

function bridge(): HTMLElement {
  return drawing(BRIDGE, "bridge");
}

/** On a computer the pointer and the settings button show while the mouse moves; a TV never sees them. */
function showMouseWhileMoved(main: HTMLElement): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  main.addEventListener("mousemove", () => {
    main.setAttribute("data-mouse", "true");
    clearTimeout(timer);
    timer = setTimeout(() => main.removeAttribute("data-mouse"), 3000);
  });
}
