import type { ListEntry, ReadResult, StorageBackend } from '@securestore/backend-api';
import type { RecordHeader } from '@securestore/core-format';
import {
  AREAS,
  asBuffer,
  BLOB_PREFIX_LENGTH,
  blobsPrefix,
  historyName,
  historyPrefix,
  isZero,
  objectName,
  partName,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Change, MigrationArea } from '@securestore/objects';
import { entriesUnder, isPurged, mapConcurrently } from '@securestore/objects';
import type { Listed } from './listing.ts';
import type { FailedMove } from './types.ts';
import { Writer } from './writer.ts';

/** Parts of payloads that are copied at a time, of all objects together: this many are in memory. */
const PARTS = 4;
const RECORDS = 4;

const FAILURES: ReadonlySet<string> = new Set(['INTEGRITY', 'FORMAT_VERSION', 'TOO_LARGE']);

/** Whether what has one name and one size on both sides is taken for the same, or read there and here. */
export type Trust = 'sizes' | 'nothing';

/** What copying works with. */
export interface CopyPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly signal: AbortSignal | undefined;
  readonly onCopied: (versions: number, bytes: number) => void;
}

/** Lets so many run at a time. */
function gate(most: number): <T>(body: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (body) => {
    if (running >= most) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running += 1;
    try {
      return await body();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

/** Whether a version was replaced already when it was looked at. */
const isPast = ({ name }: Change): boolean => name.startsWith(AREAS.history);

/** Whether each version follows the one before it, the first one that which lies there, and none is a purge. */
function areLinked(before: RecordHeader | undefined, later: readonly Change[]): boolean {
  let previous = before?.commitId;
  for (const { header } of later) {
    const follows =
      previous === undefined ? isZero(header.previousCommitId) : isSameId(previous, header.previousCommitId);
    if (!follows || isPurged(header)) return false;
    previous = header.commitId;
  }
  return true;
}

const isSameId = (a: Uint8Array, b: Uint8Array): boolean => asBuffer(a).equals(b);

/** Brings objects of a store to where it moves to: their bytes as they are. */
export class Copier {
  readonly failed: Map<string, FailedMove> = new Map();
  versions = 0;
  bytes = 0;
  /** How objects are looked at once more. Where a store was before, others may write late who do not know that it has left. */
  trust: Trust = 'sizes';
  readonly #ports: CopyPorts;
  readonly #writer: Writer;
  readonly #partGate = gate(PARTS);

  constructor(ports: CopyPorts) {
    this.#ports = ports;
    this.#writer = new Writer(ports.target, ports.signal);
  }

  /** Waits until everything that was copied is there. @throws SecureStoreError what a write has failed of */
  finish(): Promise<void> {
    return this.#writer.finish();
  }

  /** Notes what is wrong with one object, which keeps no other from being moved. */
  fail(name: string, code: string, message: string): void {
    this.failed.set(name, { name, code, message });
  }

  async #tolerating(name: string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
      this.failed.delete(name);
    } catch (error) {
      if (!SecureStoreError.is(error) || !FAILURES.has(error.code)) throw error;
      this.fail(name, error.code, error.message);
    }
  }

  #checkSize(name: string, length: number): void {
    const { maxBodyBytes } = this.#ports.target.capabilities;
    if (length <= maxBodyBytes) return;
    throw new SecureStoreError(
      'TOO_LARGE',
      `${name} has ${length} bytes; the backend that the store moves to holds ${maxBodyBytes}`,
    );
  }

  #count(versions: number, bytes: number): void {
    this.versions += versions;
    this.bytes += bytes;
    this.#ports.onCopied(versions, bytes);
  }

  /**
   * Brings one object in line with what the store lists of it.
   *
   * @param there what is listed where the store moves to
   * @param current its record as it was before the rest was listed; by default as it is after that, where every version that comes in
   *   between is a change that is still to be followed
   * @returns how many names were not the same
   */
  async sync(listed: Listed, there: Listed | undefined, trust: Trust, current?: Uint8Array): Promise<number> {
    const { target, signal } = this.#ports;
    const { token, record, history, parts } = listed;
    const had = new Map([...(there?.history ?? []), ...(there?.parts ?? [])].map((entry) => [entry.key, entry]));
    let differing = 0;
    const isThere = ({ key, size }: ListEntry): boolean => had.get(key)?.size === size;
    const missing = parts.filter((entry) => !isThere(entry));
    await Promise.all(
      missing.map(({ key }) => this.#partGate(() => this.#tolerating(key, async () => void (await this.#part(key))))),
    );
    differing += missing.length;
    const older = trust === 'sizes' ? history.filter((entry) => !isThere(entry)) : history;
    for await (const written of mapConcurrently(older, RECORDS, ({ key }) => this.#record(token, key, had.has(key)))) {
      if (written) differing += 1;
    }
    const isKnown = there?.record !== undefined;
    if (record !== undefined && (await this.#record(token, record.key, isKnown, current))) differing += 1;
    const named = new Set([...history, ...parts].map(({ key }) => key));
    const extra = [...had.keys()].filter((name) => !named.has(name));
    for (const name of extra) await target.delete(name, { signal });
    const gone = record === undefined && there?.record !== undefined ? await this.#removeRecord(there.record.key) : 0;
    return differing + extra.length + gone;
  }

  /** Removes what lies at the name of a current record, and not what takes its place: see {@link Writer.replace}. @returns how much there was */
  async #removeRecord(name: string): Promise<number> {
    const { target, signal } = this.#ports;
    const found = await target.read(name, { signal });
    if (found === undefined) return 0;
    const isConditional = target.capabilities.conditionalDelete && found.etag !== undefined;
    try {
      await target.delete(name, isConditional ? { ifMatch: found.etag, signal } : { signal });
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
    return 1;
  }

  /**
   * @param compare whether something lies there already
   * @param known what lies in the store, where that was read
   * @returns whether it was written
   */
  async #record(token: string, name: string, compare: boolean, known?: Uint8Array): Promise<boolean> {
    const { area, target, signal } = this.#ports;
    let written = false;
    await this.#tolerating(name, async () => {
      const body = known ?? (await area.read(name, { signal }))?.body;
      // Forgotten, or purged, since it was listed.
      if (body === undefined) return;
      await this.#check(token, name, body, signal);
      const there = compare ? await target.read(name, { signal }) : undefined;
      if (there !== undefined && asBuffer(body).equals(there.body)) return;
      // Older versions are what they are, and nobody else writes them.
      if (name === objectName(token)) await this.#writer.replace(name, body, there?.etag);
      else await this.#writer.write(name, body);
      written = true;
      this.#count(1, body.length);
    });
    return written;
  }

  /** @throws SecureStoreError `INTEGRITY` where it is not what the store has written there; `TOO_LARGE` */
  async #check(token: string, name: string, record: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const looked = await this.#ports.area.lookAt(token, record, signal);
    const isOfName =
      looked === 'damaged' || looked === 'destroyed' || name === objectName(token)
        ? true
        : name === historyName(token, looked.header.version);
    if (looked === 'damaged' || !isOfName) {
      throw new SecureStoreError('INTEGRITY', `${name} is damaged: it is not what was stored there`);
    }
    this.#checkSize(name, record.length);
  }

  async #part(name: string): Promise<boolean> {
    const { area, target, signal } = this.#ports;
    signal?.throwIfAborted();
    const found = await area.read(name, { signal });
    if (found === undefined) return false;
    this.#checkSize(name, found.body.length);
    await target.write(name, found.body, { signal });
    this.#count(0, found.body.length);
    return true;
  }

  /** Brings one object in line with what lies in the store now. @returns how many names were not the same */
  async syncToken(token: string, trust: Trust = this.trust): Promise<number> {
    const { area, target, signal } = this.#ports;
    await this.#writer.finish();
    // Whatever came before this record is listed after it was read. One that takes its place meanwhile may have come after others that
    // are not.
    const current = await area.read(objectName(token), { signal });
    const listed = await listOne(token, current, (prefix) => area.entries(prefix, { signal }));
    const other = await target.read(objectName(token), { signal });
    const there = await listOne(token, other, (prefix) => entriesUnder(target, prefix, { signal }));
    return this.sync(listed, there, trust, current?.body);
  }

  /** Follows changes of one object. @param changes the oldest first */
  async apply(token: string, changes: readonly Change[]): Promise<void> {
    if (await this.#applyLinked(token, changes)) this.failed.delete(objectName(token));
    else await this.syncToken(token);
    await this.#writer.finish();
  }

  /** @returns whether all of it follows what lies there, so that nothing else can be missing */
  async #applyLinked(token: string, changes: readonly Change[]): Promise<boolean> {
    const { target, signal } = this.#ports;
    const found = await target.read(objectName(token), { signal });
    const before = found && splitRecord(found.body).header;
    const newest = changes.at(-1);
    if (newest === undefined || (!isPast(newest) && newest.header.version < (before?.version ?? 0))) return false;
    const later = changes.filter(({ header }) => header.version > (before?.version ?? 0));
    // Where none is current, a version that nobody has announced to us yet has taken the place of the last one.
    if ((later.length > 0 && isPast(newest)) || !areLinked(before, later)) return false;
    let payload = before;
    for (const { name, header, record } of changes) {
      if (!(await this.#payload(token, header, payload))) return false;
      if (name !== newest.name) await this.#write(name, record);
      payload = header;
    }
    if (isPast(newest)) {
      await this.#write(newest.name, newest.record);
      return true;
    }
    // As the store has it: it may lie under a newer key there.
    if (before !== undefined && later.length > 0) {
      await this.#record(token, historyName(token, before.version), false);
    }
    await this.#writer.finish();
    await this.#write(newest.name, newest.record, { etag: found?.etag });
    return true;
  }

  /** @param before of a current record, what it replaces */
  async #write(name: string, record: Uint8Array, before?: { readonly etag: string | undefined }): Promise<void> {
    await this.#tolerating(name, async () => {
      this.#checkSize(name, record.length);
      await (before === undefined ? this.#writer.write(name, record) : this.#writer.replace(name, record, before.etag));
      this.#count(1, record.length);
    });
  }

  /** @returns whether all parts of the payload were there, or it needs none that are not there already */
  async #payload(token: string, { blob }: RecordHeader, before: RecordHeader | undefined): Promise<boolean> {
    if (blob === undefined || (before?.blob !== undefined && isSameId(before.blob.blobId, blob.blobId))) return true;
    const { blobId, sealedLength, partSize } = blob;
    // Whoever has the key of a category can seal any sizes: it is over with the first part that is not there.
    if (partSize === 0) return false;
    const count = Math.max(1, Math.ceil((sealedLength - BLOB_PREFIX_LENGTH) / partSize));
    const names = function* parts(): Generator<string> {
      for (let part = 0; part < count; part++) yield partName(token, blobId, part);
    };
    for await (const copied of mapConcurrently(names(), PARTS, async (name) => {
      let copiedPart = true;
      await this.#partGate(() =>
        this.#tolerating(name, async () => {
          copiedPart = await this.#part(name);
        }),
      );
      return copiedPart;
    })) {
      if (!copied) return false;
    }
    return true;
  }
}

/** @param current the current record, read before */
async function listOne(
  token: string,
  current: ReadResult | undefined,
  list: (prefix: string) => AsyncIterable<ListEntry>,
): Promise<Listed> {
  const all = async (prefix: string): Promise<ListEntry[]> => {
    const entries: ListEntry[] = [];
    for await (const entry of list(prefix)) entries.push(entry);
    return entries;
  };
  const record = current && { key: objectName(token), size: current.size, modified: current.modified };
  return { token, record, history: await all(historyPrefix(token)), parts: await all(blobsPrefix(token)) };
}
