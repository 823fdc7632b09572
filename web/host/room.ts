/**
 * The teacher's side of one lesson: what the relay says, what is being sent, and what she may do now.
 *
 * One object per page. It joins the WebSocket, the publisher and the devices; components read its
 * signals and call its methods, and hold no lesson state of their own.
 */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { alreadyAllowed, askOnce } from "../shared/devices.ts";
import { Lead, type LessonWish } from "../shared/lead.ts";
import { isLessonMessage } from "../shared/lesson-protocol.ts";
import type {
  ClientMessage,
  Lesson,
  Problem,
  ServerMessage,
  ServerMessageOf,
  Slots,
} from "../shared/protocol.ts";
import { type RosterSummary, summarise } from "../shared/roster.ts";
import { SignalClient, type SignalStatus, signalUrl } from "../shared/signal-client.ts";
import { language } from "../shared/ui/language.tsx";
import { WhipClient, type WhipState } from "../shared/whip-client.ts";
import type { UplinkSample } from "../shared/whip-stats.ts";
import { isInCharge, type LiveTab } from "./live.ts";
import { Monitor } from "./monitor.ts";
import { Notices } from "./notices.ts";
import { Sources, sessionWishes } from "./sources.ts";
import { SlideStills } from "./stills.ts";
import { type RelayReport, UplinkJudge, type UplinkVerdict } from "./uplink.ts";

export type Roster = Omit<ServerMessageOf<"roster">, "type">;

export class HostRoom {
  readonly notices = new Notices();
  readonly sources = new Sources(
    (slot, track) => void this.#whip?.setSource(slot, track),
    (notice) => this.notices.add(notice),
  );
  /** The rooms: board, hands, questions, works, messages. */
  readonly lead: Lead;
  /** Sight and sound of the class that speaks. */
  readonly monitor: Monitor;
  readonly tab = signal<LiveTab>("class");
  /** Works chosen to be shown. */
  readonly chosenWorks = signal<readonly number[]>([]);
  readonly #token: string;
  readonly #signal: SignalClient;
  readonly #link = signal<SignalStatus>({ kind: "connecting", attempt: 0 });
  readonly #lesson = signal<Lesson | null>(null);
  readonly #roster = signal<Roster | null>(null);
  readonly #reaching = signal<Slots>({});
  readonly #whipState = signal<WhipState>({ kind: "idle" });
  readonly #sample = signal<UplinkSample | null>(null);
  readonly #verdict = signal<UplinkVerdict>("measuring");
  readonly #pending = signal<LessonWish | null>(null);
  readonly #judge = new UplinkJudge();
  #relayReport: RelayReport | null = null;
  #whip: WhipClient | null = null;
  readonly #stills: SlideStills;
  readonly #seenPlaces = new Set<string>();
  /** Server clock minus ours, ms. */
  #clockOffset = 0;

  /** Whether classes see and hear what is sent. */
  readonly onAir: ReadonlySignal<boolean> = computed(() => {
    const state = this.#lesson.value?.state;
    return state === "live" || state === "test_run";
  });

