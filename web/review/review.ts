/** What the page knows: who asks, for which lesson, and what the group has shared. It asks again by itself. */
import { type Signal, signal } from "@preact/signals";
import { decode } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";
import { type LessonNotes, NotesApi, type Timeline } from "../shared/notes/api.ts";
import { openNotebook } from "../shared/notes/notebook.ts";
import { type Lesson, lessonDecoder, meDecoder, type Problem, type Role } from "../shared/protocol.ts";
import { onWake } from "../shared/wake.ts";
import { MinutesDesk } from "./minutes-desk.ts";

export type Access =
  | { kind: "loading"; offline: boolean }
  | { kind: "refused"; problem: Problem | null }
  /** An organiser of the whole server who named no lesson. */
  | { kind: "no_lesson" }
  | { kind: "in"; role: Role; lesson: Lesson };

export type Shared = { kind: "loading" } | { kind: "closed" } | { kind: "open"; timeline: Timeline };

const LOOK_EVERY_MS = 8000;
const RETRY_MS = 4000;

export class Review {
  readonly access: Signal<Access> = signal<Access>({ kind: "loading", offline: false });
  readonly shared: Signal<Shared> = signal<Shared>({ kind: "loading" });
  readonly notes: Signal<LessonNotes | null> = signal<LessonNotes | null>(null);
  readonly api: NotesApi;
  /** For commenting with one's own sheet. */
  readonly own: Signal<{ readonly id: string; readonly api: NotesApi } | null> = signal<{
    readonly id: string;
    readonly api: NotesApi;
  } | null>(null);
  private readonly token: string;
  private readonly wanted: string | null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private minutes: MinutesDesk | null = null;

  /** @param wanted the lesson, for an organiser of the whole server */
  constructor(token: string, wanted: string | null, sheet: string | null) {
    this.token = token;
    this.wanted = wanted;
    this.api = new NotesApi(token);
    void this.enter();
    void this.findOwn(sheet);
    onWake(() => void this.look());
  }

  /** Asks again now, after something was changed. */
  async look(): Promise<void> {
    clearTimeout(this.timer);
    const access = this.access.peek();
    if (access.kind !== "in" || access.role === "host") return;
    try {
      this.shared.value = { kind: "open", timeline: await this.api.timeline(access.lesson.id) };
    } catch (error) {
      if (error instanceof HttpRefusal && error.problem?.code === "timeline_closed")
        this.shared.value = { kind: "closed" };
      else if (error instanceof HttpRefusal && error.status === 401)
        this.access.value = { kind: "refused", problem: error.problem };
      // Otherwise what was seen last stays in sight.
    }
    this.timer = setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  /** The minutes, asked for when an organiser first needs them. */
  minutesOf(lesson: string): MinutesDesk {
    this.minutes ??= new MinutesDesk(this.api, lesson);
    return this.minutes;
  }

  private async enter(): Promise<void> {
    try {
      const me = decode(meDecoder, await this.ask("/api/me"));
      if (!me.ok) throw new Error(me.problem);
      const id = me.value.lesson?.id ?? this.wanted;
      if (id === null) {
        this.access.value = { kind: "no_lesson" };
        return;
      }
      const lesson = decode(lessonDecoder, await this.ask(`/api/lessons/${id}`));
      if (!lesson.ok) throw new Error(lesson.problem);
      this.notes.value = await this.api.lessonNotes(id);
      this.access.value = { kind: "in", role: me.value.role, lesson: lesson.value };
      await this.look();
    } catch (error) {
      if (error instanceof HttpRefusal && error.status < 500) {
        this.access.value = { kind: "refused", problem: error.problem };
        return;
      }
      this.access.value = { kind: "loading", offline: true };
      setTimeout(() => void this.enter(), RETRY_MS);
    }
  }

  /** The sheet of whoever looks: named by the address, or begun on this machine with the same link. */
  private async findOwn(token: string | null): Promise<void> {
    const notebook = await openNotebook();
    const known = token === null ? await notebook.sheetOf(this.token) : await notebook.sheetWithToken(token);
    const own = token ?? known?.token ?? null;
    if (own === null) return;
    const api = new NotesApi(own);
    try {
      const { id } = known ?? (await api.sheet());
      this.own.value = { id, api };
    } catch {
      // Without the server there is nothing to comment on either.
    }
  }

  private async ask(path: string): Promise<unknown> {
    const response = await fetchWithin(10_000, path, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw await HttpRefusal.of(response);
    return response.json();
  }
}
