/** The observer page's state as signals around one `Viewer`. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Moment } from "../shared/lesson-moment.ts";
import { MediaClock } from "../shared/media-clock.ts";
import { VIDEO_SLOTS, type VideoSlot } from "../shared/protocol.ts";
import { pictured } from "../shared/room-facts.ts";
import type { Stage } from "../shared/stage.ts";
import { language } from "../shared/ui/language.tsx";
import { Viewer } from "../shared/viewer.ts";
import {
  type LessonView,
  lessonClockMs,
  lessonView,
  type ViewerFacts,
  wantsStill,
} from "../shared/viewer-state.ts";
import type { ShownStill } from "../shared/weak-link.ts";
import { WhepSession } from "../shared/whep-session.ts";
import { rememberedWriter } from "./notes/writer.ts";
import { clampSplit, isPictureComing, SPLIT, shownSlots, type ViewChoice } from "./view.ts";

const SPLIT_KEY = "nhipcau.observer.split";
const TICK_MS = 500;

export class Observing {
  readonly facts: Signal<ViewerFacts>;
  readonly now = signal(Date.now());
  readonly choice = signal<ViewChoice>("both");
  readonly muted = signal(false);
  /** The slide as a still image, fetched. */
  readonly still = signal<ShownStill | null>(null);
  /** Share of the left picture in percent. */
  readonly split = signal(rememberedSplit());
  readonly view: ReadonlySignal<LessonView>;
  /** Time since the lesson went live; `null` before. */
  readonly clockMs: ReadonlySignal<number | null>;
  readonly published: ReadonlySignal<readonly VideoSlot[]>;
  readonly shown: ReadonlySignal<readonly VideoSlot[]>;
  /** The first picture may be here in a moment. */
  readonly pictureIsComing: ReadonlySignal<boolean>;
  /** The still that stands for the slides now. */
  readonly shownStill: ReadonlySignal<ShownStill | null>;
  private readonly viewer: Viewer;
  private readonly clock: MediaClock;

  constructor(token: string) {
    this.viewer = new Viewer({
      token,
      kind: "browser",
      language: () => language.peek(),
      name: () => shownName(rememberedWriter().name),
      onChange: (facts) => {
        this.facts.value = facts;
        // Words about a change must not wait for the next tick of the clock.
        this.now.value = Date.now();
        this.clock.judge.setServerTime(Date.now() + facts.clockOffsetMs, performance.now());
      },
      onStill: (still) => {
        this.still.value = still;
      },
      onSession: (session) => {
        if (session instanceof WhepSession) this.clock.follow(session);
      },
    });
    this.clock = new MediaClock(this.viewer.stage, (slot, playerS) => this.viewer.captureTime(slot, playerS));
    this.facts = signal(this.viewer.facts);
    this.view = computed(() => lessonView(this.facts.value));
    this.clockMs = computed(() => {
      const { lesson } = this.facts.value;
      return lesson === null ? null : lessonClockMs(lesson, this.facts.value, this.now.value);
    });
    this.published = computed(() => VIDEO_SLOTS.filter((slot) => this.facts.value.slots[slot] !== undefined));
    this.pictureIsComing = computed(() => isPictureComing(this.view.value, this.facts.value));
    this.shownStill = computed(() => (wantsStill(this.facts.value) ? this.still.value : null));
    this.shown = computed(() =>
      shownSlots(
        this.choice.value,
        this.published.value,
        pictured(this.facts.value.rooms.floor)?.why === "speaks",
      ),
    );
    this.shown.subscribe((shown) => {
      this.stage.setShown(shown);
      this.clock.judge.setShown(shown);
    });
    setInterval(() => {
      this.now.value = Date.now();
    }, TICK_MS);
    this.viewer.start();
  }

  /** The name she writes her sheet under is the one she is in the report by. */
  tellName(name: string): void {
    const shown = shownName(name);
    if (shown !== null) this.viewer.send({ type: "name", name: shown });
  }

  /** The moment of the lesson in sight now. */
  moment(): Moment {
    return this.clock.moment();
  }

  get stage(): Stage {
    return this.viewer.stage;
  }

  /** Call inside a click or key handler: it may be the gesture that lets sound begin. */
  toggleSound(): void {
    const on = this.facts.value.sound === "blocked" || this.muted.value;
    this.muted.value = !on;
    this.stage.setMuted(!on);
    if (on) this.stage.unblock();
  }

  moveSplit(percent: number): void {
    this.split.value = clampSplit(percent);
    try {
      localStorage.setItem(SPLIT_KEY, String(this.split.value));
    } catch {
      // Without storage the border stands in its usual place next time.
    }
  }
}

function rememberedSplit(): number {
  try {
    const percent = Number(localStorage.getItem(SPLIT_KEY) ?? SPLIT.usual);
    return Number.isFinite(percent) ? clampSplit(percent) : SPLIT.usual;
  } catch {
    return SPLIT.usual;
  }
}

/** A name as the relay takes it (`PROTOCOL.md`, "name"); `null`: none was given. */
function shownName(name: string): string | null {
  const words = name.trim().slice(0, 100).trim();
  return words === "" ? null : words;
}
