/** The organiser's side of the HTTP API. */
import { array, type Decoder, decode, nullable, number, object, string } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";
import {
  checksDecoder,
  type Helper,
  helpersDecoder,
  type RoomCheck,
  type Unit,
  unitDecoder,
  unitsDecoder,
} from "../shared/lesson-protocol.ts";
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
import {
  type ImportResult,
  importResultDecoder,
  type LessonReport,
  lessonReportDecoder,
  type PeriodReport,
  periodReportDecoder,
} from "../shared/report-protocol.ts";

import type { HistoryPoint } from "./history.ts";

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

/** Who is invited to a lesson; `places: null` without units = everybody. */
export interface InvitedDraft {
  readonly units: readonly string[];
  readonly places: readonly string[] | null;
}

export interface UnitDraft {
  readonly level: string;
  readonly name: string;
  readonly parent: string | null;
}

/** A period, ms since the epoch, and the unit it is about; absent: without that limit. */
export interface Period {
  readonly from: number | null;
  readonly to: number | null;
  readonly unit: string | null;
}

const TIMEOUT_MS = 10_000;
/** A thousand rows with their links. */
const IMPORT_TIMEOUT_MS = 60_000;

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

/** `?from=…&to=…&unit=…`, what is not limited left out. */
export function periodQuery({ from, to, unit }: Period): string {
  const query = new URLSearchParams();
  if (from !== null) query.set("from", String(from));
  if (to !== null) query.set("to", String(to));
  if (unit !== null) query.set("unit", unit);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
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
  createPlace(name: string, unit: string | null): Promise<Place> {
    return this.#read("POST", "/api/places", placeDecoder, { name, unit });
  }
  changePlace(id: string, name: string, unit: string | null): Promise<Place> {
    return this.#read("PATCH", `/api/places/${id}`, placeDecoder, { name, unit });
  }
  importPlaces(csv: Blob): Promise<ImportResult> {
    return this.#readRaw(
      "POST",
      "/api/places/import",
      importResultDecoder,
      csv,
      "text/csv",
      IMPORT_TIMEOUT_MS,
    );
  }

  units(): Promise<{ units: Unit[]; partners: string[][] }> {
    return this.#read("GET", "/api/units", unitsDecoder);
  }
  createUnit(draft: UnitDraft): Promise<Unit> {
    return this.#read("POST", "/api/units", unitDecoder, draft);
  }
  changeUnit(id: string, draft: UnitDraft): Promise<Unit> {
    return this.#read("PATCH", `/api/units/${id}`, unitDecoder, draft);
  }
  deleteUnit(id: string): Promise<void> {
    return this.#do("DELETE", `/api/units/${id}`);
  }
  pairUnits(first: string, second: string): Promise<void> {
    return this.#do("POST", "/api/partners", { units: [first, second] });
  }
  unpairUnits(first: string, second: string): Promise<void> {
    return this.#do("DELETE", "/api/partners", { units: [first, second] });
  }

  /** Ids of the invited places; `null` = everybody. */
  async invited(lesson: string): Promise<string[] | null> {
    const decoder = object<{ places: string[] | null }>({ places: nullable(array(string)) });
    return (await this.#read("GET", `/api/lessons/${lesson}/places`, decoder)).places;
  }
  setInvited(lesson: string, draft: InvitedDraft): Promise<Lesson> {
    const everybody = draft.places === null && draft.units.length === 0;
    const body = everybody ? { places: null } : { units: draft.units, places: draft.places ?? [] };
    return this.#read("PATCH", `/api/lessons/${lesson}`, lessonDecoder, body);
  }
  setRehearsal(lesson: string, rehearsal: boolean): Promise<Lesson> {
    return this.#read("PATCH", `/api/lessons/${lesson}`, lessonDecoder, { rehearsal });
  }
  checks(lesson: string): Promise<{ checks: RoomCheck[]; missing: string[] }> {
    return this.#read("GET", `/api/lessons/${lesson}/checks`, checksDecoder);
  }
  report(lesson: string): Promise<LessonReport> {
    return this.#read("GET", `/api/lessons/${lesson}/report`, lessonReportDecoder);
  }
  periodReport(period: Period): Promise<PeriodReport> {
    return this.#read("GET", `/api/reports${periodQuery(period)}`, periodReportDecoder);
  }

  async history(lesson: string, place: string): Promise<HistoryPoint[]> {
    const point = object<HistoryPoint>({ at: number, rung: nullable(number) });
    const decoder = object<{ points: HistoryPoint[] }>({ points: array(point) });
    return (await this.#read("GET", `/api/lessons/${lesson}/places/${place}/history`, decoder)).points;
  }
  async helpers(place: string): Promise<Helper[]> {
    return (await this.#read("GET", `/api/places/${place}/helpers`, helpersDecoder)).helpers;
  }
  revokeHelper(id: string): Promise<void> {
    return this.#do("DELETE", `/api/helpers/${id}`);
  }

  /** A file of the server's, which needs the token and so cannot be a plain link. */
  async file(path: string): Promise<Blob> {
    return (await this.#request("GET", path, undefined)).blob();
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

  async #readRaw<T>(
    method: string,
    path: string,
    decoder: Decoder<T>,
    body: Blob,
    type: string,
    ms: number,
  ): Promise<T> {
    const response = await fetchWithin(ms, path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": type },
      body,
    });
    if (!response.ok) throw await HttpRefusal.of(response);
    const read = decode(decoder, await response.json().catch(() => undefined));
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
