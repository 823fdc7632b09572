/**
 * Small decoders from unknown JSON to types. They exist because the TV page runs where validation libraries do not, and
 * because a refusal must name the path: `roster.places[3].state: expected one of …, got "lost"`.
 */

/** Thrown inside decoders only; `decode` turns it into a result. */
export class DecodeError extends Error {
  readonly path: string;
  readonly expectation: string;

  constructor(path: string, expectation: string) {
    super(`${path || "message"}: ${expectation}`);
    this.path = path;
    this.expectation = expectation;
  }
}

/** Reads `value`, found at `path`, or throws `DecodeError`. */
export type Decoder<T> = (value: unknown, path: string) => T;

export type Decoded<T> = { ok: true; value: T } | { ok: false; problem: string };

/** Runs a decoder and answers with the value or a sentence that names path, value and expectation. */
export function decode<T>(decoder: Decoder<T>, value: unknown): Decoded<T> {
  try {
    return { ok: true, value: decoder(value, "") };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, problem: error.message };
    throw error;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) return "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new DecodeError(path, `expected ${expected}, got ${shown(value)}`);
}

export const string: Decoder<string> = (value, path) =>
  typeof value === "string" ? value : refuse(path, "a string", value);

/** A finite number. */
export const number: Decoder<number> = (value, path) =>
  typeof value === "number" && Number.isFinite(value) ? value : refuse(path, "a number", value);

export const boolean: Decoder<boolean> = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false", value);

export const anything: Decoder<unknown> = (value) => value;

/** One of the given strings. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Decoder<T> {
  return (value, path) => {
    for (const word of allowed) if (value === word) return word;
    return refuse(path, `one of ${allowed.join(", ")}`, value);
  };
}

/** `null`, or what `inner` reads. A field left out counts as `null`. */
export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : inner(value, path));
}

export function array<T>(inner: Decoder<T>): Decoder<T[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((item, index) => inner(item, `${path}[${index}]`))
      : refuse(path, "a list", value);
}

/** The keys a caller names, when they are there; other keys are ignored. */
export function record<K extends string, T>(
  keys: readonly K[],
  inner: Decoder<T>,
): Decoder<{ [P in K]?: T }> {
  return (value, path) => {
    const source = fields(value, path);
    const out: { [P in K]?: T } = {};
    for (const key of keys) {
      const item = source[key];
      if (item !== undefined && item !== null) out[key] = inner(item, `${path}.${key}`);
    }
    return out;
  };
}

/** An object with exactly these fields read; unknown fields are ignored, as the protocol asks. */
export function object<T extends object>(shape: { [K in keyof T]-?: Decoder<T[K]> }): Decoder<T> {
  return (value, path) => {
    const source = fields(value, path);
    const out = {} as T;
    for (const key of Object.keys(shape) as (keyof T & string)[]) {
      const read = shape[key](source[key], path === "" ? key : `${path}.${key}`);
      if (read !== undefined) out[key] = read;
    }
    return out;
  };
}

/** A field that may be missing (and is then left out of the result). */
export function optional<T>(inner: Decoder<T>): Decoder<T | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : inner(value, path));
}

/** The fields of a JSON object, for code that must look at one before it decodes the rest. */
export function fields(value: unknown, path: string): { readonly [key: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(path, "an object", value);
  }
  return value as { readonly [key: string]: unknown };
}
