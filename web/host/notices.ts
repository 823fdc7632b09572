/** Short messages about things that happened: each says what, and what to do when there is something to do. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Problem } from "../shared/protocol.ts";
import type { DeviceNotice } from "./sources.ts";

export type NoticeContent =
  | DeviceNotice
  /** The relay refused a command. */
  | { kind: "refused"; problem: Problem }
  /** A command could not be sent: no connection now. */
  | { kind: "not_connected" }
  /** After a reload the slides wait for the teacher: no browser shares a screen without her hand. */
  | { kind: "slides_need_hand" };

export interface Notice {
  readonly id: number;
  readonly content: NoticeContent;
}

/** More than this at once nobody reads; the oldest goes. */
const NOTICES_MAX = 3;
/** A notice that asks for nothing leaves by itself. */
const SHOWN_MS = 12_000;

export class Notices {
  readonly #list = signal<readonly Notice[]>([]);
  #nextId = 1;

  get list(): ReadonlySignal<readonly Notice[]> {
    return this.#list;
  }

  add(content: NoticeContent): void {
    const notice: Notice = { id: this.#nextId, content };
    this.#nextId += 1;
    const others = this.#list.peek().filter((shown) => subject(shown.content) !== subject(content));
    this.#list.value = [...others, notice].slice(-NOTICES_MAX);
    if (!lasting(content)) setTimeout(() => this.dismiss(notice.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.#list.value = this.#list.peek().filter((notice) => notice.id !== id);
  }

  /** Takes back what has been dealt with. */
  clear(kind: NoticeContent["kind"]): void {
    this.#list.value = this.#list.peek().filter((notice) => notice.content.kind !== kind);
  }
}

/** What a notice is about: news about the same thing replaces the older news. */
function subject(content: NoticeContent): string {
  return "use" in content ? content.use : content.kind;
}

/** Stays until dismissed or dealt with. */
function lasting(content: NoticeContent): boolean {
  switch (content.kind) {
    case "lost":
    case "slides_need_hand":
      return true;
    case "replaced":
    case "returned":
    case "switch_failed":
    case "slides_ended":
    case "refused":
    case "not_connected":
      return false;
    default:
      return content satisfies never;
  }
}
