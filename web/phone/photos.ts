/**
 * Photos on their way to the relay: one at a time, tried again for ever while the network fails, under one key each, so
 * that a photo whose receipt was lost does not arrive twice.
 */
import { backoffMs, RECONNECT } from "../shared/backoff.ts";
import { decode } from "../shared/decode.ts";
import { type Problem, problemDecoder } from "../shared/protocol.ts";
import { type SmallPhoto, shrinkPhoto } from "./photo.ts";

export type PhotoState =
  | { kind: "shrinking" }
  | { kind: "waiting" }
  | { kind: "sending"; percent: number }
  | { kind: "unreadable" }
  | { kind: "refused"; problem: Problem };

export interface Photo {
  readonly key: string;
  readonly thumbnail: string | null;
  readonly state: PhotoState;
}

/** What an attempt to send came to. */
export type Sent = { kind: "done"; no: number } | { kind: "lost" } | { kind: "refused"; problem: Problem };

export interface PhotosOptions {
  readonly onChange: (photos: readonly Photo[]) => void;
  /** The relay has it under this number. */
  readonly onDone: (no: number, thumbnail: string) => void;
  readonly upload: (key: string, jpeg: Blob, onProgress: (percent: number) => void) => Promise<Sent>;
  readonly shrink?: (file: Blob) => Promise<SmallPhoto>;
  readonly newKey?: () => string;
}

export class Photos {
  readonly #options: PhotosOptions;
  readonly #jpegs = new Map<string, Blob>();
  #list: readonly Photo[] = [];
  #busy = false;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PhotosOptions) {
    this.#options = options;
  }

  async add(file: Blob): Promise<void> {
    const key = (this.#options.newKey ?? randomKey)();
    this.#set([...this.#list, { key, thumbnail: null, state: { kind: "shrinking" } }]);
    try {
      const { jpeg, thumbnail } = await (this.#options.shrink ?? shrinkPhoto)(file);
      this.#jpegs.set(key, jpeg);
      this.#change(key, { thumbnail, state: { kind: "waiting" } });
    } catch {
      this.#change(key, { state: { kind: "unreadable" } });
    }
    void this.#work();
  }

  /** Gives up a photo that has not arrived. */
  drop(key: string): void {
    this.#jpegs.delete(key);
    this.#set(this.#list.filter((photo) => photo.key !== key));
  }

  /** The network may be back: try at once. */
  nudge(): void {
    clearTimeout(this.#retry);
    this.#failures = 0;
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    const next = this.#list.find(({ state }) => state.kind === "waiting");
    const jpeg = next === undefined ? undefined : this.#jpegs.get(next.key);
    if (next === undefined || jpeg === undefined) return;
    const { key } = next;
    this.#busy = true;
    clearTimeout(this.#retry);
    this.#change(key, { state: { kind: "sending", percent: 0 } });
    const sent = await this.#options.upload(key, jpeg, (percent) =>
      this.#change(key, { state: { kind: "sending", percent } }),
    );
    this.#busy = false;
    switch (sent.kind) {
      case "done":
        this.#failures = 0;
        this.#options.onDone(sent.no, next.thumbnail ?? "");
        this.drop(key);
        break;
      case "refused":
        this.#change(key, { state: { kind: "refused", problem: sent.problem } });
        break;
      case "lost":
        this.#change(key, { state: { kind: "waiting" } });
        this.#retry = setTimeout(
          () => void this.#work(),
          backoffMs(RECONNECT, this.#failures, Math.random()),
        );
        this.#failures += 1;
        return;
      default:
        sent satisfies never;
    }
    void this.#work();
  }

  #change(key: string, change: Partial<Photo>): void {
    this.#set(this.#list.map((photo) => (photo.key === key ? { ...photo, ...change } : photo)));
  }

  #set(list: readonly Photo[]): void {
    this.#list = list;
    this.#options.onChange(list);
  }
}

export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** No progress for this long and the attempt is given up: at 40 kbit/s a step of progress comes every few seconds. */
const STALLED_MS = 30_000;

/** `POST /api/lessons/{id}/works`. `fetch` knows no upload progress, so the older interface is used. */
export function uploadWork(
  address: string,
  token: string,
  jpeg: Blob,
  onProgress: (percent: number) => void,
): Promise<Sent> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let timer = setTimeout(() => request.abort(), STALLED_MS);
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALLED_MS);
    };
    request.open("POST", address);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", "image/jpeg");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      alive();
      onProgress(Math.min(99, Math.round((loaded / Math.max(1, total)) * 100)));
    });
    request.addEventListener("loadend", () => {
      clearTimeout(timer);
      resolve(answerOf(request.status, request.responseText));
    });
    request.send(jpeg);
  });
}

/** Status 0: nothing came back. A server in trouble is asked again, one that says no is not. */
export function answerOf(status: number, body: string): Sent {
  let json: unknown = null;
  try {
    json = JSON.parse(body);
  } catch {
    // Not ours: a proxy's page, or nothing at all.
  }
  if (status === 201) {
    const no = (json as { no?: unknown } | null)?.no;
    return typeof no === "number" ? { kind: "done", no } : { kind: "lost" };
  }
  if (status === 0 || status === 429 || status >= 500) return { kind: "lost" };
  const problem = decode(problemDecoder, json);
  return problem.ok ? { kind: "refused", problem: problem.value } : { kind: "lost" };
}
