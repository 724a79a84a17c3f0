import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import type { RecordHeader } from '@securestore/core-format';
import { asBuffer, historyName, objectName, SecureStoreError } from '@securestore/core-format';
import type { Change, MigrationArea, SealedPayload } from '@securestore/objects/internal';
import { entriesUnder, isPurged, mapConcurrently } from '@securestore/objects/internal';
import { Leftovers } from './leftovers.ts';
import { areLinked, headerIn, isPast, isSameId } from './linked.ts';
import type { Listed } from './listing.ts';
import { listOne } from './listing.ts';
import { checkStill, Outdated, overtaken } from './overtaken.ts';
import type { Copied } from './parts.ts';
import { partNames, Parts, PARTS_AT_ONCE, Payloads } from './parts.ts';
import { Tally } from './tally.ts';
import { versionOf, Writer } from './writer.ts';

const RECORDS = 4;

/** Whether objects with one name and one size on both sides are taken for the same, or read on both. */
export type Trust = 'sizes' | 'nothing';

/** How one object is compared. */
interface Look {
  readonly trust: Trust;
  /** Whether a part of a payload is read on both sides though it has the same size. */
  readonly again: (name: string) => boolean;
}

const never = (): boolean => false;

/** What copying works with. */
export interface CopyPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly signal: AbortSignal | undefined;
  readonly onCopied: (bytes: number) => void;
}

const MAX_LOOKS = 5;

/** Copies objects of a store to the target: their bytes as they are. */
export class Copier {
  readonly tally: Tally = new Tally(['INTEGRITY', 'FORMAT_VERSION', 'TOO_LARGE']);
  /** How objects are compared once more. At a former source, processes that do not know that the store has moved may still write. */
  trust: Trust = 'sizes';
  /** Whether the target is a former source, which may have damaged objects left. */
  isWayBack = false;
  readonly #ports: CopyPorts;
  readonly #writer: Writer;
  readonly #parts: Parts;
  readonly #leftovers: Leftovers;

