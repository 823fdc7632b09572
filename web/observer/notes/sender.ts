/**
 * Brings a sheet to the server and back: what is not acknowledged, what changed there, pictures. It never gives up.
 * Every tab does it for itself: what two tabs send twice is one to the server.
 */
import { type Signal, signal } from "@preact/signals";
import { type BackoffPolicy, backoffMs } from "../../shared/backoff.ts";
import { HttpRefusal } from "../../shared/http.ts";
import type { NotesApi, SyncReply } from "../../shared/notes/api.ts";
import type { KnownSheet, Notebook } from "../../shared/notes/notebook.ts";
import type { Register } from "../../shared/notes/register.ts";
import type { Problem } from "../../shared/protocol.ts";
import { onWake } from "../../shared/wake.ts";
import type { SheetDoc } from "./sheet-doc.ts";

export type Sent =
  /** The server has everything. */
  | { kind: "sent" }
  /** Some is on the way, or about to be. */
  | { kind: "sending" }
  /** Nothing gets through; it is tried again by itself. */
  | { kind: "waiting" }
  /** Trying again does not help until somebody decides. */
  | { kind: "refused"; problem: Problem | null }
  /** The server had it and has it no longer: it was deleted there. */
  | { kind: "gone" };

export interface SenderOptions {
  readonly doc: SheetDoc;
  readonly notebook: Notebook;
  readonly sheet: KnownSheet;
  /** For the link the page was opened with: it may begin sheets. */
  readonly link: Pick<NotesApi, "beginSheet"> | null;
  /** For the sheet's own token. */
  readonly api: Pick<NotesApi, "sync" | "putPicture">;
  readonly onRefused: (refused: SyncReply["refused"]) => void;
  readonly onTimeline: (open: boolean) => void;
  readonly onRegistered?: () => void;
  readonly backoff?: BackoffPolicy;
  readonly random?: () => number;
}

const BACKOFF: BackoffPolicy = { firstMs: 1000, maxMs: 10_000 };
/** While somebody types, this long after a keystroke… */
const REST_MS = 500;
/** …and never longer than this after the first one. */
const REST_MAX_MS = 2000;
/** Another device may have written. */
const LOOK_EVERY_MS = 15_000;
/** Bytes of one request, well below the server's 64 KiB. */
const BATCH_BYTES = 40_000;

export class Sender {
  readonly state: Signal<Sent> = signal<Sent>({ kind: "sending" });
  private readonly options: SenderOptions;
  private registered: boolean;
  private since = 0;
  private compared = false;
  private attempt = 0;
  private busy = false;
  private wanted = false;
  private firstWantedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopWatching: (() => void) | null = null;
  private stopped = false;

  constructor(options: SenderOptions) {
    this.options = options;
    this.registered = options.sheet.registered;
  }

  start(): void {
    this.stopWatching = onWake(() => this.now());
    this.now();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.stopWatching?.();
  }

  /** Something was written. */
  nudge(): void {
    if (this.state.peek().kind === "sent") this.state.value = { kind: "sending" };
    const now = Date.now();
    if (!this.wanted) this.firstWantedAt = now;
    this.wanted = true;
    // The next try is due by itself; the one that may be on its way must not count as having brought this.
    if (this.attempt > 0) return;
    const rest = Math.min(REST_MS, Math.max(0, this.firstWantedAt + REST_MAX_MS - now));
    this.schedule(rest);
  }

  /** Tries at once: the network may be back, or somebody decided. */
  now(): void {
    const { kind } = this.state.peek();
    if (kind === "gone" || kind === "refused") return;
    this.attempt = 0;
    this.schedule(0);
  }

  /** Somebody wants the sheet on the server again although it was deleted there. */
  begin(): void {
    this.registered = false;
    this.compared = false;
    this.since = 0;
    this.state.value = { kind: "sending" };
    this.now();
  }

