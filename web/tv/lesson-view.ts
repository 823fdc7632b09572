/**
 * Draws what rooms do in the lesson over and beside its pictures: questions to the room with their answers, results, names
 * under pictures, pupils' work. Every line has a word; nothing here ever shows a private message.
 */

import bell from "lucide-static/icons/bell-ring.svg?raw";
import circleHelp from "lucide-static/icons/circle-question-mark.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import micOff from "lucide-static/icons/mic-off.svg?raw";
import video from "lucide-static/icons/video.svg?raw";
import type { ShownQuestion } from "../shared/lesson-protocol.ts";
import { optionLetter, pictured, speaker } from "../shared/room-facts.ts";
import { impossible } from "../shared/viewer-state.ts";
import { type Answer, type Ask, answersTo, askKey } from "./asks.ts";
import { type Child, drawing, el, fillWith } from "./dom.ts";
import type { Arrangement } from "./layout.ts";
import { askFocus, currentAsk, type TvCommand, type TvFacts } from "./state.ts";
import { deviceProblem, type Words } from "./words.ts";

/** Texts of a question with words that fit on a screen read from the back of a classroom. */
const TEXTS_SHOWN = 8;

export class LessonView {
  /** Over the pictures. */
  readonly element = el("div", "lesson");
  private readonly asks = el("div", "ask");
  private readonly results = el("div", "results");
  private readonly captions = el("div", "captions");
  private readonly onCommand: (command: TvCommand) => void;
  private drawn = { ask: "", results: "", captions: "" };

  constructor(onCommand: (command: TvCommand) => void) {
    this.onCommand = onCommand;
    this.asks.setAttribute("role", "dialog");
    this.asks.setAttribute("aria-live", "assertive");
    fillWith(this.element, [this.captions, this.results, this.asks]);
  }

  render(facts: TvFacts, arrangement: Arrangement | null, t: Words): void {
    this.renderCaptions(facts, arrangement, t);
    this.renderResults(facts, t);
    this.renderAsk(facts, t);
  }

  private renderAsk(facts: TvFacts, t: Words): void {
    const ask = facts.settings === null ? currentAsk(facts) : null;
    const focus = ask === null ? 0 : askFocus(facts, ask);
    const signature = JSON.stringify([facts.lang, ask, facts.camera]);
    if (signature !== this.drawn.ask) {
      this.drawn.ask = signature;
      this.asks.setAttribute("data-ask", ask === null ? "none" : ask.kind);
      this.asks.setAttribute("data-many", String(ask !== null && hasMany(ask)));
      fillWith(this.asks, ask === null ? [] : this.askContent(ask, facts, t));
      if (ask !== null) this.asks.setAttribute("aria-label", askTitle(ask, t));
    }
    if (ask === null) return;
    const focused = this.asks.querySelector(`[data-at="${focus}"]`);
    if (focused instanceof HTMLElement && document.activeElement !== focused) focused.focus();
  }

  private askContent(ask: Ask, facts: TvFacts, t: Words): readonly Child[] {
    const answers = answersTo(ask);
    const advice = askAdvice(ask, facts, t);
    const { state, problem } = facts.camera;
    const failed = state === "failed" && problem !== null && ask.kind !== "question" && ask.kind !== "sound";
    return [
      el(
        "div",
        "ask-words",
        el("p", "ask-title", drawing(askIcon(ask), "icon"), askTitle(ask, t)),
        advice === null ? null : el("p", "ask-advice", advice),
        failed ? el("p", "ask-advice ask-bad", deviceProblem(problem, t)) : null,
        // The arrow is worth telling where no lesson waits.
        ask.kind === "sound" ? el("p", "ask-advice ask-keys", t("tv.settings.up")) : null,
      ),
      answers.length === 0
        ? null
        : el("div", "ask-answers", ...answers.map((answer, at) => this.answerButton(ask, answer, at, t))),
    ];
  }

  private answerButton(ask: Ask, answer: Answer, at: number, t: Words): HTMLButtonElement {
    const letter = answer.kind === "option" && ask.kind === "question" && ask.question.kind !== "yes_no";
    const button = el("button", letter ? "choice choice-letter" : "choice", answerWord(ask, answer, t));
    button.type = "button";
    button.setAttribute("data-at", String(at));
    if (ask.kind === "question" && answer.kind === "option") {
      button.setAttribute("aria-pressed", String(ask.chosen === answer.option));
    }
    button.addEventListener("click", () => this.onCommand({ kind: "answer", answer }));
    button.addEventListener("focus", () => this.onCommand({ kind: "focus", key: askKey(ask), at }));
    return button;
  }

  private renderResults(facts: TvFacts, t: Words): void {
    const question = facts.viewer?.rooms.question ?? null;
    const shown = question !== null && question.closed_at !== null && question.results !== null;
    const signature = shown ? JSON.stringify([facts.lang, question]) : "";
    if (signature === this.drawn.results) return;
    this.drawn.results = signature;
    this.results.setAttribute("data-shown", String(shown));
    fillWith(this.results, shown && question !== null ? resultsContent(question, t) : []);
  }

  private renderCaptions(facts: TvFacts, arrangement: Arrangement | null, t: Words): void {
    const lines = arrangement === null ? [] : captionsOf(facts, arrangement, t);
    const signature = JSON.stringify(lines);
    if (signature === this.drawn.captions) return;
    this.drawn.captions = signature;
    fillWith(
      this.captions,
      lines.map(({ area, text }) => el("p", `caption caption-${area}`, drawing(mic, "icon"), text)),
    );
  }
}

interface Caption {
  readonly area: string;
  readonly text: string;
}

