/** What the parts of an open sheet share: the sheet, its form, the row being written, the lesson's moment. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Moment } from "../../shared/lesson-moment.ts";
import type { Form } from "../../shared/notes/form.ts";
import { type Row, rowKey, type SheetView } from "../../shared/notes/sheet.ts";
import { randomText } from "../../shared/notes/stamp.ts";
import { lessonTime } from "../../shared/notes/time.ts";
import type { VideoSlot } from "../../shared/protocol.ts";
import { newRow } from "./actions.ts";
import type { Desk, OpenSheet } from "./desk.ts";
import type { SheetDoc } from "./sheet-doc.ts";
import { snapshot } from "./snapshot.ts";
import { t } from "./words.ts";

/** What the page around the sheet gives it; a sheet opened without the lesson has neither pictures nor a clock. */
export interface Surroundings {
  readonly moment: () => Moment;
  readonly shown: ReadonlySignal<readonly VideoSlot[]>;
  readonly video: (slot: VideoSlot) => HTMLVideoElement | null;
}

export class Writing {
  readonly desk: Desk;
  readonly sheet: OpenSheet;
  readonly doc: SheetDoc;
  readonly view: ReadonlySignal<SheetView>;
  readonly form: ReadonlySignal<Form | null>;
  readonly canSnap: ReadonlySignal<readonly VideoSlot[]>;
  /** The row whose tools are in sight. */
  readonly active: Signal<string | null> = signal<string | null>(null);
  /** The phase of the next row. */
  readonly phase: Signal<string | null> = signal<string | null>(null);
  private readonly around: Surroundings;
  private fresh: string | null = null;

  constructor(desk: Desk, sheet: OpenSheet, around: Surroundings) {
    this.desk = desk;
    this.sheet = sheet;
    this.doc = sheet.doc;
    this.around = around;
    this.view = sheet.doc.view;
    this.form = computed(() => desk.formOf(this.view.value.form));
    this.canSnap = computed(() => around.shown.value.filter((slot) => around.video(slot) !== null));
    this.phase.value = this.view.peek().rows.at(-1)?.phase ?? this.form.peek()?.phases[0]?.id ?? null;
  }

  moment(): Moment {
    return this.around.moment();
  }

  /** When the lesson went live, on the relay's clock. */
  get startedAt(): number | null {
    const state = this.desk.state.value;
    return state.kind === "open" ? state.sheet.known.startedAt : this.sheet.known.startedAt;
  }

  timeText(row: Row): string {
    return row.at === null ? t("notes.time.unknown") : lessonTime(row.at.ms, this.startedAt);
  }

  /** A new row at the moment in sight; the next keystroke goes into it. */
  noteNow(): void {
    const { id, changes } = newRow(this.moment(), this.phase.value, this.doc.stamp());
    this.fresh = id;
    this.active.value = id;
    this.doc.set(changes);
  }

  /** Whether a row that has just been made should take the focus; once. */
  takesFocus(id: string): boolean {
    if (this.fresh !== id) return false;
    this.fresh = null;
    return true;
  }

  type(key: string, text: string): void {
    this.doc.set([[key, text]], key);
  }

  /** Puts a still of what a slot shows into a row; `false` when there was none. */
  async snap(row: Row, slot: VideoSlot): Promise<boolean> {
    const video = this.around.video(slot);
    const blob = video === null ? null : await snapshot(video);
    if (blob === null) return false;
    const id = randomText(16);
    try {
      await this.desk.keepPicture(id, blob);
    } catch {
      return false;
    }
    // The row may have got another picture meanwhile.
    const pics = this.view.peek().rows.find((one) => one.id === row.id)?.pics ?? row.pics;
    this.doc.set([[rowKey(row.id, "pics"), [...pics, id]]]);
    return true;
  }
}
