/**
 * What this machine keeps of its observers' sheets: IndexedDB, written before anything is sent. Where the browser keeps
 * nothing (private window, full disk) the page goes on in memory and says so.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Form } from "./form.ts";
import { EMPTY, join, type Register, same } from "./register.ts";

/** A sheet as this machine knows it. */
export interface KnownSheet {
  readonly id: string;
  readonly lesson: string;
  /** Token of the observer's link it was begun with: a page without a network knows nothing else. */
  readonly via: string;
  /** What opens the sheet on the server; drawn here. */
  readonly token: string;
  readonly createdAt: number;
  /** The server has it. */
  readonly registered: boolean;
  /** Forms seen so far, so that the sheet can be read without a network. */
  readonly forms: readonly Form[];
  readonly lessonTitle: string;
  /** When the lesson went live, milliseconds since the epoch of the relay's clock. */
  readonly startedAt: number | null;
}

export interface KnownPicture {
  readonly sheet: string;
  readonly id: string;
  readonly blob: Blob;
  readonly sent: boolean;
}

interface KnownRegister {
  readonly sheet: string;
  readonly key: string;
  readonly register: Register;
  /** The server has acknowledged exactly this. */
  readonly sent: 0 | 1;
}

interface Schema extends DBSchema {
  sheets: { key: string; value: KnownSheet; indexes: { via: string } };
  registers: { key: [string, string]; value: KnownRegister; indexes: { unsent: [string, number] } };
  pictures: { key: [string, string]; value: KnownPicture };
}

export type Registers = ReadonlyMap<string, Register>;

export interface Notebook {
  /** Why nothing lasts here; `null` when everything is on the disk. */
  readonly volatile: "refused" | null;
  /** The sheet begun with a link, the newest when there are more. */
  sheetOf(link: string): Promise<KnownSheet | null>;
  sheet(id: string): Promise<KnownSheet | null>;
  /** The sheet a personal link names, when it has been open here before. */
  sheetWithToken(token: string): Promise<KnownSheet | null>;
  keepSheet(sheet: KnownSheet): Promise<void>;
  forgetSheet(id: string): Promise<void>;
  registers(sheet: string): Promise<Map<string, Register>>;
  /**
   * Joins registers into what is kept, in one transaction that is on the disk when this resolves, and gives what came of it.
   * @param fromServer the server has what is given here
   */
  merge(sheet: string, registers: Registers, fromServer: boolean): Promise<Map<string, Register>>;
  /** What the server has not acknowledged. */
  unsent(sheet: string): Promise<Map<string, Register>>;
  /** The server has acknowledged these; what was written meanwhile stays unsent. */
  acknowledge(sheet: string, sent: Registers): Promise<void>;
  /** The server has only this: everything else is sent again. */
  compare(sheet: string, onServer: Registers): Promise<void>;
  keepPicture(picture: KnownPicture): Promise<void>;
  picture(sheet: string, id: string): Promise<KnownPicture | null>;
  unsentPictures(sheet: string): Promise<KnownPicture[]>;
}

const NAME = "nhipcau-notes";

/** Opens this machine's notebook; never fails. */
export async function openNotebook(name: string = NAME): Promise<Notebook> {
  try {
    const db = await openDB<Schema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore("sheets", { keyPath: "id" }).createIndex("via", "via");
        fresh
          .createObjectStore("registers", { keyPath: ["sheet", "key"] })
          .createIndex("unsent", ["sheet", "sent"]);
        fresh.createObjectStore("pictures", { keyPath: ["sheet", "id"] });
      },
      // A newer page in another tab must not wait for this one to be closed.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
    return new DiskNotebook(db);
  } catch {
    return new MemoryNotebook();
  }
}

/** A battery may die at any moment: a write counts only when the system has flushed it. */
const STRICT = { durability: "strict" } as const;

class DiskNotebook implements Notebook {
  readonly volatile = null;
  private readonly db: IDBPDatabase<Schema>;

  constructor(db: IDBPDatabase<Schema>) {
    this.db = db;
  }

  async sheetOf(link: string): Promise<KnownSheet | null> {
    const sheets = await this.db.getAllFromIndex("sheets", "via", link);
    sheets.sort((one, other) => other.createdAt - one.createdAt);
    return sheets[0] ?? null;
  }

  async sheet(id: string): Promise<KnownSheet | null> {
    return (await this.db.get("sheets", id)) ?? null;
  }

  async sheetWithToken(token: string): Promise<KnownSheet | null> {
    return (await this.db.getAll("sheets")).find((sheet) => sheet.token === token) ?? null;
  }

  async keepSheet(sheet: KnownSheet): Promise<void> {
    const tx = this.db.transaction("sheets", "readwrite", STRICT);
    await tx.store.put(sheet);
    await tx.done;
  }

  async forgetSheet(id: string): Promise<void> {
    const tx = this.db.transaction(["sheets", "registers", "pictures"], "readwrite", STRICT);
    await tx.objectStore("sheets").delete(id);
    await tx.objectStore("registers").delete(range(id));
    await tx.objectStore("pictures").delete(range(id));
    await tx.done;
  }

  async registers(sheet: string): Promise<Map<string, Register>> {
    const found = await this.db.getAll("registers", range(sheet));
    return new Map(found.map(({ key, register }) => [key, register]));
  }

