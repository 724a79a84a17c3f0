import { createHash } from 'node:crypto';
import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects';
import { entriesUnder, mapConcurrently } from '@securestore/objects';

const COPIES = 8;
/** So many names are remembered as one stretch: about as many as a backend lists at a time. */
const STRETCH = 1000;
const STRETCHES_AT_ONCE = 16;

/** Names that were listed one after the other. */
interface Stretch {
  /** The name before it; `undefined` where it begins the log. */
  readonly after: string | undefined;
  /** Its last name; `undefined` where whatever comes later belongs to it. */
  readonly last: string | undefined;
  readonly digest: string;
}

const digestOf = (names: readonly string[]): string => createHash('sha256').update(names.join('\n')).digest('base64');

/** Copies the audit log, whose parts never change. */
export class AuditLogCopy {
  readonly #area: MigrationArea;
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  /** What the store listed when all of it had been copied. */
  #stretches: readonly Stretch[] = [{ after: undefined, last: undefined, digest: digestOf([]) }];

  constructor(area: MigrationArea, target: StorageBackend, signal: AbortSignal | undefined) {
    this.#area = area;
    this.#target = target;
    this.#signal = signal;
  }

  /** Copies what is not there yet. @throws SecureStoreError what the backends throw */
  async copy(): Promise<void> {
    const stretches: Stretch[] = [];
    let [after, names]: [string | undefined, string[]] = [undefined, []];
    async function* noted(list: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
      for await (const entry of list) {
        names.push(entry.key);
        if (names.length === STRETCH) {
          stretches.push({ after, last: entry.key, digest: digestOf(names) });
          [after, names] = [entry.key, []];
        }
        yield entry;
      }
    }
    await this.#bring(this.#missing(noted(this.#listed()), undefined));
    stretches.push({ after, last: undefined, digest: digestOf(names) });
    this.#stretches = stretches;
  }

  /**
   * Copies what has come since {@link copy}, to be called while everybody waits: stretches of the log are listed side by side, and where the
   * store moves to only those in which there is something new, however long the log is.
   *
   * @throws SecureStoreError what the backends throw
   */
  async copyNew(): Promise<void> {
    const look = async (stretch: Stretch): Promise<void> => {
      const entries: ListEntry[] = [];
      for await (const entry of this.#listed(stretch)) entries.push(entry);
      if (digestOf(entries.map(({ key }) => key)) === stretch.digest) return;
      await this.#bring(this.#missing(entries, stretch.after));
    };
    for await (const _ of mapConcurrently(this.#stretches, STRETCHES_AT_ONCE, look));
  }

  async *#listed({ after, last }: Partial<Stretch> = {}): AsyncGenerator<ListEntry> {
    const list = this.#area.entries(AREAS.audit, { ...(after !== undefined && { after }), signal: this.#signal });
    for await (const entry of list) {
      if (last !== undefined && entry.key > last) return;
      yield entry;
      if (entry.key === last) return;
    }
  }

  /** The names of these that are not where the store moves to. @param after the name before them */
  async *#missing(
    entries: AsyncIterable<ListEntry> | Iterable<ListEntry>,
    after: string | undefined,
  ): AsyncGenerator<string> {
    const there = entriesUnder(this.#target, AREAS.audit, { after, signal: this.#signal });
    try {
      let next = await there.next();
      for await (const { key } of entries) {
        while (next.done !== true && next.value.key < key) next = await there.next();
        if (next.done === true || next.value.key !== key) yield key;
      }
    } finally {
      await there.return(undefined);
    }
  }

  async #bring(names: AsyncIterable<string>): Promise<void> {
    const signal = this.#signal;
    const copy = async (name: string): Promise<void> => {
      const found = await this.#area.read(name, { signal });
      if (found !== undefined) await this.#target.write(name, found.body, { signal });
    };
    for await (const _ of mapConcurrently(names, COPIES, copy));
  }
}
