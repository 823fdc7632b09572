/**
 * The observer's desk: whether there is a sheet for this link, beginning one, continuing one from another device, and the
 * parts that keep an open one safe.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import haiCot from "../../../crates/notes/forms/hai-cot.json";
import nghienCuuBaiHoc from "../../../crates/notes/forms/nghien-cuu-bai-hoc.json";
import vn1220 from "../../../crates/notes/forms/vn-12-20.json";
import { HttpRefusal } from "../../shared/http.ts";
import { type LessonNotes, NotesApi, type SyncReply } from "../../shared/notes/api.ts";
import { type Form, isScored, referenceOf } from "../../shared/notes/form.ts";
import { type KnownSheet, MemoryNotebook, type Notebook, openNotebook } from "../../shared/notes/notebook.ts";
import type { Json } from "../../shared/notes/register.ts";
import type { FormRef } from "../../shared/notes/sheet.ts";
import { randomText } from "../../shared/notes/stamp.ts";
import type { Lesson, Problem } from "../../shared/protocol.ts";
import { keepPageOffline } from "../offline.ts";
import { claimReplica } from "./replica.ts";
import { Sender } from "./sender.ts";
import { SheetDoc } from "./sheet-doc.ts";
import { rememberWriter } from "./writer.ts";

export interface OpenSheet {
  readonly known: KnownSheet;
  readonly doc: SheetDoc;
  readonly sender: Sender;
  readonly api: NotesApi;
}

export type DeskState =
  | { kind: "looking" }
  /** No sheet on this machine for this link yet. */
  | { kind: "none" }
  /** A personal link brought here that could not be read. */
  | { kind: "unreadable"; problem: Problem | null }
  | { kind: "open"; sheet: OpenSheet };

/** What somebody says before she begins. */
export interface Beginning {
  readonly name: string;
  readonly unit: string;
  readonly form: Form;
  readonly study: boolean;
  readonly shareWithCluster: boolean;
}

const BUILT_IN = [vn1220, nghienCuuBaiHoc, haiCot] as unknown as readonly Form[];

/** Built-in forms leave out what is empty. */
function whole(form: Partial<Form> & Pick<Form, "id" | "version" | "title" | "layout">): Form {
  return { step: 0.25, groups: [], bands: [], fields: [], phases: [], tags: [], ...form };
}

export interface DeskOptions {
  /** Token of the observer's link; `null` when the page was opened with a personal link alone. */
  readonly link: string | null;
  /** Token of a sheet, from a personal link. */
  readonly sheet: string | null;
}

export class Desk {
  readonly state: Signal<DeskState> = signal<DeskState>({ kind: "looking" });
  readonly lessonNotes: Signal<LessonNotes | null> = signal<LessonNotes | null>(null);
  readonly timelineOpen = signal(false);
  readonly refused: Signal<SyncReply["refused"]> = signal<SyncReply["refused"]>([]);
  /** Nothing lasts on this machine. */
  readonly volatile = signal(false);
  readonly forms: ReadonlySignal<readonly Form[]>;
  readonly linkApi: NotesApi | null;
  /** Token of the link the page was opened with. */
  readonly link: string | null;
  private readonly options: DeskOptions;
  private readonly known = signal<readonly Form[]>([]);
  private notebook: Notebook = new MemoryNotebook();
  private lesson: Lesson | null = null;

  constructor(options: DeskOptions) {
    this.options = options;
    this.link = options.link;
    this.linkApi = options.link === null ? null : new NotesApi(options.link);
    this.forms = computed(() => {
      const offered = this.lessonNotes.value?.forms ?? [];
      const all = [...offered, ...this.known.value, ...BUILT_IN].map(whole);
      return all.filter((form, index) => all.findIndex((one) => one.id === form.id) === index);
    });
  }

  /** Looks for a sheet; the page shows the lesson meanwhile. */
  async open(): Promise<void> {
    this.notebook = await openNotebook();
    this.volatile.value = this.notebook.volatile !== null;
    const { link, sheet } = this.options;
    if (sheet !== null) return this.openPersonal(sheet);
    const known = link === null ? null : await this.notebook.sheetOf(link).catch(() => null);
    if (known === null) this.state.value = { kind: "none" };
    else await this.openKnown(known);
  }

