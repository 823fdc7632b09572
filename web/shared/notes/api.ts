/** The HTTP API about notes (`crates/signalling/PROTOCOL.md`, "Notes"). */
import { fetchWithin, HttpRefusal } from "../http.ts";
import type { Form } from "./form.ts";
import { type Register, readRegister } from "./register.ts";
import type { At, Closing, FormRef, Shares, SheetView } from "./sheet.ts";

const WITHIN_MS = 12_000;

export interface SheetInfo {
  readonly id: string;
  readonly lesson: string;
  readonly lesson_title: string;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly created_at: number;
  readonly changed_at: number;
  readonly deletable_from: number | null;
}

export interface SyncReply {
  readonly seq: number;
  readonly registers: ReadonlyMap<string, Register>;
  readonly refused: readonly { readonly key: string; readonly code: string }[];
  readonly timelineOpen: boolean;
}

export interface LessonNotes {
  readonly form: FormRef;
  readonly timeline: "after" | "open" | "closed";
  readonly timeline_open: boolean;
  readonly forms: readonly Form[];
  readonly deletable_from: number | null;
}

export type OfferedForm = Form & { readonly built_in: boolean; readonly retired: boolean };

export interface TimelineEntry {
  readonly sheet: string;
  readonly row: string;
  readonly author: string;
  readonly unit: string;
  readonly at: At | null;
  readonly phase: string | null;
  readonly teacher: string;
  readonly pupils: string;
  readonly remark: string;
  readonly tags: readonly string[];
  readonly pics: readonly string[];
}

export interface TimelineMinute {
  readonly minute: number | null;
  readonly entries: readonly TimelineEntry[];
}

export interface CommentInfo {
  readonly id: string;
  readonly author_sheet: string | null;
  readonly author: string;
  readonly sheet: string;
  readonly row: string;
  readonly text: string;
  readonly created_at: number;
}

export type AuthorClosing = Closing & {
  readonly sheet: string;
  readonly author: string;
  readonly unit: string;
};

export interface Timeline {
  readonly title: string;
  readonly started_at: number | null;
  readonly open: boolean;
  readonly minutes: readonly TimelineMinute[];
  readonly closings: readonly AuthorClosing[];
  readonly comments: readonly CommentInfo[];
  readonly phases: { readonly [id: string]: string };
}

/** Sums of a listed sheet, in points as people write them. */
export interface ListedScore {
  readonly total: number;
  readonly max: number;
  readonly missing: number;
  readonly rank: string | null;
}

export interface ListedSheet {
  readonly id: string;
  readonly author: string;
  readonly unit: string;
  readonly rows: number;
  readonly shares: Shares;
  readonly changed_at: number;
  readonly score: ListedScore | null;
}

export interface SharedSheet {
  readonly sheet: SheetInfo;
  readonly form: Form | null;
  readonly view: SheetView;
}

export const MINUTES_FIELDS = [
  "time",
  "place",
  "present",
  "chair",
  "secretary",
  "lesson",
  "strengths",
  "shortcomings",
  "proposals",
  "conclusion",
] as const;
export type MinutesField = (typeof MINUTES_FIELDS)[number];
export type Minutes = { readonly [F in MinutesField]: string };

export interface MinutesInfo {
  readonly revision: number;
  readonly changed_at: number | null;
  readonly minutes: Minutes;
  readonly draft: Minutes | null;
}

/** An answer that does not read as the protocol says, from a proxy's page to another server. */
export class OddAnswer extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`an answer with status ${status} that is not ours`);
    this.status = status;
  }
}

/** Speaks for one token: a link's, or a sheet's. */
export class NotesApi {
  private readonly token: string;

  constructor(token: string) {
    this.token = token;
  }

  beginSheet(lesson: string, sheet: string, token: string): Promise<SheetInfo> {
    return this.json("PUT", `/api/lessons/${lesson}/sheets/${sheet}`, { token });
  }
  sheet(): Promise<SheetInfo> {
    return this.json("GET", "/api/sheet");
  }
  deleteSheet(): Promise<void> {
    return this.done("DELETE", "/api/sheet");
  }
  exportSheet(): Promise<unknown> {
    return this.json("GET", "/api/sheet/export");
  }
  async sync(since: number, registers: ReadonlyMap<string, Register>): Promise<SyncReply> {
    const reply = await this.json<{ [name: string]: unknown }>("POST", "/api/sheet/registers", {
      since,
      registers: Object.fromEntries(registers),
    });
    const news = new Map<string, Register>();
    for (const [key, found] of Object.entries((reply.registers ?? {}) as object)) {
      const register = readRegister(found);
      if (register !== null) news.set(key, register);
    }
    if (typeof reply.seq !== "number") throw new OddAnswer(200);
    return {
      seq: reply.seq,
      registers: news,
      refused: Array.isArray(reply.refused) ? (reply.refused as SyncReply["refused"]) : [],
      timelineOpen: reply.timeline_open === true,
    };
  }
  async putPicture(id: string, picture: Blob): Promise<void> {
    await this.request("PUT", `/api/sheet/pictures/${id}`, { body: picture, type: picture.type });
  }
  async picture(path: string): Promise<Blob> {
    return (await this.request("GET", path)).blob();
  }

