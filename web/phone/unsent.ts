/** Private messages the relay has not confirmed: kept on the phone, so that a closed page loses none. */
import { type ReadonlySignal, signal } from "@preact/signals";

export interface Unsent {
  readonly key: string;
  readonly text: string;
}

const STORAGE_KEY = "nhipcau.unsent-messages";

export class UnsentMessages {
  readonly #list = signal<readonly Unsent[]>(load());

  get list(): ReadonlySignal<readonly Unsent[]> {
    return this.#list;
  }

  add(key: string, text: string): Unsent {
    const unsent = { key, text };
    this.#set([...this.#list.peek(), unsent]);
    return unsent;
  }

  remove(key: string): void {
    if (this.#list.peek().some((unsent) => unsent.key === key)) {
      this.#set(this.#list.peek().filter((unsent) => unsent.key !== key));
    }
  }

  #set(list: readonly Unsent[]): void {
    this.#list.value = list;
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(list));
    } catch {
      // Then they are kept as long as the page is open.
    }
  }
}

function load(): Unsent[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    if (!Array.isArray(value)) return [];
    return value.filter(
      (item): item is Unsent => typeof item?.key === "string" && typeof item?.text === "string",
    );
  } catch {
    return [];
  }
}
