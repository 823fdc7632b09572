/**
 * What this screen does as the room's device: answers for the class, films and speaks, checks itself, obeys the remote commands
 * of the room's helper and of the leads.
 */
import type { CheckResult, RemoteAction } from "../shared/lesson-protocol.ts";
import { type Command, Outbox, type Outcome, type PostOptions } from "../shared/outbox.ts";
import type { ServerMessage } from "../shared/protocol.ts";
import { canSpeak, RoomCamera } from "../shared/room-camera.ts";
import type { Viewer } from "../shared/viewer.ts";
import { impossible, type ViewerFacts } from "../shared/viewer-state.ts";
import { lossBetween } from "../shared/whep-stats.ts";
import type { Answer } from "./asks.ts";
import { runCheck, sendCheck } from "./check.ts";
import { type CheckState, checkDelayMs, shouldCheck } from "./check-state.ts";
import type { CameraFacts, TvEvent } from "./state.ts";
import { playTestSound } from "./test-sound.ts";
import { TicketKeeper } from "./ticket.ts";

export interface RoomScreenOptions {
  readonly token: string;
  readonly viewer: Viewer;
  readonly apply: (event: TvEvent) => void;
  readonly onOwnCamera: (track: MediaStreamTrack | null) => void;
  readonly setMuted: (muted: boolean) => void;
}

const VOLUME_STEP = 0.1;
/** The teacher's voice from the loudspeakers while a phone in the same room is the microphone: soft, so that it is not sent back. */
const DUCKED = 0.3;
const CHECK_AGAIN_MS = 20_000;
/** Loss is counted over so long a piece of the test run. */
const LOSS_OVER_MS = 20_000;
/** The screen's own choice outlives a power cut, as a TV's volume does. */
const VOLUME_KEY = "nhipcau.volume";

export class RoomScreen {
  private readonly options: RoomScreenOptions;
  private readonly outbox: Outbox;
  private readonly camera: RoomCamera;
  private readonly tickets: TicketKeeper;
  private facts: ViewerFacts;
  private check: CheckState = { kind: "none" };
  private checking = false;
  private checkTimer: ReturnType<typeof setTimeout> | undefined;
  private lossTimer: ReturnType<typeof setTimeout> | undefined;
  private volume = rememberedVolume();
  private stopped = false;