/** Names under the pictures of classes. */
function captionsOf(facts: TvFacts, arrangement: Arrangement, t: Words): readonly Caption[] {
  const rooms = facts.viewer?.rooms;
  if (rooms === undefined) return [];
  const captions: Caption[] = [];
  const turn = rooms.room?.turn ?? null;
  if (arrangement.own !== "hidden") {
    const seen = turn !== null && turn.phase !== "called";
    captions.push({ area: arrangement.own, text: t(seen ? "tv.own" : "tv.own.preview") });
  }
  const seen = pictured(rooms.floor);
  if (arrangement.extra_video !== "hidden" && seen !== null && seen.why === "speaks") {
    captions.push({ area: arrangement.extra_video, text: t("tv.speaker", { name: seen.name }) });
  }
  return captions;
}

/** A class that is heard and not seen: there is no picture to stand under. */
export function voiceOnlySpeaker(facts: TvFacts): string | null {
  const rooms = facts.viewer?.rooms;
  if (rooms === undefined) return null;
  const turn = speaker(rooms.floor);
  if (turn === null || !turn.audio_only || turn.place === facts.viewer?.place?.id) return null;
  return turn.name;
}

/** Answers in words, more than fit beside the question. Letters are short. */
function hasMany(ask: Ask): boolean {
  return ask.kind !== "question" && answersTo(ask).length > 2;
}

function askTitle(ask: Ask, t: Words): string {
  switch (ask.kind) {
    case "called":
      return t("tv.ask.called");
    case "camera_asked":
      return t("tv.ask.camera");
    case "sound":
      if (ask.playing) return t("tv.check.sound.playing");
      return t(ask.asked ? "tv.check.sound.question" : "tv.check.sound");
    case "speaking":
      if (ask.turn.phase !== "on_air") return t("tv.speaking.connecting");
      if (!ask.word) return t("tv.speaking.next");
      return t(ask.turn.muted ? "tv.speaking.muted" : "tv.speaking");
    case "question":
      return ask.question.prompt ?? t("tv.question", { no: ask.question.no });
    default:
      return impossible(ask);
  }
}

function askAdvice(ask: Ask, facts: TvFacts, t: Words): string | null {
  switch (ask.kind) {
    case "called":
      if (facts.camera.state === "opening") return t("tv.ask.opening");
      if (ask.able) return t("tv.ask.called.advice");
      return t(ask.helpers > 0 ? "tv.ask.called.phone" : "tv.ask.called.scan");
    case "camera_asked":
      return t(ask.able ? "tv.ask.camera.advice" : "tv.ask.camera.phone");
    case "sound":
      return ask.playing || ask.asked ? null : t("tv.check.sound.advice");
    case "speaking":
      if (ask.turn.device === "phone") return t("tv.speaking.phone");
      return ask.turn.audio_only ? t("tv.speaking.voice") : null;
    case "question": {
      const { question, chosen } = ask;
      if (question.kind === "text") return t("tv.question.text");
      if (question.mode === "counts") return t("tv.question.counts");
      if (chosen !== null) return t("tv.question.sent", { option: optionWord(question, chosen, t) });
      return `${t(question.kind === "yes_no" ? "tv.question.yes_no" : "tv.question.choice")} ${t("tv.question.keys")}`;
    }
    default:
      return impossible(ask);
  }
}

function askIcon(ask: Ask): string {
  switch (ask.kind) {
    case "called":
      return hand;
    case "camera_asked":
      return video;
    case "sound":
      return bell;
    case "speaking":
      return ask.turn.muted ? micOff : mic;
    case "question":
      return circleHelp;
    default:
      return impossible(ask);
  }
}

function answerWord(ask: Ask, answer: Answer, t: Words): string {
  switch (answer.kind) {
    case "accept":
      return t(answer.audioOnly ? "tv.ask.accept.voice" : "tv.ask.accept");
    case "stop":
      return t(ask.kind === "called" ? "tv.ask.refuse" : "tv.speaking.stop");
    case "picture":
      return t(answer.on ? "tv.speaking.picture_on" : "tv.speaking.picture_off");
    case "pass":
      return t("tv.speaking.pass");
    case "camera":
      return t(answer.on ? "tv.ask.camera.yes" : "tv.ask.camera.no");
    case "option":
      return ask.kind === "question" ? optionWord(ask.question, answer.option, t) : "";
    case "play_sound":
      return t(ask.kind === "sound" && ask.asked ? "tv.check.sound.again" : "tv.check.sound.play");
    case "heard":
      return t(answer.heard ? "tv.check.sound.yes" : "tv.check.sound.no");
    default:
      return impossible(answer);
  }
}

function optionWord(question: ShownQuestion, option: number, t: Words): string {
  if (question.kind !== "yes_no") return optionLetter(option);
  return t(option === 0 ? "tv.question.yes" : "tv.question.no");
}

function resultsContent(question: ShownQuestion, t: Words): readonly Child[] {
  const results = question.results;
  if (results === null) return [];
  const most = Math.max.apply(null, [1].concat(results.totals));
  const bar = (total: number, option: number): HTMLElement => {
    const fill = el("span", "bar-fill");
    fill.style.width = `${(total / most) * 100}%`;
    return el(
      "div",
      "bar",
      el("span", "bar-name", optionWord(question, option, t)),
      el("span", "bar-track", fill),
      el("span", "bar-total", String(total)),
    );
  };
  return [
    el("p", "results-title", question.prompt ?? t("tv.question", { no: question.no })),
    el("p", "results-rooms", t("tv.results", { rooms: results.rooms })),
    ...results.totals.map(bar),
    ...results.texts.slice(0, TEXTS_SHOWN).map((text) => el("p", "results-text", text)),
  ];
}
