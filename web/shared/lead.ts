/**
 * What host and organiser see of the rooms, and what they can do with them: signals and commands around one WebSocket that the
 * page owns.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { decode } from "./decode.ts";
import { fetchWithin } from "./http.ts";
import { type LeadFacts, NO_LEAD, reduceLead, withAsked } from "./lead-facts.ts";
import {
  type AnswerMode,
  type HelpKind,
  type PrivateMessage,
  type QuestionKind,
  questionsDecoder,
  type RemoteAction,
} from "./lesson-protocol.ts";
import { type Command, Outbox, type Outcome, type PostOptions } from "./outbox.ts";
import type { ClientMessage, Problem, ServerMessage } from "./protocol.ts";

/** What is done with the lesson itself. */
export type LessonWish = "lesson.test" | "lesson.start" | "lesson.end";

export interface LeadOptions {
  readonly token: string;
  readonly send: (message: ClientMessage) => boolean;
  /** A command was refused, or could not be sent in time (`null`). */
  readonly onFailure: (problem: Problem | null) => void;
}

export interface NewQuestion {
  readonly kind: QuestionKind;
  readonly mode: AnswerMode;
  readonly options: number | null;
  readonly prompt: string | null;
}

/** A room that is called minutes after the teacher pressed the button would surprise everybody. */
const NOW: PostOptions = { keepMs: 10_000 };

export class Lead {
  readonly #options: LeadOptions;
  readonly #outbox: Outbox;
  readonly #facts = signal<LeadFacts>(NO_LEAD);
  readonly #read = signal<ReadonlyMap<string, number>>(new Map());
  readonly #pictures = new Map<string, Promise<string | null>>();
  #lesson: string | null = null;
  #fetched = -1;

