/** The minutes while they are written: kept on this machine at every keystroke, saved over the revision they began from. */
import { type Signal, signal } from "@preact/signals";
import { HttpRefusal } from "../shared/http.ts";
import {
  MINUTES_FIELDS,
  type Minutes,
  type MinutesField,
  type MinutesInfo,
  type NotesApi,
} from "../shared/notes/api.ts";

/** `draft`: as the server drafted them, nobody has written yet. */
export type MinutesState = "draft" | "saved" | "saving" | "unsaved" | "conflict";

const REST_MS = 1200;
const RETRY_MS = 5000;

interface Kept {
  readonly revision: number;
  readonly minutes: Minutes;
}

export class MinutesDesk {
  readonly minutes: Signal<Minutes | null> = signal<Minutes | null>(null);
  readonly state: Signal<MinutesState> = signal<MinutesState>("draft");
  readonly failed = signal(false);
  /** What stood before the draft was taken again, until somebody writes on. */
  readonly before: Signal<Minutes | null> = signal<Minutes | null>(null);
  private readonly api: Pick<NotesApi, "minutes" | "saveMinutes">;
  private readonly lesson: string;
  private revision = 0;
  private draft: Minutes | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving = false;

  constructor(api: Pick<NotesApi, "minutes" | "saveMinutes">, lesson: string) {
    this.api = api;
    this.lesson = lesson;
    void this.load();
  }

  /** Somebody looks at the minutes again: another organiser may have written meanwhile. */
  look(): void {
    const state = this.state.peek();
    if (this.minutes.peek() !== null && (state === "saved" || state === "draft")) void this.load();
  }

  write(field: MinutesField, text: string): void {
    const before = this.minutes.peek();
    if (before === null || before[field] === text) return;
    this.before.value = null;
    this.change({ ...before, [field]: text });
  }

  /** A line below what a field says, once; `false` while the minutes are not here yet. */
  add(field: MinutesField, line: string): boolean {
    const text = this.minutes.peek()?.[field];
    if (text === undefined) return false;
    if (!text.split("\n").includes(line)) this.write(field, text.trim() === "" ? line : `${text}\n${line}`);
    return true;
  }

  /** What the sheets say now; whoever pressed this by mistake takes back what stood before. */
  async takeDraft(): Promise<void> {
    const info = await this.api.minutes(this.lesson).catch(() => null);
    const [before, draft] = [this.minutes.peek(), info?.draft ?? this.draft];
    if (before === null || draft === null) return;
    const own: readonly MinutesField[] = ["chair", "secretary", "conclusion"];
    const kept = Object.fromEntries(own.map((field) => [field, before[field]]));
    this.change({ ...draft, ...kept } as Minutes);
    this.before.value = before;
  }

  takeBack(): void {
    const before = this.before.peek();
    if (before === null) return;
    this.before.value = null;
    this.change(before);
  }

  async takeTheirs(): Promise<void> {
    this.forget();
    await this.load();
  }

  async keepMine(): Promise<void> {
    const info = await this.api.minutes(this.lesson).catch(() => null);
    if (info === null) return;
    this.revision = info.revision;
    await this.save();
  }

  private change(minutes: Minutes): void {
    this.minutes.value = minutes;
    this.keep();
    if (this.state.peek() === "conflict") return;
    this.state.value = "saving";
    this.schedule(REST_MS);
  }

  private schedule(inMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), inMs);
  }

  private async load(): Promise<void> {
    let info: MinutesInfo;
    try {
      info = await this.api.minutes(this.lesson);
    } catch {
      this.failed.value = true;
      this.timer = setTimeout(() => void this.load(), RETRY_MS);
      return;
    }
    this.failed.value = false;
    this.draft = info.draft;
    const kept = this.kept();
    this.revision = info.revision;
    if (kept === null) {
      this.minutes.value = info.minutes;
      this.state.value = info.revision === 0 ? "draft" : "saved";
      return;
    }
    // Words of this machine that never reached the server, perhaps because the tab was closed.
    this.minutes.value = kept.minutes;
    if (kept.revision === info.revision) {
      this.state.value = "saving";
      this.schedule(0);
    } else {
      this.state.value = "conflict";
    }
  }

  private async save(): Promise<void> {
    const minutes = this.minutes.peek();
    if (minutes === null || this.saving) return;
    this.saving = true;
    try {
      const saved = await this.api.saveMinutes(this.lesson, this.revision, minutes);
      this.revision = saved.revision;
      if (this.minutes.peek() === minutes) {
        this.forget();
        this.state.value = "saved";
      } else {
        this.keep();
        this.schedule(REST_MS);
      }
    } catch (error) {
      if (error instanceof HttpRefusal && error.problem?.code === "conflict") {
        this.state.value = "conflict";
      } else {
        this.state.value = "unsaved";
        this.schedule(RETRY_MS);
      }
    } finally {
      this.saving = false;
    }
  }

  private get key(): string {
    return `nhipcau.minutes.${this.lesson}`;
  }

  private keep(): void {
    const minutes = this.minutes.peek();
    if (minutes === null) return;
    try {
      localStorage.setItem(this.key, JSON.stringify({ revision: this.revision, minutes } satisfies Kept));
    } catch {
      // Without storage the server's copy is the only one.
    }
  }

  private kept(): Kept | null {
    try {
      const found = JSON.parse(localStorage.getItem(this.key) ?? "null") as Partial<Kept> | null;
      const minutes = found?.minutes;
      if (minutes === undefined || typeof found?.revision !== "number") return null;
      const whole = MINUTES_FIELDS.every((field) => typeof minutes[field] === "string");
      return whole ? { revision: found.revision, minutes } : null;
    } catch {
      return null;
    }
  }

  private forget(): void {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // Nothing was kept either.
    }
  }
}