  lessonNotes(lesson: string): Promise<LessonNotes> {
    return this.json("GET", `/api/lessons/${lesson}/notes`);
  }
  editLessonNotes(
    lesson: string,
    patch: { form?: FormRef; timeline?: LessonNotes["timeline"] },
  ): Promise<LessonNotes> {
    return this.json("PATCH", `/api/lessons/${lesson}/notes`, patch);
  }

  async forms(): Promise<readonly OfferedForm[]> {
    return (await this.json<{ forms: readonly OfferedForm[] }>("GET", "/api/forms")).forms;
  }
  form(wanted: FormRef): Promise<Form> {
    return this.json("GET", `/api/forms/${encodeURIComponent(wanted.id)}/${wanted.version}`);
  }
  saveForm(form: Form): Promise<Form> {
    return this.json("POST", "/api/forms", form);
  }
  retireForm(id: string): Promise<void> {
    return this.done("DELETE", `/api/forms/${encodeURIComponent(id)}`);
  }

  timeline(lesson: string): Promise<Timeline> {
    return this.json("GET", `/api/lessons/${lesson}/timeline`);
  }
  comment(at: { sheet: string; row: string }, text: string): Promise<void> {
    return this.done("POST", "/api/sheet/comments", { ...at, text });
  }
  commentAsOrganiser(lesson: string, at: { sheet: string; row: string }, text: string): Promise<void> {
    return this.done("POST", `/api/lessons/${lesson}/comments`, { ...at, text });
  }
  deleteComment(id: string): Promise<void> {
    return this.done("DELETE", `/api/sheet/comments/${id}`);
  }
  deleteCommentAsOrganiser(lesson: string, id: string): Promise<void> {
    return this.done("DELETE", `/api/lessons/${lesson}/comments/${id}`);
  }

  async sheets(lesson: string): Promise<readonly ListedSheet[]> {
    return (await this.json<{ sheets: readonly ListedSheet[] }>("GET", `/api/lessons/${lesson}/sheets`))
      .sheets;
  }
  sharedSheet(lesson: string, sheet: string): Promise<SharedSheet> {
    return this.json("GET", `/api/lessons/${lesson}/sheets/${sheet}`);
  }
  deleteSheets(lesson: string): Promise<void> {
    return this.done("DELETE", `/api/lessons/${lesson}/sheets`);
  }

  minutes(lesson: string): Promise<MinutesInfo> {
    return this.json("GET", `/api/lessons/${lesson}/minutes`);
  }
  saveMinutes(lesson: string, revision: number, minutes: Minutes): Promise<MinutesInfo> {
    return this.json("PUT", `/api/lessons/${lesson}/minutes`, { revision, minutes });
  }

  /** Answers of our own server of the same version; where a wrong shape would do harm it is checked by whoever asks. */
  private async json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.request(method, path, body === undefined ? {} : jsonBody(body));
    const found: unknown = await response.json().catch(() => undefined);
    if (typeof found !== "object" || found === null) throw new OddAnswer(response.status);
    return found as T;
  }

  private async done(method: string, path: string, body?: object): Promise<void> {
    await this.request(method, path, body === undefined ? {} : jsonBody(body));
  }

  private async request(
    method: string,
    path: string,
    content: { body?: BodyInit; type?: string } = {},
  ): Promise<Response> {
    const headers: { [name: string]: string } = { Authorization: `Bearer ${this.token}` };
    if (content.type !== undefined) headers["Content-Type"] = content.type;
    const response = await fetchWithin(WITHIN_MS, path, {
      method,
      headers,
      ...(content.body === undefined ? {} : { body: content.body }),
    });
    if (!response.ok) throw await HttpRefusal.of(response);
    return response;
  }
}

function jsonBody(body: object): { body: string; type: string } {
  return { body: JSON.stringify(body), type: "application/json" };
}
