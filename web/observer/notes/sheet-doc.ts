/**
 * One sheet while it is open: what stands on it, writing, undoing, and the way of every keystroke to the disk. Whoever writes
 * never waits: the page shows the new value at once, the disk follows within milliseconds, the server when it can.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Notebook, Registers } from "../../shared/notes/notebook.ts";
import {
  EMPTY,
  type Json,
  join,
  newestTick,
  type Register,
  same,
  standing,
  write,
} from "../../shared/notes/register.ts";
import { type SheetView, viewSheet, withKnownRows } from "../../shared/notes/sheet.ts";
import { type Replica, type Stamp, stampOf, TickClock } from "../../shared/notes/stamp.ts";

/** How the machine's own copy is. `failed`: the last words are only in this page. */
export type Disk = "saved" | "saving" | "failed";

interface Undo {
  readonly entries: readonly { readonly key: string; readonly before: Json; readonly stamp: Stamp }[];
  /** Typing goes on in the same undo while it goes on in one field. */
  readonly typing: string | null;
  at: number;
}

export interface SheetDocOptions {
  readonly id: string;
  readonly notebook: Notebook;
  readonly replica: Replica;
  readonly registers: Registers;
  /** A second tab of the same sheet; absent where the browser has none. */
  readonly channel?: Pick<BroadcastChannel, "postMessage" | "addEventListener" | "close">;
  readonly now?: () => number;
  /** After every change made here. */
  readonly onChange?: () => void;
}

/** Typing that rests this long begins a new undo. */
const TYPING_RESTS_MS = 2000;
const UNDO_MAX = 200;
const RETRY_DISK_MS = 5000;

export class SheetDoc {
  readonly id: string;
  readonly disk: Signal<Disk> = signal("saved");
  readonly view: ReadonlySignal<SheetView>;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
  private readonly options: SheetDocOptions;
  private readonly registers: Map<string, Register>;
  private readonly version = signal(0);
  private readonly clock = new TickClock();
  private readonly undos = signal<readonly Undo[]>([]);
  private readonly redos = signal<readonly Undo[]>([]);
  /** Written here and not on the disk yet. */
  private pending = new Map<string, Register>();
  private flushing: Promise<void> | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(options: SheetDocOptions) {
    this.options = options;
    this.id = options.id;
    this.registers = new Map(options.registers);
    for (const register of this.registers.values()) this.clock.hear(newestTick(register));
    let seen: SheetView | null = null;
    this.view = computed(() => {
      this.version.value;
      const view = viewSheet(this.registers);
      seen = seen === null ? view : withKnownRows(view, seen);
      return seen;
    });
    this.canUndo = computed(() => this.undos.value.length > 0);
    this.canRedo = computed(() => this.redos.value.length > 0);
    options.channel?.addEventListener("message", (event) => {
      const { data } = event as MessageEvent<[string, Register][]>;
      this.take(new Map(data));
    });
  }

  /** Everything on the sheet, as it is merged. */
  get all(): Registers {
    return this.registers;
  }

  value(key: string): Json | undefined {
    return standing(this.registers.get(key));
  }

  /** A stamp for naming something new; no other will ever equal it. */
  stamp(): Stamp {
    return stampOf(this.clock.tick(this.now()), this.options.replica);
  }

  /**
   * Writes values; together they are one undo.
   * @param typing the field somebody types in: its keystrokes become one undo
   */
  set(changes: readonly (readonly [key: string, value: Json])[], typing: string | null = null): void {
    const entries = this.apply(changes);
    if (entries.length === 0) return;
    this.remember(entries, typing);
    this.redos.value = [];
  }

  undo(): void {
    this.step(this.undos, this.redos);
  }

  redo(): void {
    this.step(this.redos, this.undos);
  }

  /** Takes in what another tab or the server has. */
  take(registers: Registers): void {
    let changed = false;
    for (const [key, register] of registers) {
      const known = this.registers.get(key) ?? EMPTY;
      const both = join(known, register);
      this.clock.hear(newestTick(register));
      if (both === known) continue;
      this.registers.set(key, both);
      changed = true;
    }
    if (changed) this.version.value += 1;
  }

  /** What the server sent: on the disk and in the page. */
  async takeFromServer(registers: Registers): Promise<void> {
    if (registers.size === 0) return;
    this.take(registers);
    try {
      this.take(await this.options.notebook.merge(this.id, registers, true));
    } catch {
      // What the server has is not lost; the next opening asks for it again.
    }
  }

