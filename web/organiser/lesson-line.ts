/** A live view of one lesson for its organiser, over the WebSocket: state, places, what the teacher sends. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Lesson, Problem, ServerMessageOf, Slots } from "../shared/protocol.ts";
import { type RosterSummary, summarise } from "../shared/roster.ts";
import { SignalClient, type SignalStatus, signalUrl } from "../shared/signal-client.ts";
import { language } from "../shared/ui/language.tsx";

export type LessonWish = "lesson.test" | "lesson.start" | "lesson.end";

export class LessonLine {
  readonly #signal: SignalClient;
  readonly #status = signal<SignalStatus>({ kind: "connecting", attempt: 0 });
  readonly #lesson = signal<Lesson | null>(null);
  readonly #roster = signal<Omit<ServerMessageOf<"roster">, "type"> | null>(null);
  readonly #slots = signal<Slots>({});
  readonly #problem = signal<Problem | null>(null);
  readonly #seen = new Set<string>();

  /** The places in words, trouble first; `null` until the server has said. */
  readonly places: ReadonlySignal<RosterSummary | null> = computed(() =>
    this.#roster.value === null ? null : summarise(this.#roster.value.places, this.#seen),
  );

  constructor(token: string, lesson: string) {
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
        switch (message.type) {
          case "welcome":
          case "lesson":
            this.#lesson.value = message.lesson;
            this.#problem.value = null;
            break;
          case "roster":
            for (const { id, state } of message.places) if (state !== "gone") this.#seen.add(id);
            this.#roster.value = message;
            break;
          case "media":
            this.#slots.value = message.slots;
            break;
          case "error":
            this.#problem.value = message;
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
  get connected(): number {
    return this.#roster.value?.connected ?? 0;
  }
  get observers(): number {
    return this.#roster.value?.observers ?? 0;
  }
  get slots(): ReadonlySignal<Slots> {
    return this.#slots;
  }
  /** Why the last wish was refused. */
  get problem(): ReadonlySignal<Problem | null> {
    return this.#problem;
  }

  /** `false` when there is no connection to say it over. */
  wish(type: LessonWish): boolean {
    return this.#signal.send({ type });
  }

  close(): void {
    this.#signal.stop();
  }
}
