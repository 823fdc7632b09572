/** The organiser's side of the HTTP API. */
import { type Decoder, decode } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";
import {
  type Invitation,
  invitationDecoder,
  invitationsDecoder,
  type Lesson,
  lessonDecoder,
  lessonsDecoder,
  type Me,
  meDecoder,
  type Place,
  type Problem,
  placeDecoder,
  placesDecoder,
  type Role,
} from "../shared/protocol.ts";

/** Why a request brought nothing, in the ways the page tells apart. */
export type Failure =
  | { kind: "offline" }
  | { kind: "refused"; problem: Problem }
  /** An answer that is not ours: a proxy's page, or a shape the protocol does not know. */
  | { kind: "odd"; status: number };

export interface LessonDraft {
  title: string;
  host_place: string | null;
  /** Milliseconds since the epoch. */
  starts_at: number | null;
}

const TIMEOUT_MS = 10_000;

/** An answer that does not read as the protocol says. */
class OddAnswer extends Error {
  readonly status: number;

  constructor(status: number, problem: string) {
    super(problem);
    this.status = status;
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof HttpRefusal) {
    return error.problem === null
      ? { kind: "odd", status: error.status }
      : { kind: "refused", problem: error.problem };
  }
  if (error instanceof OddAnswer) return { kind: "odd", status: error.status };
  return { kind: "offline" };
}

export class OrganiserApi {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  me(): Promise<Me> {
    return this.#read("GET", "/api/me", meDecoder);
  }

  async lessons(): Promise<Lesson[]> {
    return (await this.#read("GET", "/api/lessons", lessonsDecoder)).lessons;
  }
  createLesson(draft: LessonDraft): Promise<Lesson> {
    return this.#read("POST", "/api/lessons", lessonDecoder, draft);
  }
  editLesson(id: string, draft: LessonDraft): Promise<Lesson> {
    return this.#read("PATCH", `/api/lessons/${id}`, lessonDecoder, draft);
  }
  deleteLesson(id: string): Promise<void> {
    return this.#do("DELETE", `/api/lessons/${id}`);
  }

  async invitations(lesson: string): Promise<Invitation[]> {
    return (await this.#read("GET", `/api/lessons/${lesson}/invitations`, invitationsDecoder)).invitations;
  }
  invite(lesson: string, role: Role, label: string | null): Promise<Invitation> {
    return this.#read("POST", `/api/lessons/${lesson}/invitations`, invitationDecoder, { role, label });
  }
  revoke(invitation: string): Promise<void> {
    return this.#do("DELETE", `/api/invitations/${invitation}`);
  }

  async places(): Promise<Place[]> {
    return (await this.#read("GET", "/api/places", placesDecoder)).places;
  }
  createPlace(name: string): Promise<Place> {
    return this.#read("POST", "/api/places", placeDecoder, { name });
  }
  renamePlace(id: string, name: string): Promise<Place> {
    return this.#read("PATCH", `/api/places/${id}`, placeDecoder, { name });
  }
  deletePlace(id: string): Promise<void> {
    return this.#do("DELETE", `/api/places/${id}`);
  }
  newPlaceLink(id: string): Promise<Place> {
    return this.#read("POST", `/api/places/${id}/link`, placeDecoder);
  }
  confirmPairing(code: string, place: string): Promise<void> {
    return this.#do("POST", "/api/pairings/confirm", { code, place });
  }

  async #read<T>(method: string, path: string, decoder: Decoder<T>, body?: object): Promise<T> {
    const response = await this.#request(method, path, body);
    const json: unknown = await response.json().catch(() => undefined);
    const read = decode(decoder, json);
    if (!read.ok) throw new OddAnswer(response.status, read.problem);
    return read.value;
  }

  async #do(method: string, path: string, body?: object): Promise<void> {
    await this.#request(method, path, body);
  }

  async #request(method: string, path: string, body: object | undefined): Promise<Response> {
    const response = await fetchWithin(TIMEOUT_MS, path, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await HttpRefusal.of(response);
    return response;
  }
}