  /** Messages from rooms that nobody here has looked at, by room. */
  readonly unread: ReadonlySignal<ReadonlyMap<string, number>> = computed(() => {
    const counts = new Map<string, number>();
    for (const { no, place, from } of this.#facts.value.messages) {
      if (from !== "helper" || place === null || no <= (this.#read.value.get(place) ?? 0)) continue;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    return counts;
  });

  constructor(options: LeadOptions) {
    this.#options = options;
    this.#outbox = new Outbox({ send: options.send });
  }

  get facts(): ReadonlySignal<LeadFacts> {
    return this.#facts;
  }

  /** Everything the relay says. */
  receive(message: ServerMessage): void {
    this.#outbox.receive(message);
    if (message.type === "welcome" || message.type === "lesson") {
      const lesson = message.lesson?.id ?? null;
      if (lesson !== this.#lesson) {
        this.#facts.value = NO_LEAD;
        this.#read.value = new Map();
        this.#fetched = -1;
      }
      this.#lesson = lesson;
    }
    this.#facts.value = reduceLead(this.#facts.peek(), message);
    // Counts of a question whose words this page has not heard: it was opened after the close.
    if (message.type === "tally" && this.#facts.peek().question?.no !== message.question) {
      void this.#fetchQuestion(message.question);
    }
  }

  /** Test run, start, end: pressed while the line is away, it is said when the line is back. */
  wish(lesson: LessonWish): Promise<Outcome> {
    return this.#post({ type: lesson }, { ...NOW, subject: "lesson" });
  }

  call(place: string): void {
    this.#post({ type: "speak.call", place }, NOW);
  }
  endSpeaking(place: string): void {
    this.#post({ type: "speak.end", place }, NOW);
  }
  give(place: string): void {
    this.#post({ type: "speak.give", place }, NOW);
  }
  mute(place: string, muted: boolean): void {
    this.#post({ type: "speak.mute", place, muted }, { ...NOW, subject: `mute ${place}` });
  }
  lowerHand(place: string | null): void {
    this.#post({ type: "hand.lower", place }, NOW);
  }
  pin(place: string | null): void {
    this.#post({ type: "pin", place }, { ...NOW, subject: "pin" });
  }
  clearHelp(place: string, kind: HelpKind): void {
    this.#post({ type: "help.clear", place, kind }, NOW);
  }
  remote(place: string, action: RemoteAction): Promise<Outcome> {
    return this.#post({ type: "remote", place, action }, NOW);
  }
  lock(locked: boolean): void {
    this.#post({ type: "lesson.lock", locked }, { ...NOW, subject: "lock" });
  }
  remove(place: string): void {
    this.#post({ type: "place.remove", place }, NOW);
  }
  readmit(place: string): void {
    this.#post({ type: "place.readmit", place }, NOW);
  }
  handOver(to: string): void {
    this.#post({ type: "charge.give", to }, NOW);
  }

  ask(question: NewQuestion): Promise<Outcome> {
    return this.#post({ type: "question.open", ...question }, NOW);
  }
  closeQuestion(): void {
    this.#post({ type: "question.close" }, NOW);
  }
  showResults(question: number, shown: boolean): void {
    this.#post({ type: "question.show", question, shown }, { ...NOW, subject: "results" });
  }

  showWorks(works: readonly number[], named: boolean): void {
    this.#post({ type: "work.show", works: [...works], named }, { ...NOW, subject: "works" });
  }
  keepWork(work: number, kept: boolean): void {
    this.#post({ type: "work.keep", work, kept }, { subject: `keep ${work}` });
  }
  deleteWork(work: number): void {
    this.#post({ type: "work.delete", work });
  }

  /** @param place `null`: to the helpers of all rooms */
  sendMessage(place: string | null, text: string): Promise<Outcome> {
    return this.#post({ type: "message.send", place, key: randomKey(), text });
  }

  /** The messages of a room were looked at. */
  markRead(place: string): void {
    const newest = this.#facts.peek().messages.filter((message) => message.place === place);
    const no = newest[newest.length - 1]?.no ?? 0;
    if ((this.#read.peek().get(place) ?? 0) < no) {
      this.#read.value = new Map(this.#read.peek()).set(place, no);
    }
  }

  /** Messages a room's helper can see. */
  messagesOf(place: string): readonly PrivateMessage[] {
    return this.#facts.value.messages.filter((message) => message.place === null || message.place === place);
  }

  /** A work's photo as an address for an `<img>`; `null` when it cannot be had. */
  workPicture(no: number): Promise<string | null> {
    const key = `${this.#lesson}/${no}`;
    const known = this.#pictures.get(key);
    if (known !== undefined) return known;
    const fetched = this.#fetchPicture(`/api/lessons/${this.#lesson}/works/${no}`);
    this.#pictures.set(key, fetched);
    void fetched.then((address) => {
      // Not there now is no reason not to ask later.
      if (address === null) this.#pictures.delete(key);
    });
    return fetched;
  }

  async #post(message: Command, options?: PostOptions): Promise<Outcome> {
    const outcome = await this.#outbox.post(message, options);
    if (outcome.kind === "refused") this.#options.onFailure(outcome.problem);
    if (outcome.kind === "expired") this.#options.onFailure(null);
    return outcome;
  }

  async #fetchPicture(address: string): Promise<string | null> {
    try {
      const response = await fetchWithin(30_000, address, { headers: this.#headers() });
      return response.ok ? URL.createObjectURL(await response.blob()) : null;
    } catch {
      return null;
    }
  }

  async #fetchQuestion(no: number): Promise<void> {
    if (this.#fetched === no || this.#lesson === null) return;
    this.#fetched = no;
    try {
      const address = `/api/lessons/${this.#lesson}/questions`;
      const response = await fetchWithin(10_000, address, { headers: this.#headers() });
      const read = decode(questionsDecoder, await response.json());
      const asked = read.ok ? read.value.questions.find((question) => question.no === no) : undefined;
      if (asked !== undefined) this.#facts.value = withAsked(this.#facts.peek(), asked);
    } catch {
      // The next question brings its own words.
      this.#fetched = -1;
    }
  }

  #headers(): { Authorization: string } {
    return { Authorization: `Bearer ${this.#options.token}` };
  }
}

function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
