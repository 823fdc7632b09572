/**
 * The helper's side of a lesson: one object a page. It joins the WebSocket, the outbox, the photos and the phone's own camera;
 * components read its signals and call its methods.
 */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type {
  AnswerValue,
  HelpKind,
  PrivateMessage,
  RemoteAction,
  SpeakingDevice,
  Work,
} from "../shared/lesson-protocol.ts";
import { type Command, Outbox, type Outcome, type PostOptions } from "../shared/outbox.ts";
import type { Lesson, Place, Problem, ServerMessage } from "../shared/protocol.ts";
import { RoomCamera, type RoomDevices } from "../shared/room-camera.ts";
import { isOpen, NO_ROOM, type RoomFacts, reduceRoom } from "../shared/room-facts.ts";
import { SignalClient, type SignalStatus, signalUrl } from "../shared/signal-client.ts";
import { language } from "../shared/ui/language.tsx";
import { onWake } from "../shared/wake.ts";
import type { WhipState } from "../shared/whip-client.ts";
import { Listening, type ListeningState } from "./listening.ts";
import { type Photo, Photos, randomKey, uploadWork } from "./photos.ts";
import { isOnAir, type Task, taskOf } from "./task.ts";
import { type Unsent, UnsentMessages } from "./unsent.ts";

export type Tab = "class" | "works" | "messages" | "devices";

export class Phone {
  readonly #token: string;
  readonly #signal: SignalClient;
  readonly #outbox: Outbox;
  readonly #photoQueue: Photos;
  readonly #listening: Listening;
  readonly #unsent = new UnsentMessages();
  readonly camera: RoomCamera;

  readonly #link = signal<SignalStatus>({ kind: "connecting", attempt: 0 });
  readonly #welcomed = signal(false);
  readonly #lesson = signal<Lesson | null>(null);
  readonly #ended = signal<Lesson | null>(null);
  readonly #place = signal<Place | null>(null);
  readonly #facts = signal<RoomFacts>(NO_ROOM);
  readonly #messages = signal<readonly PrivateMessage[]>([]);
  readonly #works = signal<readonly Work[]>([]);
  readonly #photos = signal<readonly Photo[]>([]);
  readonly #waiting = signal(0);
  readonly #problem = signal<Problem | null>(null);
  readonly #lastOpen = signal<{ question: number; answered: boolean } | null>(null);
  readonly #helpWishes = signal<ReadonlyMap<HelpKind, boolean>>(new Map());
  readonly #handWish = signal<boolean | null>(null);
  readonly #answering = signal(false);
  readonly #devices = signal<RoomDevices>({ kind: "off" });
  readonly #publishing = signal<WhipState>({ kind: "idle" });
  readonly #willing = signal(false);
  readonly #testing = signal(false);
  readonly #listeningState = signal<ListeningState>("off");
  readonly #read = signal(0);
  /** Pictures of the photos this phone sent: showing them must not cost a download. */
  readonly #thumbnails = signal<ReadonlyMap<number, string>>(new Map());
  #clockOffset = 0;

