/** A live view of one lesson for its organiser, over the WebSocket: state, places, what the teacher sends. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { Lead } from "../shared/lead.ts";
import type { Lesson, Problem, Slots } from "../shared/protocol.ts";
import { SignalClient, type SignalStatus, signalUrl } from "../shared/signal-client.ts";
import { language } from "../shared/ui/language.tsx";

export class LessonLine {
  readonly #signal: SignalClient;
  readonly #status = signal<SignalStatus>({ kind: "connecting", attempt: 0 });
  readonly #lesson = signal<Lesson | null>(null);
  readonly #slots = signal<Slots>({});
  readonly #problem = signal<Problem | null>(null);
  /** The rooms: board, hands, messages. */
  readonly lead: Lead;
  /** Server clock minus ours, ms. */
  #clockOffset = 0;

  constructor(token: string, lesson: string) {
    this.lead = new Lead({
      token,
      send: (message) => this.#signal.send(message),
      onFailure: (problem) => {
        this.#problem.value = problem;
      },
    });
    this.#signal = new SignalClient({
      // An organiser of the whole server names the lesson; for the organiser of one lesson it changes nothing.
      url: `${signalUrl(location)}?lesson=${lesson}`,
      hello: () => ({
        type: "hello",
        v: 1,
        token,
        lang: language.peek(),
        device: { kind: "browser", codecs: [] },
      }),
      onMessage: (message) => {
        this.lead.receive(message);
        switch (message.type) {
          case "welcome":
            this.#clockOffset = message.server_time - Date.now();
            this.#lesson.value = message.lesson;
            this.#problem.value = null;
            break;
          case "lesson":
            this.#lesson.value = message.lesson;
            this.#problem.value = null;
            break;
          case "media":
            this.#slots.value = message.slots;
            break;
          case "error":
            if (message.ref === undefined) this.#problem.value = message;
            break;
          default:
            // codec, uplink, closing and pong are not for this page; the status tells of closing.
            break;
        }
      },
      onStatus: (status) => {
        this.#status.value = status;
      },
    });
    this.#signal.start();
  }

  get status(): ReadonlySignal<SignalStatus> {
    return this.#status;
  }
  /** Newer than the list's copy; `null` until welcomed. */
  get lesson(): ReadonlySignal<Lesson | null> {
    return this.#lesson;
  }
  /** Rooms that have a page open. */
  get connected(): number {
    return [...(this.lead.facts.value.tiles?.values() ?? [])].filter(({ screens }) => screens > 0).length;
  }
  /** Our best idea of the relay's clock, ms since the epoch. */
  serverNow(): number {
    return Date.now() + this.#clockOffset;
  }
  get slots(): ReadonlySignal<Slots> {
    return this.#slots;
  }
  /** Why the last wish was refused. */
  get problem(): ReadonlySignal<Problem | null> {
    return this.#problem;
  }

  close(): void {
    this.#signal.stop();
  }
}