  /** The lesson, as soon as it is known and whenever it changes. */
  follow(lesson: Lesson): void {
    const before = this.lesson;
    this.lesson = lesson;
    const state = this.state.peek();
    if (state.kind === "open" && state.sheet.known.startedAt !== lesson.started_at) {
      void this.keep({ ...state.sheet.known, lessonTitle: lesson.title, startedAt: lesson.started_at });
    }
    if (before?.id !== lesson.id) void this.askForms();
  }

  /** Which form a sheet begins on unless somebody chooses. */
  get usualForm(): Form {
    const wanted = this.lessonNotes.value?.form;
    const found = this.forms.value.find((form) => form.id === wanted?.id);
    return found ?? whole(vn1220 as unknown as Form);
  }

  /** The form a sheet is on, as far as this machine has seen it. */
  formOf(reference: FormRef | null): Form | null {
    const all = [...this.known.value, ...this.forms.value];
    if (reference === null) return this.usualForm;
    return all.find((form) => form.id === reference.id && form.version === reference.version) ?? null;
  }

  async begin(lesson: Lesson, beginning: Beginning): Promise<void> {
    const known: KnownSheet = {
      // 64 bits in 13 characters: the first one holds four.
      id: "0123456789abcdef".charAt(Math.floor(Math.random() * 16)) + randomText(12),
      lesson: lesson.id,
      via: this.options.link ?? "",
      token: randomText(26),
      createdAt: Date.now(),
      registered: false,
      forms: [beginning.form],
      lessonTitle: lesson.title,
      startedAt: lesson.started_at,
    };
    await this.notebook.keepSheet(known).catch(() => this.loseDisk());
    await this.openKnown(known);
    const state = this.state.peek();
    if (state.kind !== "open") return;
    rememberWriter(beginning.name, beginning.unit);
    const first: [string, Json][] = [
      ["form.ref", { ...referenceOf(beginning.form) }],
      ["mode.study", beginning.study || !isScored(beginning.form)],
      ["head.topic", lesson.title],
      ["head.school", lesson.host_place ?? ""],
      ["head.date", new Date().toLocaleDateString("vi-VN")],
      ["head.observer", beginning.name.trim()],
      ["head.unit", beginning.unit.trim()],
    ];
    if (beginning.shareWithCluster) first.push(["share.cluster", true]);
    state.sheet.doc.set(first);
    // Asks the browser not to clear our words when the disk runs full; a refusal changes nothing.
    void navigator.storage?.persist?.().catch(() => false);
  }

  /** Puts the sheet on another form; the old one stays known. */
  changeForm(form: Form, study: boolean): void {
    const state = this.state.peek();
    if (state.kind !== "open") return;
    this.learn([form]);
    state.sheet.doc.set([
      ["form.ref", { ...referenceOf(form) }],
      ["mode.study", study || !isScored(form)],
    ]);
    void this.keep({ ...state.sheet.known, forms: this.known.value });
  }

  async keepPicture(id: string, blob: Blob): Promise<void> {
    const state = this.state.peek();
    if (state.kind !== "open") return;
    await this.notebook.keepPicture({ sheet: state.sheet.doc.id, id, blob, sent: false });
    state.sheet.sender.nudge();
  }

  /** A picture of the sheet, from here or from the server. */
  async picture(id: string): Promise<Blob | null> {
    const state = this.state.peek();
    if (state.kind !== "open") return null;
    const here = await this.notebook.picture(state.sheet.doc.id, id).catch(() => null);
    if (here !== null) return here.blob;
    try {
      const blob = await state.sheet.api.picture(`/api/sheet/pictures/${id}`);
      await this.notebook
        .keepPicture({ sheet: state.sheet.doc.id, id, blob, sent: true })
        .catch(() => undefined);
      return blob;
    } catch {
      return null;
    }
  }

  /** Deletes the sheet here and on the server; throws when the server cannot be asked. */
  async forget(): Promise<void> {
    const state = this.state.peek();
    if (state.kind !== "open") return;
    const { sheet } = state;
    try {
      await sheet.api.deleteSheet();
    } catch (error) {
      if (!(error instanceof HttpRefusal) || error.problem?.code !== "sheet_unknown") throw error;
    }
    sheet.sender.stop();
    sheet.doc.close();
    await this.notebook.forgetSheet(sheet.doc.id);
    this.state.value = { kind: "none" };
  }

