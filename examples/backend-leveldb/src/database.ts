import { resolve } from 'node:path';
import { ClassicLevel } from 'classic-level';

/** What is known of a body without reading it. */
export interface Entry {
  readonly etag: string;
  readonly size: number;
  readonly modified: number;
}

/** One change of a batch: what becomes of a key. */
export type Change = { readonly key: string; readonly written?: { readonly entry: Entry; readonly body: Uint8Array } };

const ENTRIES = 'e';
const BODIES = 'b';
const CLOCK = 'clock';
/** Every change is on disk when it resolves. */
const DURABLY = { sync: true } as const;

/**
 * One LevelDB folder. Entries and bodies have keys of their own, so that listing reads no bodies. LevelDB admits one
 * process, and that once, so all backends of this process on one folder share one object.
 */
export class Database {
  readonly #level: ClassicLevel<string, Uint8Array>;
  readonly #folder: string;
  #users = 0;
  #time = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
    this.#level = new ClassicLevel(folder, { valueEncoding: 'view' });
  }

  static readonly #open = new Map<string, { readonly database: Database; readonly ready: Promise<void> }>();
  /** A folder can't be opened again before it is closed. */
  static #closing: Promise<unknown> = Promise.resolve();

  static async open(path: string): Promise<Database> {
    await Database.#closing;
    const folder = resolve(path);
    let known = Database.#open.get(folder);
    if (known === undefined) {
      const database = new Database(folder);
      known = { database, ready: database.#begin() };
      Database.#open.set(folder, known);
    }
    known.database.#users += 1;
    try {
      await known.ready;
    } catch (error) {
      Database.#open.delete(folder);
      throw error;
    }
    return known.database;
  }

  async #begin(): Promise<void> {
    await this.#level.open();
    this.#time = Number(textOf((await this.#level.get(CLOCK)) ?? new Uint8Array()));
  }

  /** Milliseconds since 1970, never running backwards, also where the clock of the machine was set back. */
  now(): number {
    this.#time = Math.max(this.#time, Date.now());
    return this.#time;
  }

  /** Runs a reader or writer of conditions when those before it are done: LevelDB has no conditional writes. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async entry(key: string): Promise<Entry | undefined> {
    const bytes = await this.#level.get(`${ENTRIES}${key}`);
    return bytes === undefined ? undefined : (JSON.parse(textOf(bytes)) as Entry);
  }

  /** The body with its entry, both of one moment. */
  async read(key: string): Promise<{ entry: Entry; body: Uint8Array } | undefined> {
    const [entry, body] = await this.#level.getMany([`${ENTRIES}${key}`, `${BODIES}${key}`]);
    if (entry === undefined || body === undefined) return undefined;
    return { entry: JSON.parse(textOf(entry)) as Entry, body };
  }

  /** Up to `limit` keys with that prefix after `after`, in byte order. */
  async list(prefix: string, after: string, limit: number): Promise<{ key: string; entry: Entry }[]> {
    const start = after >= prefix ? { gt: `${ENTRIES}${after}` } : { gte: `${ENTRIES}${prefix}` };
    // Keys are ASCII, so this is behind all of them.
    const range = { ...start, lt: `${ENTRIES}${prefix}\u{ffff}`, limit };
    const found = await this.#level.iterator(range).all();
    return found.map(([key, bytes]) => ({ key: key.slice(ENTRIES.length), entry: JSON.parse(textOf(bytes)) as Entry }));
  }

  /** All changes or none. */
  async change(changes: readonly Change[]): Promise<void> {
    const operations = changes.flatMap(({ key, written }): (ReturnType<typeof put> | ReturnType<typeof del>)[] => {
      const [entry, body] = [`${ENTRIES}${key}`, `${BODIES}${key}`];
      if (written === undefined) return [del(entry), del(body)];
      return [put(entry, bytesOf(JSON.stringify(written.entry))), put(body, written.body)];
    });
    await this.#level.batch([put(CLOCK, bytesOf(String(this.#time))), ...operations], DURABLY);
  }

  /** Leaves the folder; the last one that does so closes it. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    Database.#open.delete(this.#folder);
    const closed = this.#level.close();
    Database.#closing = Promise.allSettled([Database.#closing, closed]);
    await closed;
  }
}

const put = (key: string, value: Uint8Array) => ({ type: 'put', key, value }) as const;
const del = (key: string) => ({ type: 'del', key }) as const;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
