/** What the organiser sees and does: lessons, places, links. Components read signals and call methods. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Invitation, Lesson, Me, Place, Role } from "../shared/protocol.ts";
import { type Failure, failureOf, type LessonDraft, OrganiserApi } from "./api.ts";
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
  async createPlaces(names: readonly string[]): Promise<string[]> {
    let done = 0;
    for (const name of names) {
      this.#progress.value = { done, total: names.length };
      const place = await this.#try(() => this.#api.createPlace(name));
      if (place === null) break;
      this.#know(place);
      done += 1;
    }
    this.#progress.value = null;
    await this.#refresh();
    return names.slice(done);
  }

  renamePlace(id: string, name: string): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.renamePlace(id, name);
      await this.#refresh();
    });
  }

  deletePlace(id: string): Promise<boolean> {
    return this.#done(async () => {
      await this.#api.deletePlace(id);
      await this.#refresh();
    });
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
      const [lessons, places] = await Promise.all([this.#api.lessons(), this.#api.places()]);
      this.#lessons.value = lessons;
      this.#places.value = places;
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

const ENDS_VISIT: ReadonlySet<string> = new Set(["unauthorized", "invitation_revoked", "invitation_expired"]);