  private async openPersonal(token: string): Promise<void> {
    const before = await this.notebook.sheetWithToken(token).catch(() => null);
    try {
      const info = await new NotesApi(token).sheet();
      const known: KnownSheet = {
        id: info.id,
        lesson: info.lesson,
        via: this.options.link ?? before?.via ?? "",
        token,
        createdAt: before?.createdAt ?? info.created_at,
        registered: true,
        forms: before?.forms ?? [],
        lessonTitle: info.lesson_title,
        startedAt: info.started_at,
      };
      await this.notebook.keepSheet(known).catch(() => this.loseDisk());
      await this.openKnown(known);
    } catch (error) {
      // Without a network, what this machine has of the sheet is enough to go on writing.
      if (before !== null) await this.openKnown(before);
      else
        this.state.value = {
          kind: "unreadable",
          problem: error instanceof HttpRefusal ? error.problem : null,
        };
    }
  }

  private async openKnown(known: KnownSheet): Promise<void> {
    const registers = await this.notebook.registers(known.id).catch(() => new Map());
    const replica = await claimReplica(this.notebook.volatile === null);
    const api = new NotesApi(known.token);
    const channel =
      typeof BroadcastChannel === "function" ? new BroadcastChannel(`nhipcau.sheet.${known.id}`) : null;
    const doc: SheetDoc = new SheetDoc({
      id: known.id,
      notebook: this.notebook,
      replica,
      registers,
      ...(channel === null ? {} : { channel }),
      onChange: () => sender.nudge(),
    });
    const sender = new Sender({
      doc,
      notebook: this.notebook,
      sheet: known,
      link: this.linkApi,
      api,
      onRefused: (refused) => {
        this.refused.value = refused;
      },
      onTimeline: (open) => {
        this.timelineOpen.value = open;
      },
      onRegistered: () => {
        const state = this.state.peek();
        if (state.kind === "open") this.replaceKnown({ ...state.sheet.known, registered: true });
      },
    });
    this.learn(known.forms);
    keepPageOffline();
    this.state.value = { kind: "open", sheet: { known, doc, sender, api } };
    sender.start();
    void this.askForms();
  }

  /** Forms offered for the lesson, and the one the sheet is on. */
  private async askForms(): Promise<void> {
    const { linkApi } = this;
    if (linkApi === null) return this.askOwnForm();
    if (this.lesson === null) return;
    try {
      const notes = await linkApi.lessonNotes(this.lesson.id);
      this.lessonNotes.value = notes;
      this.timelineOpen.value = notes.timeline_open;
      const state = this.state.peek();
      if (state.kind !== "open") return;
      const wanted = state.sheet.doc.view.peek().form;
      if (wanted !== null && this.formOf(wanted) === null) this.learn([await linkApi.form(wanted)]);
      this.learn(notes.forms);
      await this.keep({ ...state.sheet.known, forms: this.known.value });
    } catch {
      // Without the server the forms seen before and the built-in ones are there.
    }
  }

  /** A sheet without its link knows its form from its own export. */
  private async askOwnForm(): Promise<void> {
    const state = this.state.peek();
    if (state.kind !== "open") return;
    try {
      const { form } = (await state.sheet.api.exportSheet()) as { form?: Form | null };
      if (form === undefined || form === null) return;
      this.learn([form]);
      await this.keep({ ...state.sheet.known, forms: this.known.value });
    } catch {
      // The form seen before is there.
    }
  }

  private learn(forms: readonly Form[]): void {
    const all = [...this.known.peek(), ...forms.map(whole)];
    this.known.value = all.filter(
      (form, index) => all.findIndex((one) => one.id === form.id && one.version === form.version) === index,
    );
  }

  private async keep(known: KnownSheet): Promise<void> {
    this.replaceKnown(known);
    await this.notebook.keepSheet(known).catch(() => undefined);
  }

  private replaceKnown(known: KnownSheet): void {
    const state = this.state.peek();
    if (state.kind === "open") this.state.value = { kind: "open", sheet: { ...state.sheet, known } };
  }

  private loseDisk(): void {
    this.notebook = new MemoryNotebook();
    this.volatile.value = true;
  }
}
