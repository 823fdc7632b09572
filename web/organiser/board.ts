/** What the organiser sees and does: lessons, places, links. Components read signals and call methods. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Helper, RoomCheck, Unit } from "../shared/lesson-protocol.ts";
import type { Invitation, Lesson, Me, Place, Role } from "../shared/protocol.ts";
import type { ImportResult, LessonReport, PeriodReport } from "../shared/report-protocol.ts";
import {
  type Failure,
  failureOf,
  type InvitedDraft,
  type LessonDraft,
  OrganiserApi,
  type Period,
  type UnitDraft,
} from "./api.ts";
import type { HistoryPoint } from "./history.ts";
import { type KnownLinks, loadKnownLinks, saveKnownLinks } from "./known-links.ts";

const REFRESH_MS = 5000;

export type Entry =
  | { kind: "loading" }
  | { kind: "in"; me: Me }
  /** The link is wrong, revoked or not an organiser's. */
  | { kind: "refused"; failure: Failure }
  | { kind: "not_organiser" };

/** How far a long job is; `null` = none is running. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export class Board {
  readonly token: string;
  readonly #api: OrganiserApi;
  readonly #entry = signal<Entry>({ kind: "loading" });
  readonly #lessons = signal<readonly Lesson[] | null>(null);
  readonly #places = signal<readonly Place[] | null>(null);
  readonly #units = signal<readonly Unit[]>([]);
  readonly #partners = signal<readonly (readonly string[])[]>([]);
  readonly #failure = signal<Failure | null>(null);
  readonly #progress = signal<Progress | null>(null);
  readonly #links = signal<KnownLinks>(loadKnownLinks());

  constructor(token: string) {
    this.token = token;
    this.#api = new OrganiserApi(token);
    void this.#enter();
    setInterval(() => void this.#refresh(), REFRESH_MS);
    document.addEventListener("visibilitychange", () => void this.#refresh());
  }

  get entry(): ReadonlySignal<Entry> {
    return this.#entry;
  }
  /** `null` until the server has answered. */
  get lessons(): ReadonlySignal<readonly Lesson[] | null> {
    return this.#lessons;
  }
  get places(): ReadonlySignal<readonly Place[] | null> {
    return this.#places;
  }
  get units(): ReadonlySignal<readonly Unit[]> {
    return this.#units;
  }
  /** Pairs of partner units. */
  get partners(): ReadonlySignal<readonly (readonly string[])[]> {
    return this.#partners;
  }
  /** The last thing that went wrong, until dismissed or until something works. */
  get failure(): ReadonlySignal<Failure | null> {
    return this.#failure;
  }
  get progress(): ReadonlySignal<Progress | null> {
    return this.#progress;
  }
  /** Links made on this page, by place. */
  get links(): ReadonlySignal<KnownLinks> {
    return this.#links;
  }

  /** Whether this organiser may create lessons and places, not only manage one lesson. */
  get managesServer(): boolean {
    const entry = this.#entry.value;
    return entry.kind === "in" && entry.me.lesson === null;
  }

  dismissFailure(): void {
    this.#failure.value = null;
  }

  createLesson(draft: LessonDraft): Promise<Lesson | null> {
    return this.#try(async () => {
      const lesson = await this.#api.createLesson(draft);
      await this.#refresh();
      return lesson;
    });
  }

  editLesson(id: string, draft: LessonDraft): Promise<Lesson | null> {
    return this.#try(async () => {
      const lesson = await this.#api.editLesson(id, draft);
      await this.#refresh();
      return lesson;
    });
  }

  async deleteLesson(id: string): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.deleteLesson(id);
      await this.#refresh();
    });
  }

  invitations(lesson: string): Promise<Invitation[] | null> {
    return this.#try(() => this.#api.invitations(lesson));
  }

  invite(lesson: string, role: Role, label: string): Promise<Invitation | null> {
    return this.#try(() => this.#api.invite(lesson, role, label === "" ? null : label));
  }

  revoke(invitation: string): Promise<boolean> {
    return this.#done(() => this.#api.revoke(invitation));
  }

  /** Creates one place a name; stops at the first that fails. Answers with the names not created. */
  async createPlaces(names: readonly string[], unit: string | null): Promise<string[]> {
    let done = 0;
    for (const name of names) {
      this.#progress.value = { done, total: names.length };
      const place = await this.#try(() => this.#api.createPlace(name, unit));
      if (place === null) break;
      this.#know(place);
      done += 1;
    }
    this.#progress.value = null;
    await this.#refresh();
    return names.slice(done);
  }

  changePlace(id: string, name: string, unit: string | null): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.changePlace(id, name, unit);
      await this.#refresh();
    });
  }

  deletePlace(id: string): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.deletePlace(id);
      await this.#refresh();
    });
  }

  /** Answers with what became of each row; `null` when nothing could be read at all. */
  importPlaces(csv: Blob): Promise<ImportResult | null> {
    return this.#try(async () => {
      const result = await this.#api.importPlaces(csv);
      for (const place of result.created) this.#know(place);
      await this.#refresh();
      return result;
    });
  }

  saveUnit(id: string | null, draft: UnitDraft): Promise<Unit | null> {
    return this.#try(async () => {
      const unit = await (id === null ? this.#api.createUnit(draft) : this.#api.changeUnit(id, draft));
      await this.#refresh();
      return unit;
    });
  }
  deleteUnit(id: string): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.deleteUnit(id);
      await this.#refresh();
    });
  }
  pairUnits(first: string, second: string, paired: boolean): Promise<boolean> {
    return this.#done(async () => {
      await (paired ? this.#api.pairUnits(first, second) : this.#api.unpairUnits(first, second));
      await this.#refresh();
    });
  }

  /** Ids of the invited places; `everybody` when no choice was made, `null` when it could not be asked. */
  async invited(lesson: string): Promise<readonly string[] | "everybody" | null> {
    const found = await this.#try(async () => ({ places: await this.#api.invited(lesson) }));
    return found === null ? null : (found.places ?? "everybody");
  }
  setInvited(lesson: string, draft: InvitedDraft): Promise<Lesson | null> {
    return this.#try(() => this.#api.setInvited(lesson, draft));
  }
  setRehearsal(lesson: string, rehearsal: boolean): Promise<Lesson | null> {
    return this.#try(async () => {
      const changed = await this.#api.setRehearsal(lesson, rehearsal);
      await this.#refresh();
      return changed;
    });
  }
  checks(lesson: string): Promise<{ checks: RoomCheck[]; missing: string[] } | null> {
    return this.#try(() => this.#api.checks(lesson));
  }
  report(lesson: string): Promise<LessonReport | null> {
    return this.#try(() => this.#api.report(lesson));
  }
  periodReport(period: Period): Promise<PeriodReport | null> {
    return this.#try(() => this.#api.periodReport(period));
  }
  /** Steps of a room's link since the lesson began; empty when the server remembers none. */
  history(lesson: string, place: string): Promise<HistoryPoint[] | null> {
    return this.#try(() => this.#api.history(lesson, place));
  }
  helpers(place: string): Promise<Helper[] | null> {
    return this.#try(() => this.#api.helpers(place));
  }
  revokeHelper(id: string): Promise<boolean> {
    return this.#done(() => this.#api.revokeHelper(id));
  }
  /** Hands a file of the server to the browser's downloads. */
  async download(path: string, name: string): Promise<void> {
    const file = await this.#try(() => this.#api.file(path));
    if (file !== null) saveFile(file, name);
  }

  /** A new link for each place; the old ones stop working. `false` when it stopped half-way. */
  async newLinks(places: readonly string[]): Promise<boolean> {
    let done = 0;
    for (const id of places) {
      if (places.length > 1) this.#progress.value = { done, total: places.length };
      const place = await this.#try(() => this.#api.newPlaceLink(id));
      if (place === null) break;
      this.#know(place);
      done += 1;
    }
    this.#progress.value = null;
    return done === places.length;
  }

  /** Answers with the failure, so that the dialog can show it beside the code; `null` = paired. */
  async pair(code: string, place: string): Promise<Failure | null> {
    try {
      await this.#api.confirmPairing(code, place);
      return null;
    } catch (error) {
      return failureOf(error);
    }
  }

  #know(place: Place): void {
    if (place.url === undefined) return;
    this.#links.value = new Map(this.#links.peek()).set(place.id, place.url);
    saveKnownLinks(this.#links.peek());
  }

  async #enter(): Promise<void> {
    try {
      const me = await this.#api.me();
      this.#entry.value = me.role === "organiser" ? { kind: "in", me } : { kind: "not_organiser" };
      this.#failure.value = null;
      await this.#refresh();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === "refused" && failure.problem.code !== "draining") {
        this.#entry.value = { kind: "refused", failure };
      } else {
        this.#failure.value = failure;
      }
    }
  }

  async #refresh(): Promise<void> {
    const entry = this.#entry.peek();
    if (document.visibilityState === "hidden") return;
    if (entry.kind === "loading") return this.#enter();
    if (entry.kind !== "in") return;
    try {
      const [lessons, places, { units, partners }] = await Promise.all([
        this.#api.lessons(),
        this.#api.places(),
        this.#api.units(),
      ]);
      this.#lessons.value = lessons;
      this.#places.value = places;
      this.#units.value = units;
      this.#partners.value = partners;
      // Only a passing network fault heals by itself; a refusal stays until it is read.
      if (this.#failure.peek()?.kind === "offline") this.#failure.value = null;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === "refused" && ENDS_VISIT.has(failure.problem.code)) {
        this.#entry.value = { kind: "refused", failure };
      } else {
        this.#failure.value = failure;
      }
    }
  }

  async #try<T>(action: () => Promise<T>): Promise<T | null> {
    try {
      const value = await action();
      this.#failure.value = null;
      return value;
    } catch (error) {
      this.#failure.value = failureOf(error);
      return null;
    }
  }

  async #done(action: () => Promise<void>): Promise<boolean> {
    return (await this.#try(() => action().then(() => true))) === true;
  }
}

function saveFile(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has its own hold on the file once the click is through.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

const ENDS_VISIT: ReadonlySet<string> = new Set(["unauthorized", "invitation_revoked", "invitation_expired"]);
