/**
 * Messages that must arrive: kept until the relay says that what they changed is stored, and sent again after every
 * `welcome`. All of them may be sent twice, the second time changes nothing (`PROTOCOL.md`, "Acknowledgement").
 */
import type { LessonClientMessage } from "./lesson-protocol.ts";
import type { ClientMessage, Problem, ServerMessage } from "./protocol.ts";

export type Outcome =
  | { kind: "done" }
  | { kind: "refused"; problem: Problem }
  /** A newer message about the same thing took its place. */
  | { kind: "superseded" }
  /** It waited longer than it was worth. */
  | { kind: "expired" };

/** What may be sent this way. */
export type Command =
  | LessonClientMessage
  | { type: "lesson.test" | "lesson.start" | "lesson.end"; ref?: string };

export interface PostOptions {
  /** What it is about ("hand"): a newer message about the same thing replaces one that has not been acknowledged. */
  readonly subject?: string;
  /** Drop it when it is not acknowledged within this time, ms: calling a room minutes late would surprise everybody. */
  readonly keepMs?: number;
}

export interface OutboxOptions {
  /** `false` when there is no connection now. */
  readonly send: (message: ClientMessage) => boolean;
  /** The number of unacknowledged messages changed. */
  readonly onChange?: (waiting: number) => void;
}

interface Entry {
  readonly ref: string;
  readonly message: Command;
  readonly subject: string | undefined;
  readonly settle: (outcome: Outcome) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Refusals that say "not now": the message stays and is sent again after the next `welcome`. */
const NOT_NOW = ["draining", "storage_full", "internal"];

export class Outbox {
  private readonly options: OutboxOptions;
  private entries: Entry[] = [];
  private count = 0;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Messages without an answer yet, oldest first. */
  get waiting(): readonly Command[] {
    return this.entries.map(({ message }) => message);
  }

  /** Sends now, or as soon as there is a connection. */
  post(message: Command, { subject, keepMs }: PostOptions = {}): Promise<Outcome> {
    if (subject !== undefined) {
      for (const older of this.entries.filter((entry) => entry.subject === subject)) {
        this.settle(older, { kind: "superseded" });
      }
    }
    this.count += 1;
    const ref = String(this.count);
    return new Promise((resolve) => {
      const entry: Entry = { ref, message: { ...message, ref }, subject, settle: resolve, timer: undefined };
      if (keepMs !== undefined) {
        entry.timer = setTimeout(() => this.settle(entry, { kind: "expired" }), keepMs);
      }
      this.entries.push(entry);
      this.options.send(entry.message);
      this.options.onChange?.(this.entries.length);
    });
  }

  /** Hand every message of the relay to it. `true`: it answered one of ours. */
  receive(message: ServerMessage): boolean {
    if (message.type === "welcome") {
      for (const { message: kept } of this.entries) this.options.send(kept);
      return false;
    }
    if (message.type !== "ack" && message.type !== "error") return false;
    const entry = this.entries.find(({ ref }) => ref === message.ref);
    if (entry === undefined) return false;
    if (message.type === "ack") {
      this.settle(entry, { kind: "done" });
    } else if (NOT_NOW.indexOf(message.code) < 0) {
      const { code, detail, detail_vi } = message;
      this.settle(entry, { kind: "refused", problem: { code, detail, detail_vi } });
    }
    return true;
  }

  private settle(entry: Entry, outcome: Outcome): void {
    clearTimeout(entry.timer);
    this.entries = this.entries.filter((kept) => kept !== entry);
    entry.settle(outcome);
    this.options.onChange?.(this.entries.length);
  }
}
