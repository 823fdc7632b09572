/** `fetch` with a deadline, for browsers with and without `AbortController` (Chromium 66). */
import { decode } from "./decode.ts";
import { type Problem, problemDecoder } from "./protocol.ts";

/** Nobody answered: the link is down, or as good as down. */
export class Unreachable extends Error {}

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

/**
 * Asks until somebody answers: again every `everyMs` while the questions before are still out, `most` times. For questions that may
 * be asked twice; a link that has just come back answers the new one while the old one still sleeps in its connection.
 *
 * @throws what the last one threw, when all have failed
 */
export function hedged<T>(everyMs: number, most: number, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    let failed = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = (): void => {
      asked += 1;
      if (asked < most) timer = setTimeout(next, everyMs);
      ask().then(
        (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        (error: unknown) => {
          failed += 1;
          if (failed === most) reject(error);
        },
      );
    };
    next();
  });
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
