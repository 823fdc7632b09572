/** `fetch` with a deadline, for browsers with and without `AbortController` (Chromium 66). */
import { decode } from "./decode.ts";
import { type Problem, problemDecoder } from "./protocol.ts";

/** The relay (or something before it) answered with an error. */
export class HttpRefusal extends Error {
  readonly status: number;
  /** `null` when the body was no problem document, as from a proxy. */
  readonly problem: Problem | null;
  /** What `Retry-After` asks for, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(status: number, problem: Problem | null, retryAfterMs: number | null) {
    super(`the relay answered ${status}${problem === null ? "" : ` ${problem.code}`}`);
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  static async of(response: Response): Promise<HttpRefusal> {
    const seconds = Number(response.headers.get("Retry-After") ?? "");
    let body: unknown = null;
    try {
      body = await response.json();
    } catch {
      // Not JSON: a proxy's page says nothing we could show.
    }
    const problem = decode(problemDecoder, body);
    return new HttpRefusal(
      response.status,
      problem.ok ? problem.value : null,
      seconds > 0 ? seconds * 1000 : null,
    );
  }
}

/** @throws whatever `fetch` throws, or `Error` when no answer came within `ms`. */
export function fetchWithin(ms: number, address: string, init: RequestInit): Promise<Response> {
  const abort = typeof AbortController === "function" ? new AbortController() : null;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no answer within ${ms} ms`));
      abort?.abort();
    }, ms);
    fetch(address, abort === null ? init : { ...init, signal: abort.signal }).then(
      (response) => {
        clearTimeout(timer);
        resolve(response);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