  private schedule(inMs: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), inMs);
  }

  private async run(): Promise<void> {
    if (this.busy || this.stopped) return;
    this.busy = true;
    this.wanted = false;
    try {
      const complete = await this.round();
      this.attempt = 0;
      if (this.wanted || !complete) {
        this.state.value = { kind: "sending" };
        this.schedule(complete ? REST_MS : 0);
      } else {
        this.state.value = { kind: "sent" };
        this.schedule(LOOK_EVERY_MS);
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.busy = false;
    }
  }

  /** One conversation with the server; `false` when there is more to send. */
  private async round(): Promise<boolean> {
    const { doc, notebook, sheet, api } = this.options;
    if (!this.registered) await this.register();
    if (!this.compared) {
      const all = await api.sync(0, new Map());
      await this.heard(all);
      await notebook.compare(sheet.id, all.registers).catch(() => undefined);
      this.compared = true;
    }
    await doc.settled();
    const unsent = await doc.unsent();
    const batch = firstBatch(unsent);
    const reply = await api.sync(this.since, batch);
    await this.heard(reply);
    const refused = new Set(reply.refused.map(({ key }) => key));
    // What is refused would be refused again: it counts as told, and the page says why.
    await notebook.acknowledge(sheet.id, batch);
    doc.acknowledged(batch);
    if (refused.size > 0) this.options.onRefused(reply.refused);
    if (batch.size < unsent.size) return false;
    return this.sendPicture();
  }

  private async heard(reply: SyncReply): Promise<void> {
    this.since = reply.seq;
    this.options.onTimeline(reply.timelineOpen);
    await this.options.doc.takeFromServer(reply.registers);
  }

  private async register(): Promise<void> {
    const { link, sheet, notebook } = this.options;
    if (link === null) throw new Error("no link to begin the sheet with");
    await link.beginSheet(sheet.lesson, sheet.id, sheet.token);
    this.registered = true;
    this.options.onRegistered?.();
    const known = (await notebook.sheet(sheet.id)) ?? sheet;
    await notebook.keepSheet({ ...known, registered: true }).catch(() => undefined);
  }

  /** Sends the oldest picture that waits; `true` when none is left. */
  private async sendPicture(): Promise<boolean> {
    const { notebook, sheet, api } = this.options;
    const [picture, ...others] = await notebook.unsentPictures(sheet.id).catch(() => []);
    if (picture === undefined) return true;
    try {
      await api.putPicture(picture.id, picture.blob);
    } catch (error) {
      // A picture the server does not take stays on this machine and in print; words must not wait for it.
      if (!(error instanceof HttpRefusal) || ![413, 415].includes(error.status)) throw error;
      this.options.onRefused([{ key: `picture.${picture.id}`, code: error.problem?.code ?? "notes_full" }]);
    }
    await notebook.keepPicture({ ...picture, sent: true });
    return others.length === 0;
  }

  private failed(error: unknown): void {
    const refusal = error instanceof HttpRefusal ? error : null;
    if (refusal?.problem?.code === "sheet_unknown" && this.registered) {
      this.state.value = { kind: "gone" };
      return;
    }
    if (refusal !== null && [400, 401, 403, 409, 413].includes(refusal.status)) {
      this.state.value = { kind: "refused", problem: refusal.problem };
      return;
    }
    const policy = this.options.backoff ?? BACKOFF;
    const wait = backoffMs(policy, this.attempt, (this.options.random ?? Math.random)());
    this.attempt += 1;
    this.state.value = { kind: "waiting" };
    this.schedule(Math.max(wait, refusal?.retryAfterMs ?? 0));
  }
}

/** As many registers as fit into one request; at least one. */
function firstBatch(unsent: ReadonlyMap<string, Register>): Map<string, Register> {
  const batch = new Map<string, Register>();
  let bytes = 0;
  const encoder = new TextEncoder();
  for (const [key, register] of unsent) {
    bytes += encoder.encode(JSON.stringify(register)).length + key.length + 8;
    if (batch.size > 0 && bytes > BATCH_BYTES) break;
    batch.set(key, register);
  }
  return batch;
}