  /** The places in words, trouble first. */
  readonly places: ReadonlySignal<RosterSummary> = computed(() =>
    summarise(this.#roster.value?.places ?? [], this.#seenPlaces),
  );

  /** Whether this page teaches; with several host links only one does. */
  readonly inCharge: ReadonlySignal<boolean> = computed(() => isInCharge(this.lead.facts.value));

  constructor(token: string) {
    this.#token = token;
    this.#stills = new SlideStills(token);
    const send = (message: ClientMessage): boolean => this.#signal.send(message);
    this.lead = new Lead({
      token,
      send,
      onFailure: (problem) =>
        this.notices.add(problem === null ? { kind: "not_connected" } : { kind: "refused", problem }),
    });
    this.monitor = new Monitor({ token, send });
    this.#signal = new SignalClient({
      url: signalUrl(location),
      hello: () => ({
        type: "hello",
        v: 1,
        token,
        lang: language.peek(),
        // The host plays nothing, so she has no say in what others can decode.
        device: { kind: "browser", codecs: [] },
      }),
      onMessage: (message) => this.#receive(message),
      onStatus: (status) => this.#linkChanged(status),
    });
    this.#signal.start();
    effect(() => this.#publishWhileOnAir(this.onAir.value && this.inCharge.value));
    effect(() => {
      const lesson = this.#lesson.value;
      const onAir = this.onAir.value && lesson !== null ? lesson.id : null;
      this.monitor.follow(onAir, this.lead.facts.value.rooms.floor);
      const slides = this.sources.slides.value;
      const shared = slides.kind === "on" && this.inCharge.value ? slides.picture : null;
      this.#stills.follow(onAir, shared);
    });
    addEventListener("beforeunload", (event) => {
      if (this.#lesson.peek()?.state === "live") event.preventDefault();
    });
    // Classes learn at once that the teacher is gone, instead of looking at a still picture.
    addEventListener("pagehide", () => void this.#whip?.stop());
    // A page that comes back from the browser's cache has ended its session: begin afresh.
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
    void this.#openAfterReload();
  }

  get link(): ReadonlySignal<SignalStatus> {
    return this.#link;
  }
  get lesson(): ReadonlySignal<Lesson | null> {
    return this.#lesson;
  }
  get roster(): ReadonlySignal<Roster | null> {
    return this.#roster;
  }
  /** What really reaches the relay, in its own words. */
  get reaching(): ReadonlySignal<Slots> {
    return this.#reaching;
  }
  get publishing(): ReadonlySignal<WhipState> {
    return this.#whipState;
  }
  get sample(): ReadonlySignal<UplinkSample | null> {
    return this.#sample;
  }
  get verdict(): ReadonlySignal<UplinkVerdict> {
    return this.#verdict;
  }
  /** A wish that has not come true yet. */
  get pending(): ReadonlySignal<LessonWish | null> {
    return this.#pending;
  }

  /** Our best idea of the relay's clock, ms since the epoch. */
  serverNow(): number {
    return Date.now() + this.#clockOffset;
  }

  /** Opens camera and microphone; the browser may ask the teacher. */
  async openDevices(): Promise<void> {
    await askOnce();
    await Promise.all([this.sources.open("microphone"), this.sources.open("camera")]);
  }

  command(command: LessonWish): void {
    if (this.#pending.peek() !== null) return;
    this.#pending.value = command;
    void this.lead.wish(command).then(() => this.#settle());
  }

  /** Publishes again after the relay refused, once the teacher has dealt with the reason. */
  retry(): void {
    if (this.onAir.peek() && this.inCharge.peek()) this.#whip?.start();
  }

  /** Takes the lesson back from another computer that opened the same link. */
  takeBack(): void {
    this.#signal.start();
    this.retry();
    void this.openDevices();
  }

  #receive(message: ServerMessage): void {
    this.lead.receive(message);
    if (isLessonMessage(message)) return;
    switch (message.type) {
      case "welcome":
        this.#clockOffset = message.server_time - Date.now();
        this.#setLesson(message.lesson);
        this.monitor.welcomed();
        break;
      case "lesson":
        this.#setLesson(message.lesson);
        break;
      case "media":
        this.#reaching.value = message.slots;
        break;
      case "roster":
        for (const { id, state } of message.places) if (state !== "gone") this.#seenPlaces.add(id);
        this.#roster.value = message;
        break;
      case "codec":
        this.#whip?.preferCodec(message.prefer);
        break;
      case "uplink":
        this.#relayReport = message;
        break;
      case "error":
        // Refusals of what was done with rooms are told by `lead`.
        if (message.ref === undefined) this.#refused(message);
        break;
      case "closing":
      case "pong":
      // What viewers are told of their links and of the slides.
      case "link":
      case "still":
        break;
      default:
        message satisfies never;
    }
  }

  #setLesson(lesson: Lesson | null): void {
    if (lesson !== null && this.#whip === null) this.#whip = this.#publisher(lesson.id);
    if (lesson?.state !== this.#lesson.peek()?.state) this.#settle();
    this.#lesson.value = lesson;
    if (lesson?.state === "ended") this.sources.closeAll();
  }

  #publisher(lesson: string): WhipClient {
    const whip = new WhipClient({
      endpoint: `${location.origin}/whip/${lesson}`,
      token: this.#token,
      onState: (state) => {
        // Every new connection ramps up anew, and until then nothing is known of it.
        if (state.kind !== "publishing" || this.#whipState.peek().kind !== "publishing")
          this.#judge.restart();
        this.#whipState.value = state;
        if (state.kind !== "publishing") {
          this.#sample.value = null;
          this.#verdict.value = "measuring";
          this.#relayReport = null;
        }
      },
      onUplink: (sample) => {
        this.#sample.value = sample;
        this.#verdict.value = this.#judge.update(performance.now(), sample, this.#relayReport);
      },
    });
    const { camera, secondCamera, microphone, slides } = this.sources;
    const [program, extra, voice, shared] = [
      camera.peek(),
      secondCamera.peek(),
      microphone.peek(),
      slides.peek(),
    ];
    // Devices may have been opened before the relay told us which lesson this is.
    if (program.kind === "on") void whip.setSource("program_video", program.track);
    if (extra.kind === "on") void whip.setSource("extra_video", extra.track);
    if (voice.kind === "on") void whip.setSource("program_audio", voice.track);
    if (shared.kind === "on") {
      void whip.setSource("slides_video", shared.picture);
      void whip.setSource("extra_audio", shared.sound);
    }
    return whip;
  }

  #publishWhileOnAir(onAir: boolean): void {
    if (onAir) this.#whip?.start();
    else void this.#whip?.stop();
  }

  #linkChanged(status: SignalStatus): void {
    const before = this.#link.peek();
    this.#link.value = status;
    // The relay was away and is back: the media session may be a ghost on a restarted server.
    if (status.kind === "open" && before.kind !== "open") this.#whip?.nudge();
    if (status.kind === "refused") {
      void this.#whip?.stop();
      // Whoever may not teach here any more is not filmed either; another page may need the camera now.
      this.sources.closeAll();
    }
  }

  #refused(problem: Problem): void {
    this.#settle();
    this.notices.add({ kind: "refused", problem });
  }

  #settle(): void {
    this.#pending.value = null;
  }

  /** After a reload everything comes back by itself, as far as the browser's permissions reach. */
  async #openAfterReload(): Promise<void> {
    const wishes = sessionWishes();
    const [camera, microphone] = [await alreadyAllowed("camera"), await alreadyAllowed("microphone")];
    if (!microphone) return;
    await this.sources.open("microphone");
    if (camera && wishes?.camera !== false) await this.sources.open("camera");
    if (camera && wishes?.second_camera === true) await this.sources.open("second_camera");
    if (wishes?.slides === true) this.notices.add({ kind: "slides_need_hand" });
  }
}