  async merge(sheet: string, registers: Registers, fromServer: boolean): Promise<Map<string, Register>> {
    const joined = new Map<string, Register>();
    const tx = this.db.transaction("registers", "readwrite", STRICT);
    await Promise.all([
      ...[...registers].map(async ([key, register]) => {
        const known = await tx.store.get([sheet, key]);
        const both = join(known?.register ?? EMPTY, register);
        joined.set(key, both);
        const sent = fromServer
          ? same(both, register)
          : known !== undefined && both === known.register && known.sent === 1;
        await tx.store.put({ sheet, key, register: both, sent: sent ? 1 : 0 });
      }),
      tx.done,
    ]);
    return joined;
  }

  async unsent(sheet: string): Promise<Map<string, Register>> {
    const found = await this.db.getAllFromIndex("registers", "unsent", [sheet, 0]);
    return new Map(found.map(({ key, register }) => [key, register]));
  }

  async acknowledge(sheet: string, sent: Registers): Promise<void> {
    const tx = this.db.transaction("registers", "readwrite");
    await Promise.all([
      ...[...sent].map(async ([key, register]) => {
        const known = await tx.store.get([sheet, key]);
        if (known !== undefined && same(known.register, register)) await tx.store.put({ ...known, sent: 1 });
      }),
      tx.done,
    ]);
  }

  async compare(sheet: string, onServer: Registers): Promise<void> {
    const tx = this.db.transaction("registers", "readwrite");
    for (const known of await tx.store.getAll(range(sheet))) {
      const there = onServer.get(known.key);
      const sent = there !== undefined && same(there, known.register) ? 1 : 0;
      if (sent !== known.sent) await tx.store.put({ ...known, sent });
    }
    await tx.done;
  }

  async keepPicture(picture: KnownPicture): Promise<void> {
    const tx = this.db.transaction("pictures", "readwrite", STRICT);
    await tx.store.put(picture);
    await tx.done;
  }

  async picture(sheet: string, id: string): Promise<KnownPicture | null> {
    return (await this.db.get("pictures", [sheet, id])) ?? null;
  }

  async unsentPictures(sheet: string): Promise<KnownPicture[]> {
    return (await this.db.getAll("pictures", range(sheet))).filter(({ sent }) => !sent);
  }
}

function range(sheet: string): IDBKeyRange {
  return IDBKeyRange.bound([sheet], [sheet, []]);
}

/** The same without a disk. Everything is sent to the server all the sooner. */
export class MemoryNotebook implements Notebook {
  readonly volatile = "refused";
  private readonly sheets = new Map<string, KnownSheet>();
  private readonly kept = new Map<string, Map<string, { register: Register; sent: boolean }>>();
  private readonly pictures = new Map<string, KnownPicture>();

  async sheetOf(link: string): Promise<KnownSheet | null> {
    return [...this.sheets.values()].reverse().find((sheet) => sheet.via === link) ?? null;
  }

  async sheet(id: string): Promise<KnownSheet | null> {
    return this.sheets.get(id) ?? null;
  }

  async sheetWithToken(token: string): Promise<KnownSheet | null> {
    return [...this.sheets.values()].find((sheet) => sheet.token === token) ?? null;
  }

  async keepSheet(sheet: KnownSheet): Promise<void> {
    this.sheets.set(sheet.id, sheet);
  }

  async forgetSheet(id: string): Promise<void> {
    this.sheets.delete(id);
    this.kept.delete(id);
  }

  async registers(sheet: string): Promise<Map<string, Register>> {
    return new Map([...this.of(sheet)].map(([key, { register }]) => [key, register]));
  }

  async merge(sheet: string, registers: Registers, fromServer: boolean): Promise<Map<string, Register>> {
    const joined = new Map<string, Register>();
    const kept = this.of(sheet);
    for (const [key, register] of registers) {
      const known = kept.get(key);
      const both = join(known?.register ?? EMPTY, register);
      joined.set(key, both);
      const sent = fromServer ? same(both, register) : both === known?.register && known.sent;
      kept.set(key, { register: both, sent });
    }
    return joined;
  }

  async unsent(sheet: string): Promise<Map<string, Register>> {
    const unsent = [...this.of(sheet)].filter(([, { sent }]) => !sent);
    return new Map(unsent.map(([key, { register }]) => [key, register]));
  }

  async acknowledge(sheet: string, sent: Registers): Promise<void> {
    for (const [key, register] of sent) {
      const known = this.of(sheet).get(key);
      if (known !== undefined && same(known.register, register)) known.sent = true;
    }
  }

  async compare(sheet: string, onServer: Registers): Promise<void> {
    for (const [key, known] of this.of(sheet)) {
      const there = onServer.get(key);
      known.sent = there !== undefined && same(there, known.register);
    }
  }

  async keepPicture(picture: KnownPicture): Promise<void> {
    this.pictures.set(`${picture.sheet} ${picture.id}`, picture);
  }

  async picture(sheet: string, id: string): Promise<KnownPicture | null> {
    return this.pictures.get(`${sheet} ${id}`) ?? null;
  }

  async unsentPictures(sheet: string): Promise<KnownPicture[]> {
    return [...this.pictures.values()].filter((picture) => picture.sheet === sheet && !picture.sent);
  }

  private of(sheet: string): Map<string, { register: Register; sent: boolean }> {
    const known = this.kept.get(sheet) ?? new Map();
    this.kept.set(sheet, known);
    return known;
  }
}