  constructor(options: RoomScreenOptions) {
    this.options = options;
    this.facts = options.viewer.facts;
    this.outbox = new Outbox({ send: (message) => options.viewer.send(message) });
    this.camera = new RoomCamera({
      device: "tv",
      token: options.token,
      onChange: () => this.cameraChanged(),
      onWeakLine: () => void this.post({ type: "speak.audio_only", on: true }, { subject: "picture" }),
    });
    this.tickets = new TicketKeeper(options.token, (url) => options.apply({ type: "ticket", url }));
    this.cameraChanged();
    options.viewer.stage.setVolume(this.volume);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.checkTimer);
    clearTimeout(this.lossTimer);
    this.tickets.stop();
    this.camera.stop();
    this.options.onOwnCamera(null);
  }

  /** Everything the relay says. */
  receive(message: ServerMessage): void {
    this.outbox.receive(message);
    if (message.type === "welcome") this.tickets.renew();
    if (message.type === "remote") this.obey(message.action);
  }

  /** The viewer's facts changed. */
  follow(facts: ViewerFacts): void {
    this.facts = facts;
    const { lesson, rooms } = facts;
    const onAir = lesson !== null && (lesson.state === "live" || lesson.state === "test_run");
    this.camera.follow(onAir ? lesson.id : null, rooms.room);
    this.setLoudness();
    if (!this.checking && shouldCheck(this.check, lesson, facts.signal.kind === "open")) {
      this.checking = true;
      this.checkTimer = setTimeout(() => void this.runCheck(), checkDelayMs(Math.random()));
    }
    this.countLoss();
  }

  /** Loss needs packets, and those come in the teacher's test run: counted then, and added to what was found before. */
  private countLoss(): void {
    const before = this.options.viewer.received;
    if (this.lossTimer !== undefined || before === null || !this.wantsLoss()) return;
    this.lossTimer = setTimeout(() => {
      this.lossTimer = undefined;
      const after = this.options.viewer.received;
      const loss = after === null ? null : lossBetween(before, after);
      if (loss !== null && this.wantsLoss()) void this.tellLoss(loss);
    }, LOSS_OVER_MS);
  }

  private wantsLoss(): boolean {
    const { lesson } = this.facts;
    const { check } = this;
    const rehearsed = lesson !== null && lesson.rehearsal === true && lesson.state === "test_run";
    return (
      rehearsed && check.kind === "done" && check.lesson === lesson.id && check.result.loss === undefined
    );
  }

  private async tellLoss(loss: number): Promise<void> {
    const { check } = this;
    if (check.kind !== "done") return;
    const result: CheckResult = { ...check.result, loss };
    try {
      const { verdict } = await sendCheck(this.options.token, check.lesson, result);
      this.options.apply({ type: "check", event: { type: "done", lesson: check.lesson, result, verdict } });
    } catch {
      // The next change of the lesson counts again.
    }
  }

  /** The TV's state of the check, so that it is not run twice. */
  noteCheck(check: CheckState): void {
    this.check = check;
  }

  raiseHand(up: boolean): void {
    this.camera.expectCall(up);
    void this.post({ type: "hand", up }, { subject: "hand", keepMs: 60_000 });
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on) this.camera.forbid();
    else if (await this.camera.allow()) this.camera.follow(this.lessonOnAir(), this.facts.rooms.room);
  }

  /** Call it in a key or click handler. */
  answer(answer: Answer): void {
    switch (answer.kind) {
      case "accept":
        void this.speak(answer.audioOnly);
        break;
      case "stop":
        void this.post({ type: "speak.stop" }, { subject: "speak", keepMs: 60_000 });
        break;
      case "picture":
        void this.post({ type: "speak.audio_only", on: !answer.on }, { subject: "picture", keepMs: 30_000 });
        break;
      case "pass":
        void this.post({ type: "speak.pass" }, { keepMs: 15_000 });
        break;
      case "camera":
        void this.showCamera(answer.on);
        break;
      case "option":
        void this.post(
          { type: "answer", question: answer.question, value: { option: answer.option } },
          { subject: `answer ${answer.question}` },
        );
        break;
      case "play_sound":
        void this.askSound();
        break;
      case "heard":
        void this.tellSound(answer.heard);
        break;
      default:
        impossible(answer);
    }
  }

  async testSound(): Promise<void> {
    this.options.apply({ type: "note", note: { kind: "test", at: Date.now() } });
    const outcome = await playTestSound(this.volume);
    // The browser wants a key first; the lesson's own notice says which.
    if (outcome === "blocked") this.options.viewer.stage.unblock();
  }

  async runCheck(): Promise<void> {
    clearTimeout(this.checkTimer);
    const { lesson } = this.facts;
    if (lesson === null || this.stopped) {
      this.checking = false;
      return;
    }
    this.checking = true;
    const before: CheckResult =
      this.check.kind === "done" && this.check.lesson === lesson.id ? this.check.result : {};
    const apply = this.options.apply;
    try {
      const done = await runCheck(
        {
          token: this.options.token,
          lesson: lesson.id,
          mayMeasure: this.lessonOnAir() === null,
          onStep: (step) => apply({ type: "check", event: { type: "step", lesson: lesson.id, step } }),
        },
        before,
      );
      if (this.stopped) return;
      const { result, verdict } = done;
      apply({ type: "check", event: { type: "done", lesson: lesson.id, result, verdict } });
    } catch {
      if (this.stopped) return;
      apply({ type: "check", event: { type: "failed", lesson: lesson.id } });
      this.checkTimer = setTimeout(() => void this.runCheck(), CHECK_AGAIN_MS);
      return;
    }
    this.checking = false;
  }

  private async askSound(): Promise<void> {
    this.options.apply({ type: "check", event: { type: "sound", sound: "playing" } });
    await playTestSound(this.volume);
    this.options.apply({ type: "check", event: { type: "sound", sound: "asked" } });
  }

  private async tellSound(heard: boolean): Promise<void> {
    const { check } = this;
    if (check.kind !== "done") return;
    const result: CheckResult = { ...check.result, sound_heard: heard };
    try {
      const { verdict } = await sendCheck(this.options.token, check.lesson, result);
      this.options.apply({ type: "check", event: { type: "heard", result, verdict } });
    } catch {
      // The question stays; the next press tells it again.
      this.options.apply({ type: "check", event: { type: "sound", sound: "asked" } });
    }
  }

  private async speak(audioOnly: boolean): Promise<void> {
    if (!(await this.camera.allow())) return;
    const { devices } = this.camera;
    const pictureless = audioOnly || devices.kind !== "on" || devices.camera === null;
    await this.post(
      { type: "speak.accept", audio_only: pictureless, device: "tv" },
      { subject: "speak", keepMs: 60_000 },
    );
  }

  private async showCamera(on: boolean): Promise<void> {
    if (on && !(await this.camera.allow())) return;
    this.camera.setShowing(on);
    const outcome = await this.post({ type: "camera", on }, { subject: "camera", keepMs: 60_000 });
    if (outcome.kind === "refused" || outcome.kind === "expired") this.camera.setShowing(false);
  }

  private obey(action: RemoteAction): void {
    switch (action) {
      case "test_sound":
        void this.testSound();
        break;
      case "unmute":
      case "mute":
        this.options.setMuted(action === "mute");
        break;
      case "volume_up":
      case "volume_down":
        this.turn(action === "volume_up" ? VOLUME_STEP : -VOLUME_STEP);
        break;
      case "reload":
        window.location.reload();
        break;
      case "check":
        if (!this.checking) void this.runCheck();
        break;
      default:
        impossible(action);
    }
  }

  private turn(by: number): void {
    this.volume = Math.min(1, Math.max(0, Math.round((this.volume + by) * 10) / 10));
    try {
      localStorage.setItem(VOLUME_KEY, String(this.volume));
    } catch {
      // Then it is as loud as usual after the next power cut.
    }
    this.setLoudness();
    this.options.apply({ type: "volume", volume: this.volume, at: Date.now() });
  }

  private setLoudness(): void {
    const turn = this.facts.rooms.room?.turn ?? null;
    const ducked = turn !== null && turn.device === "phone" && turn.phase !== "called";
    this.options.viewer.stage.setVolume(ducked ? this.volume * DUCKED : this.volume);
  }

  private lessonOnAir(): string | null {
    const { lesson } = this.facts;
    return lesson !== null && (lesson.state === "live" || lesson.state === "test_run") ? lesson.id : null;
  }

  private post(message: Command, options: PostOptions): Promise<Outcome> {
    return this.outbox.post(message, options);
  }

  private cameraChanged(): void {
    const { devices, willing } = this.camera;
    const camera: CameraFacts = {
      able: canSpeak(),
      willing,
      state: devices.kind,
      problem: devices.kind === "failed" ? devices.problem : null,
      picture: devices.kind === "on" && devices.camera !== null,
    };
    this.options.onOwnCamera(devices.kind === "on" ? devices.camera : null);
    this.options.apply({ type: "camera", camera });
  }
}

function rememberedVolume(): number {
  try {
    const volume = Number(localStorage.getItem(VOLUME_KEY) ?? "1");
    return volume >= 0 && volume <= 1 ? volume : 1;
  } catch {
    return 1;
  }
}