  /** What the server has not acknowledged, also when the disk takes nothing. */
  async unsent(): Promise<Map<string, Register>> {
    const onDisk = await this.options.notebook.unsent(this.id).catch(() => new Map<string, Register>());
    const all = new Map(onDisk);
    for (const [key, register] of this.pending) all.set(key, join(all.get(key) ?? EMPTY, register));
    return all;
  }

  /** The server has these: what the disk refuses is at least there. */
  acknowledged(sent: Registers): void {
    if (this.disk.peek() !== "failed") return;
    for (const [key, register] of sent) {
      const waiting = this.pending.get(key);
      if (waiting !== undefined && same(waiting, register)) this.pending.delete(key);
    }
  }

  /** Whether closing the page now would lose words: neither disk nor server has them. */
  get atRisk(): boolean {
    return this.pending.size > 0;
  }

  /** Resolves when everything written so far is on the disk, or the disk has refused. */
  async settled(): Promise<void> {
    while (this.flushing !== null) await this.flushing;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retryTimer);
    this.options.channel?.close();
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }

  private apply(changes: readonly (readonly [key: string, value: Json])[]): Undo["entries"] {
    const entries: { key: string; before: Json; stamp: Stamp }[] = [];
    for (const [key, value] of changes) {
      const register = this.registers.get(key) ?? EMPTY;
      const before = standing(register) ?? null;
      // The same value again would still settle siblings; otherwise it is not worth a write.
      if (register.heads.length < 2 && sameJson(before, value)) continue;
      const stamp = this.stamp();
      const written = write(register, stamp, value);
      this.registers.set(key, written);
      this.pending.set(key, written);
      entries.push({ key, before, stamp });
    }
    if (entries.length === 0) return entries;
    this.version.value += 1;
    this.flush();
    this.options.onChange?.();
    return entries;
  }

  private remember(entries: Undo["entries"], typing: string | null): void {
    const now = this.now();
    const last = this.undos.value.at(-1);
    const [entry] = entries;
    if (
      typing !== null &&
      last?.typing === typing &&
      now - last.at < TYPING_RESTS_MS &&
      entries.length === 1 &&
      entry !== undefined &&
      last.entries[0] !== undefined
    ) {
      const joined = { entries: [{ ...last.entries[0], stamp: entry.stamp }], typing, at: now };
      this.undos.value = [...this.undos.value.slice(0, -1), joined];
      return;
    }
    this.undos.value = [...this.undos.value, { entries, typing, at: now }].slice(-UNDO_MAX);
  }

  /** Puts the earlier values back, but only where nothing else was written since. */
  private step(from: Signal<readonly Undo[]>, to: Signal<readonly Undo[]>): void {
    const last = from.value.at(-1);
    if (last === undefined) return;
    from.value = from.value.slice(0, -1);
    const untouched = last.entries.filter(
      ({ key, stamp }) => this.registers.get(key)?.heads.at(-1)?.[0] === stamp,
    );
    const entries = this.apply(untouched.map(({ key, before }) => [key, before] as const));
    if (entries.length > 0) to.value = [...to.value, { entries, typing: null, at: 0 }].slice(-UNDO_MAX);
  }

  /** One transaction at a time; what is written meanwhile goes with the next. */
  private flush(): void {
    if (this.flushing !== null) return;
    this.disk.value = this.disk.peek() === "failed" ? "failed" : "saving";
    this.flushing = this.write().finally(() => {
      this.flushing = null;
      if (this.pending.size > 0 && this.disk.peek() !== "failed") this.flush();
    });
  }

  private async write(): Promise<void> {
    const batch = new Map(this.pending);
    try {
      const joined = await this.options.notebook.merge(this.id, batch, false);
      // Another tab may have written into the same field a moment before.
      this.take(joined);
      for (const [key, register] of batch) if (this.pending.get(key) === register) this.pending.delete(key);
      this.options.channel?.postMessage([...joined]);
      this.disk.value = this.pending.size === 0 ? "saved" : "saving";
      this.options.onChange?.();
    } catch {
      this.disk.value = "failed";
      if (this.closed) return;
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.flush(), RETRY_DISK_MS);
    }
  }
}

function sameJson(one: Json, other: Json): boolean {
  return one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
}