  readonly tab = signal<Tab>("class");
  /** What the helper is asked to do now. */
  readonly task: ReadonlySignal<Task> = computed(() =>
    taskOf(this.#facts.value, this.#lesson.value, this.#lastOpen.value),
  );
  readonly unread: ReadonlySignal<number> = computed(
    () => this.#messages.value.filter(({ no, from }) => from !== "helper" && no > this.#read.value).length,
  );

  constructor(token: string) {
    this.#token = token;
    this.#outbox = new Outbox({
      send: (message) => this.#signal.send(message),
      onChange: (waiting) => {
        this.#waiting.value = waiting;
      },
    });
    this.camera = new RoomCamera({
      device: "phone",
      token,
      onChange: () => this.#cameraChanged(),
      onWeakLine: () => void this.#post({ type: "speak.audio_only", on: true }, { subject: "picture" }),
    });
    this.#willing.value = this.camera.willing;
    this.#listening = new Listening({
      token,
      send: (message) => this.#signal.send(message),
      onChange: (state) => {
        this.#listeningState.value = state;
      },
    });
    this.#photoQueue = new Photos({
      onChange: (photos) => {
        this.#photos.value = photos;
      },
      onDone: (no, thumbnail) => {
        this.#thumbnails.value = new Map(this.#thumbnails.peek()).set(no, thumbnail);
      },
      upload: async (key, jpeg, onProgress) => {
        const lesson = this.#lesson.peek();
        if (lesson === null) return { kind: "lost" };
        return uploadWork(`/api/lessons/${lesson.id}/works?key=${key}`, token, jpeg, onProgress);
      },
    });
    this.#signal = new SignalClient({
      url: signalUrl(location),
      hello: () => ({
        type: "hello",
        v: 1,
        token,
        lang: language.peek(),
        device: { kind: "browser", codecs: [] },
      }),
      onMessage: (message) => this.#receive(message),
      onStatus: (status) => {
        this.#link.value = status;
        if (status.kind === "refused") this.camera.stop();
      },
      onOutdated: () => undefined,
    });
    this.#signal.start();
    onWake(() => this.#photoQueue.nudge());
    addEventListener("pagehide", () => this.camera.stop());
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
    effect(() => {
      // Whoever has the messages before her eyes has read them.
      const newest = this.#messages.value[this.#messages.value.length - 1];
      if (this.tab.value === "messages" && newest !== undefined) this.#read.value = newest.no;
    });
    effect(() => {
      // A call waits sixty seconds, and the phone may lie on a table.
      if (this.task.value.kind === "called") navigator.vibrate?.([200, 100, 200]);
    });
  }

  get link(): ReadonlySignal<SignalStatus> {
    return this.#link;
  }
  get welcomed(): ReadonlySignal<boolean> {
    return this.#welcomed;
  }
  get lesson(): ReadonlySignal<Lesson | null> {
    return this.#lesson;
  }
  /** The lesson that ended here, until there is another one: the relay tells of it once and then of none. */
  get ended(): ReadonlySignal<Lesson | null> {
    return this.#ended;
  }
  get place(): ReadonlySignal<Place | null> {
    return this.#place;
  }
  get facts(): ReadonlySignal<RoomFacts> {
    return this.#facts;
  }
  get messages(): ReadonlySignal<readonly PrivateMessage[]> {
    return this.#messages;
  }
  get unsent(): ReadonlySignal<readonly Unsent[]> {
    return this.#unsent.list;
  }
  get works(): ReadonlySignal<readonly Work[]> {
    return this.#works;
  }
  get photos(): ReadonlySignal<readonly Photo[]> {
    return this.#photos;
  }
  get thumbnails(): ReadonlySignal<ReadonlyMap<number, string>> {
    return this.#thumbnails;
  }
  /** Messages the relay has not confirmed yet. */
  get waiting(): ReadonlySignal<number> {
    return this.#waiting;
  }
  /** Why the last wish was refused, until dismissed. */
  get problem(): ReadonlySignal<Problem | null> {
    return this.#problem;
  }
  get helpWishes(): ReadonlySignal<ReadonlyMap<HelpKind, boolean>> {
    return this.#helpWishes;
  }
  /** Where the hand is going, while that is on its way. */
  get handWish(): ReadonlySignal<boolean | null> {
    return this.#handWish;
  }
  /** An answer is on its way. */
  get answering(): ReadonlySignal<boolean> {
    return this.#answering;
  }
  get devices(): ReadonlySignal<RoomDevices> {
    return this.#devices;
  }
  get publishing(): ReadonlySignal<WhipState> {
    return this.#publishing;
  }
  get willing(): ReadonlySignal<boolean> {
    return this.#willing;
  }
  get testing(): ReadonlySignal<boolean> {
    return this.#testing;
  }
  get listening(): ReadonlySignal<ListeningState> {
    return this.#listeningState;
  }

  /** Our best idea of the relay's clock, ms since the epoch. */
  serverNow(): number {
    return Date.now() + this.#clockOffset;
  }

  dismissProblem(): void {
    this.#problem.value = null;
  }

  /** Takes the link back from another page that opened it. */
  takeBack(): void {
    this.#signal.start();
  }

  raiseHand(up: boolean): void {
    this.#handWish.value = up;
    this.camera.expectCall(up);
    void this.#post({ type: "hand", up }, { subject: "hand" }).then((outcome) => {
      if (outcome.kind !== "superseded") this.#handWish.value = null;
    });
  }

  callHelp(kind: HelpKind, on: boolean): void {
    this.#helpWishes.value = new Map(this.#helpWishes.peek()).set(kind, on);
    void this.#post({ type: "help", kind, on }, { subject: `help ${kind}` }).then((outcome) => {
      if (outcome.kind === "superseded") return;
      const left = new Map(this.#helpWishes.peek());
      left.delete(kind);
      this.#helpWishes.value = left;
    });
  }

  answer(question: number, value: AnswerValue): void {
    this.#answering.value = true;
    void this.#post({ type: "answer", question, value }, { subject: `answer ${question}` }).then(
      (outcome) => {
        if (outcome.kind !== "superseded") this.#answering.value = false;
      },
    );
  }

  /** Opens camera and microphone here first: whoever says no to the browser has not accepted the call. */
  async speakHere(audioOnly: boolean): Promise<void> {
    if (!(await this.camera.allow())) return;
    const devices = this.camera.devices;
    const pictureless = audioOnly || devices.kind !== "on" || devices.camera === null;
    const device: SpeakingDevice = "phone";
    await this.#post(
      { type: "speak.accept", audio_only: pictureless, device },
      { subject: "speak", keepMs: 60_000 },
    );
  }

  stopSpeaking(): void {
    void this.#post({ type: "speak.stop" }, { subject: "speak", keepMs: 60_000 });
  }

  passWord(): void {
    void this.#post({ type: "speak.pass" }, { keepMs: 15_000 });
  }

  setPicture(on: boolean): void {
    void this.#post({ type: "speak.audio_only", on: !on }, { subject: "picture", keepMs: 30_000 });
  }

  async showCamera(on: boolean): Promise<void> {
    if (on && !(await this.camera.allow())) return;
    this.camera.setShowing(on);
    const outcome = await this.#post({ type: "camera", on }, { subject: "camera", keepMs: 60_000 });
    if (outcome.kind === "refused" || outcome.kind === "expired") this.camera.setShowing(false);
  }

  remote(action: RemoteAction): Promise<Outcome> {
    return this.#post({ type: "remote", action }, { keepMs: 10_000 });
  }

  sendMessage(text: string): void {
    this.#postMessage(this.#unsent.add(randomKey(), text));
  }

  addPhoto(file: File): void {
    void this.#photoQueue.add(file);
  }
  dropPhoto(key: string): void {
    this.#photoQueue.drop(key);
  }
  deleteWork(work: number): void {
    void this.#post({ type: "work.delete", work });
  }

  listen(on: boolean): void {
    this.#listening.set(on);
  }

  /** A work as the relay keeps it; costs about 100 KiB. */
  async workPicture(no: number): Promise<Blob | null> {
    const lesson = this.#lesson.peek();
    if (lesson === null) return null;
    const response = await fetch(`/api/lessons/${lesson.id}/works/${no}`, {
      headers: { Authorization: `Bearer ${this.#token}` },
    }).catch(() => null);
    return response?.ok ? response.blob() : null;
  }

  #postMessage({ key, text }: Unsent): void {
    void this.#post({ type: "message.send", key, text }).then(() => this.#unsent.remove(key));
  }

  async #post(message: Command, options?: PostOptions): Promise<Outcome> {
    const outcome = await this.#outbox.post(message, options);
    if (outcome.kind === "refused") this.#problem.value = outcome.problem;
    return outcome;
  }

  #receive(message: ServerMessage): void {
    this.#outbox.receive(message);
    this.#facts.value = reduceRoom(this.#facts.peek(), message);
    switch (message.type) {
      case "welcome":
        this.#clockOffset = message.server_time - Date.now();
        this.#place.value = message.place;
        this.#setLesson(message.lesson);
        this.#listening.welcomed();
        this.#photoQueue.nudge();
        if (!this.#welcomed.peek()) {
          this.#welcomed.value = true;
          // Written before the page was closed, and never confirmed.
          for (const unsent of this.#unsent.list.peek()) this.#postMessage(unsent);
        }
        break;
      case "lesson":
        this.#setLesson(message.lesson);
        break;
      case "question":
        if (isOpen(message.question))
          this.#lastOpen.value = { question: message.question.no, answered: false };
        break;
      case "room": {
        const { answer, turn } = message;
        const last = this.#lastOpen.peek();
        if (turn !== null) this.#lastOpen.value = null;
        else if (last !== null && answer !== null && answer.question === last.question) {
          this.#lastOpen.value = { ...last, answered: true };
        }
        break;
      }
      case "messages":
        this.#messages.value = message.messages;
        break;
      case "message": {
        const { type: _, ...news } = message;
        this.#messages.value = [...this.#messages.peek().filter(({ no }) => no !== news.no), news];
        this.#unsent.remove(news.key);
        break;
      }
      case "works":
        this.#works.value = message.works;
        break;
      default:
        // Media, the board and what leads are told is not for this page.
        break;
    }
    this.#followRoom();
  }

  #setLesson(lesson: Lesson | null): void {
    if (lesson?.id !== this.#lesson.peek()?.id) {
      this.#facts.value = NO_ROOM;
      this.#messages.value = [];
      this.#works.value = [];
      this.#lastOpen.value = null;
      this.#read.value = 0;
    }
    this.#lesson.value = lesson;
    if (lesson?.state === "ended") {
      this.#ended.value = lesson;
      this.tab.value = "class";
    } else if (lesson !== null) {
      this.#ended.value = null;
    }
  }

  #followRoom(): void {
    const lesson = this.#lesson.peek();
    const onAir = isOnAir(lesson) ? lesson.id : null;
    const { room } = this.#facts.peek();
    this.camera.follow(onAir, room);
    this.#listening.follow(onAir);
    const speaksHere =
      room !== null && room.turn?.device === "phone" && this.camera.publishing.kind !== "idle";
    this.#listening.setQuiet(speaksHere);
  }

  #cameraChanged(): void {
    this.#devices.value = this.camera.devices;
    this.#publishing.value = this.camera.publishing;
    this.#willing.value = this.camera.willing;
    this.#testing.value = this.camera.test;
  }
}
