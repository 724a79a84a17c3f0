import { createHash } from 'node:crypto';
import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import { AREAS, asBuffer, SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { entriesUnder, mapConcurrently } from '@securestore/objects/internal';
import type { Trust } from './copier.ts';

const COPIES = 8;
const MAX_TRIES = 3;
/** So many names are remembered as one stretch: about as many as a backend lists at a time. */
const STRETCH = 1000;
const STRETCHES_AT_ONCE = 16;

/** Names that were listed one after the other. */
interface Stretch {
  /** The name before it; `undefined` if it begins the log. */
  readonly after: string | undefined;
  /** Its last name; `undefined` if all later names belong to it. */
  readonly last: string | undefined;
  readonly digest: string;
}

/** A part to be checked, and whether the target has an object of its name. */
interface Due {
  readonly name: string;
  readonly isThere: boolean;
}

const digestOf = (names: readonly string[]): string => createHash('sha256').update(names.join('\n')).digest('base64');

/** Copies the audit log, whose parts never change. */
export class AuditLogCopy {
  /** Whether an object of the target with the name and size of a part is taken for it, or compared with it once. */
  trust: Trust = 'sizes';
  readonly #area: MigrationArea;
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  /** The listing of the source when all of it had been copied. */
  #stretches: readonly Stretch[] = [{ after: undefined, last: undefined, digest: digestOf([]) }];
  /** When the newest checked part was written, by the clock of the store's backend. */
  #newest: number | undefined;
  #lost = 0;

  constructor(area: MigrationArea, target: StorageBackend, signal: AbortSignal | undefined) {
    this.#area = area;
    this.#target = target;
    this.#signal = signal;
  }

  /**
   * Copies missing parts, and checks that they are there.
   *
   * @throws SecureStoreError `INTEGRITY` if they are not, though they were written; what the backends throw
   */
  async copyWhole(): Promise<void> {
    if (this.#newest === undefined) await this.copy();
    for (let tries = 1; (await this.copy()) > 0; tries++) {
      if (tries < MAX_TRIES) continue;
      const message = 'parts of the audit log were lost at the target after they were written. The store did not move.';
      throw new SecureStoreError('INTEGRITY', message, { advice: [{ id: 'resume-migration' }] });
    }
  }

  /**
   * Copies missing parts.
   *
   * @returns how many of them this run had copied before
   * @throws SecureStoreError what the backends throw
   */
  async copy(): Promise<number> {
    this.#lost = 0;
    const stretches: Stretch[] = [];
    let [after, names]: [string | undefined, string[]] = [undefined, []];
    let newest = this.#newest ?? 0;
    async function* noted(list: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
      for await (const entry of list) {
        names.push(entry.key);
        newest = Math.max(newest, entry.modified);
        if (names.length === STRETCH) {
          stretches.push({ after, last: entry.key, digest: digestOf(names) });
          [after, names] = [entry.key, []];
        }
        yield entry;
      }
    }
    await this.#bring(this.#due(noted(this.#listed()), undefined));
    this.#newest = newest;
    stretches.push({ after, last: undefined, digest: digestOf(names) });
    this.#stretches = stretches;
    return this.#lost;
  }

  /**
   * Copies what has come since {@link copy}, to be called while all callers wait: stretches of the log are listed side by side, and at the
   * target only those that have something new, however long the log is.
   *
   * @throws SecureStoreError what the backends throw
   */
  async copyNew(): Promise<void> {
    const look = async (stretch: Stretch): Promise<void> => {
      const entries: ListEntry[] = [];
      for await (const entry of this.#listed(stretch)) entries.push(entry);
      if (digestOf(entries.map(({ key }) => key)) === stretch.digest) return;
      await this.#bring(this.#due(entries, stretch.after));
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

  /** The parts that the target lacks, or may have otherwise. @param after the name before them */
  async *#due(entries: AsyncIterable<ListEntry> | Iterable<ListEntry>, after: string | undefined): AsyncGenerator<Due> {
    const there = entriesUnder(this.#target, AREAS.audit, { after, signal: this.#signal });
    const since = this.#lookedAtUntil;
    const doubted = this.trust === 'sizes' ? Infinity : since;
    try {
      let next = await there.next();
      for await (const { key, size, modified } of entries) {
        while (next.done !== true && next.value.key < key) next = await there.next();
        const isThere = next.done !== true && next.value.key === key;
        const isThereWhole = isThere && next.value.size === size;
        if (!isThereWhole && modified < since) this.#lost += 1;
        if (!isThereWhole || modified >= doubted) yield { name: key, isThere };
      }
    } finally {
      await there.return(undefined);
    }
  }

  /** Parts that were written before this, by the clock of the store's backend, were checked. */
  get #lookedAtUntil(): number {
    const { clockSkew, modifiedResolution } = this.#area.capabilities;
    return this.#newest === undefined ? -Infinity : this.#newest - clockSkew - modifiedResolution;
  }

  async #bring(parts: AsyncIterable<Due>): Promise<void> {
    for await (const _ of mapConcurrently(parts, COPIES, (due) => this.#copy(due)));
  }

  async #copy({ name, isThere }: Due): Promise<void> {
    const [area, target, signal] = [this.#area, this.#target, this.#signal];
    const body = (await area.read(name, { signal }))?.body;
    if (body === undefined) return;
    const there = isThere ? (await target.read(name, { signal }))?.body : undefined;
    if (there !== undefined && asBuffer(body).equals(there)) return;
    // A damaged part of the source must not replace an undamaged one of the target, which may be the last one.
    if (there !== undefined && area.copying.isAuditPart(name, there) && !area.copying.isAuditPart(name, body)) return;
    await target.write(name, body, { signal });
  }
}