  constructor(ports: CopyPorts) {
    const { area, target, signal } = ports;
    this.#ports = ports;
    this.#writer = new Writer(target, signal);
    this.#parts = new Parts({
      area,
      target,
      signal,
      checkSize: (length) => this.#checkSize(length),
      onCopied: (bytes) => this.#count(0, bytes),
    });
    this.#leftovers = new Leftovers({
      area,
      target,
      signal,
      isWayBack: () => this.isWayBack,
      fail: (failure) => this.tally.fail(failure),
    });
  }

  /** Whether a part of an object may have been copied before anything was known that opens it. */
  isUnchecked(token: string): boolean {
    return this.#parts.isUnchecked(token);
  }

  /** Waits until everything that was copied is written. @throws SecureStoreError what a write has failed with */
  finish(): Promise<void> {
    return this.#writer.finish();
  }

  #checkSize(length: number): void {
    const { maxBodyBytes } = this.#ports.target.capabilities;
    if (length <= maxBodyBytes) return;
    throw new SecureStoreError(
      'TOO_LARGE',
      `the record or part has ${length} bytes, and the backend of the target holds at most ${maxBodyBytes}`,
      { advice: [{ id: 'choose-store-url' }, { id: 'migrate-reencrypted' }] },
    );
  }

  #count(versions: number, bytes: number): void {
    this.tally.count(versions, bytes);
    this.#ports.onCopied(bytes);
  }

  /**
   * Makes one object at the target the same as the store lists it.
   *
   * @param there the listing of the target
   * @returns how many names were not the same
   */
  async sync(listed: Listed, there: Listed | undefined, trust: Trust): Promise<number> {
    try {
      return await this.#sync(listed, there, { trust, again: never });
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
      return this.syncToken(listed.token, trust);
    }
  }

  /**
   * @param current its record as it was before the rest was listed; by default as it is after that: every version that comes in
   *   between is a change that is still to be applied
   */
  async #sync(
    listed: Listed,
    there: Listed | undefined,
    { trust, again }: Look,
    current?: Uint8Array,
  ): Promise<number> {
    const { token, record, history, parts } = listed;
    const had = new Map([...(there?.history ?? []), ...(there?.parts ?? [])].map((entry) => [entry.key, entry]));
    let differing = 0;
    const isThere = ({ key, size }: ListEntry): boolean => had.get(key)?.size === size;
    // Records come first, since they say what opens the parts.
    const payloads = new Payloads();
    const older = trust === 'sizes' ? history.filter((entry) => !isThere(entry)) : history;
    const copies = mapConcurrently(older, RECORDS, ({ key }) => this.#record(token, key, had.has(key), { payloads }));
    for await (const written of copies) if (written) differing += 1;
    const isKnown = there?.record !== undefined;
    if (record !== undefined && (await this.#record(token, record.key, isKnown, { payloads, known: current }))) {
      differing += 1;
    }
    const isUnchecked = this.#parts.isUnchecked(token);
    const due = parts.filter((entry) => !isThere(entry) || isUnchecked || again(entry.key));
    const passedOver = history.filter((entry) => !older.includes(entry));
    await this.#parts.gather(token, payloads, due, passedOver);
    const copied = due.map((entry) => this.#part(entry.key, payloads.of(entry.key), isThere(entry)));
    for (const became of await Promise.all(copied)) if (became !== 'same') differing += 1;
    const named = new Set([...history, ...parts].map(({ key }) => key));
    const extra = [...had.keys()].filter((name) => !named.has(name));
    const removed = await this.#leftovers.remove(token, extra);
    const gone = record === undefined && there?.record !== undefined ? await this.#leftovers.removeRecord(token) : 0;
    return differing + removed + gone;
  }

  /**
   * @param compare whether the target has something of this name already
   * @param read what is done with what is read: `known` is the record of the store, if that was read before; `payloads` are told of its payload
   * @returns whether it was written
   */
  async #record(
    token: string,
    name: string,
    compare: boolean,
    read: { readonly payloads?: Payloads; readonly known?: Uint8Array | undefined } = {},
  ): Promise<boolean> {
    const { area, target, signal } = this.#ports;
    let written = false;
    await this.tally.tolerating(name, async () => {
      const body = read.known ?? (await area.read(name, { signal }))?.body;
      // Forgotten, or purged, since it was listed.
      if (body === undefined) return;
      await this.#check(token, name, body, signal);
      read.payloads?.add(await area.copying.payloadOf(token, body, signal));
      const there = compare ? await target.read(name, { signal }) : undefined;
      if (there !== undefined && asBuffer(body).equals(there.body)) return;
      const isCurrent = name === objectName(token);
      if (isCurrent && there !== undefined && versionOf(there.body) >= versionOf(body))
        await checkStill(area, token, body, signal);
      // Older versions never change, and no other process writes them.
      if (isCurrent) await this.#writer.replace(name, body, there?.etag);
      else await this.#writer.write(name, body);
      written = true;
      this.#count(1, body.length);
    });
    return written;
  }

  /** @throws SecureStoreError `INTEGRITY` if it is not what the store has written; `TOO_LARGE` */
  async #check(token: string, name: string, record: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const looked = await this.#ports.area.copying.lookAt(token, record, signal);
    const isOfName =
      looked === 'damaged' || looked === 'destroyed' || name === objectName(token)
        ? true
        : name === historyName(token, looked.header.version);
    if (looked === 'damaged' || !isOfName) {
      throw new SecureStoreError('INTEGRITY', 'the record is damaged: its contents are not those that were stored', {
        advice: [{ id: 'repair-object' }],
      });
    }
    this.#checkSize(record.length);
  }

  async #part(name: string, payload: SealedPayload | undefined, isThere: boolean): Promise<Copied> {
    let copied: Copied = 'same';
    await this.tally.tolerating(name, async () => {
      copied = await this.#parts.copy(name, payload, isThere);
    });
    return copied;
  }

  /**
   * Makes one object at the target the same as it is in the store now.
   *
   * @param again whether a part of a payload is read on both sides though it has the same size
   * @returns how many names were not the same
   */
  async syncToken(token: string, trust: Trust = this.trust, again: (name: string) => boolean = never): Promise<number> {
    for (let looks = 1; ; looks++) {
      try {
        return await this.#syncOnce(token, { trust, again });
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        if (looks === MAX_LOOKS) throw overtaken();
      }
    }
  }

  async #syncOnce(token: string, look: Look): Promise<number> {
    const { area, target, signal } = this.#ports;
    await this.#writer.finish();
    // Everything that came before this record is listed after it was read. A record that replaces it meanwhile may have come after others
    // that are not.
    const current = await area.read(objectName(token), { signal });
    const listed = await listOne(token, current, (prefix) => area.entries(prefix, { signal }));
    const other = await target.read(objectName(token), { signal });
    const there = await listOne(token, other, (prefix) => entriesUnder(target, prefix, { signal }));
    return this.#sync(listed, there, look, current?.body);
  }

  /** Applies changes of one object. @param changes the oldest first */
  async apply(token: string, changes: readonly Change[]): Promise<void> {
    if (await this.#applyLinked(token, changes)) this.tally.failed.delete(objectName(token));
    else await this.syncToken(token);
    await this.#writer.finish();
  }

  /** @returns whether all changes follow the record at the target, so that nothing else can be missing */
  async #applyLinked(token: string, changes: readonly Change[]): Promise<boolean> {
    const { target, signal } = this.#ports;
    const found = await target.read(objectName(token), { signal });
    const before = found && headerIn(found.body);
    // Another writer may have put anything there: the object is compared as a whole.
    if (found !== undefined && before === undefined) return false;
    const newest = changes.at(-1);
    // A purge is announced once more when it has deleted older versions, which the target may still have.
    if (changes.some(({ header }) => isPurged(header))) return false;
    if (newest === undefined || (!isPast(newest) && newest.header.version < (before?.version ?? 0))) return false;
    const later = changes.filter(({ header }) => header.version > (before?.version ?? 0));
    // If none is current, a version that was not announced yet has replaced the last one.
    if ((later.length > 0 && isPast(newest)) || !areLinked(before, later)) return false;
    let payload = before;
    for (const { name, header, record } of changes) {
      if (!(await this.#payload(token, header, record, payload))) return false;
      if (name !== newest.name) await this.#write(name, record);
      payload = header;
    }
    if (isPast(newest)) {
      await this.#write(newest.name, newest.record);
      return true;
    }
    // As the store has it: it may have a newer key there.
    if (before !== undefined && later.length > 0) {
      await this.#record(token, historyName(token, before.version), false);
    }
    await this.#writer.finish();
    if (found !== undefined && (before?.version ?? 0) >= newest.header.version) {
      if (asBuffer(found.body).equals(newest.record)) return true;
      // The object is compared as a whole.
      return false;
    }
    await this.#write(newest.name, newest.record, { etag: found?.etag });
    return true;
  }

  /** @param before of a current record, what it replaces */
  async #write(name: string, record: Uint8Array, before?: { readonly etag: string | undefined }): Promise<void> {
    await this.tally.tolerating(name, async () => {
      this.#checkSize(record.length);
      await (before === undefined ? this.#writer.write(name, record) : this.#writer.replace(name, record, before.etag));
      this.#count(1, record.length);
    });
  }

  /** @returns whether all parts of the payload were there, or it needs none that are not there already */
  async #payload(
    token: string,
    { blob }: RecordHeader,
    record: Uint8Array,
    before: RecordHeader | undefined,
  ): Promise<boolean> {
    if (blob === undefined || (before?.blob !== undefined && isSameId(before.blob.blobId, blob.blobId))) return true;
    // A member with the key of a category can encrypt any sizes: copying ends at the first missing part.
    if (blob.partSize === 0) return false;
    const { area, signal } = this.#ports;
    const payload = await area.copying.payloadOf(token, record, signal);
    const copies = mapConcurrently(partNames(token, blob), PARTS_AT_ONCE, (name) => this.#part(name, payload, false));
    for await (const copied of copies) if (copied === 'gone') return false;
    return true;
  }
}
