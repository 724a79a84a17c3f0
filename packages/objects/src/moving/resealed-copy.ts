import type { RecordHeader, StoreKey } from '@securestore/core-format';
import {
  AREAS,
  blobsPrefix,
  encodeBase32,
  historyName,
  historyPrefix,
  historyVersion,
  isDamage,
  objectName,
  parseStoreKey,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Engine } from '../engine.ts';
import { withNewestKeys } from '../newest-keys.ts';
import { pagesUnder } from '../pages.ts';
import type { LiveRecord, OpenedRecord } from '../records.ts';
import { openByToken } from '../records.ts';
import { Resealer } from './resealer.ts';

/** What bringing one object in line did. */
export interface Resealed {
  /** Versions that were sealed. */
  readonly versions: number;
  /** Written, in bytes. */
  readonly bytes: number;
  /** Versions whose keys have been destroyed: they can't be opened, and stay behind. */
  readonly unreadable: number;
}

type Tally = { -readonly [Count in keyof Resealed]: number };

/** What the new store is to have, and has not. */
export interface Missed {
  /** Its token there. */
  readonly there: string;
  readonly version: number;
}

const isSameCommit = (there: RecordHeader | undefined, { version, commitId }: RecordHeader): boolean =>
  there !== undefined && there.version === version && Buffer.compare(there.commitId, commitId) === 0;

/** Whether what lies in the new store is this record. @throws SecureStoreError `ROLLBACK` where something newer is there */
function isInPlace(there: RecordHeader | undefined, { header }: OpenedRecord): boolean {
  if (there !== undefined && there.version > header.version) {
    const message = 'an older version lies in the store than was sealed anew before: verify the store';
    throw new SecureStoreError('ROLLBACK', message);
  }
  return isSameCommit(there, header);
}

/** Brings objects of a store into another one: opened with the keys of the one, and sealed with those of the other. */
export class ResealedCopy {
  readonly #source: Engine;
  readonly #target: Engine;
  readonly #resealer: Resealer;

  constructor(source: Engine, target: Engine) {
    this.#source = source;
    this.#target = target;
    this.#resealer = new Resealer(source, target);
  }

  /**
   * Brings one object in line with what lies in the store now: versions, commits and times stay.
   *
   * @throws SecureStoreError `INTEGRITY` where it is damaged; what the backends throw
   */
  async bring(token: string, signal: AbortSignal | undefined): Promise<Resealed> {
    const names = await versionNames(this.#source, token, signal);
    const current = await this.#read(token, objectName(token), signal);
    const name = await this.#nameOf(token, names, current, signal);
    const tally: Tally = { versions: 0, bytes: 0, unreadable: 0 };
    if (name === undefined) return tally;
    const { token: there } = this.#target.names.locate(name);
    const had = new Set(await versionNames(this.#target, there, signal));
    const wanted = new Set<string>();
    for (const from of names.toReversed()) {
      const version = historyVersion(historyPrefix(token), from);
      if (version === undefined) continue;
      const to = historyName(there, version);
      wanted.add(to);
      if (!had.has(to)) await this.#seal(name, to, await this.#read(token, from, signal), tally, signal);
    }
    if (current !== undefined) await this.#sealCurrent(name, there, current, tally, signal);
    const extra = await this.#gone(
      token,
      there,
      [...had].filter((to) => !wanted.has(to)),
      signal,
    );
    for (const to of extra) await this.#target.backend.delete(to, { signal });
    if (extra.length > 0) await this.#dropPayloads(there, signal);
    return tally;
  }

  /** What a run that has died has sent may come late: so a current record is written in the place of what was read there, or of nothing. */
  async #sealCurrent(
    name: StoreKey,
    there: string,
    current: OpenedRecord | 'unreadable',
    tally: Tally,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const found = await this.#recordThere(there);
    if (current !== 'unreadable') {
      if ((found?.header.version ?? 0) > current.header.version) await this.#checkStays(signal);
      if (isInPlace(found?.header, current)) return;
    }
    await this.#seal(name, objectName(there), current, tally, signal, { etag: found?.etag });
  }

  /** What of the names of versions there, which were listed before, the store does not have now either. */
  async #gone(
    token: string,
    there: string,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    if (names.length === 0) return [];
    const now = new Set<string>();
    for (const from of await versionNames(this.#source, token, signal)) {
      const version = historyVersion(historyPrefix(token), from);
      if (version !== undefined) now.add(historyName(there, version));
    }
    await this.#checkStays(signal);
    return names.filter((name) => !now.has(name));
  }

  /**
   * To be called after something was read in the new store and before it is removed: a run may have slept until others had opened that, and
   * worked with it.
   *
   * @throws SecureStoreError `CONFLICT` where the store has moved
   */
  async #checkStays(signal: AbortSignal | undefined): Promise<void> {
    const { watcher } = this.#source;
    await watcher.refresh(signal);
    if (watcher.state.head.state !== 'moved') return;
    const message = 'others have gone on with the migration while this run of it slept';
    throw new SecureStoreError('CONFLICT', message, { retryable: true });
  }

  /** The name of an object, wherever it can be read; `undefined` where nothing tells it any more, or nothing is there. */
  async #nameOf(
    token: string,
    names: readonly string[],
    current: OpenedRecord | 'unreadable' | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StoreKey | undefined> {
    const named = this.#source.names.open(token);
    if (!('hidden' in named)) return parseStoreKey(named.name);
    const isTold = (record: typeof current): record is LiveRecord =>
      record !== undefined && record !== 'unreadable' && record.kind === 'object';
    if (isTold(current)) return parseStoreKey(current.body.name);
    for (const name of names) {
      const record = await this.#read(token, name, signal);
      if (isTold(record)) return parseStoreKey(record.body.name);
    }
    return undefined;
  }

  async #read(
    token: string,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<OpenedRecord | 'unreadable' | undefined> {
    const engine = this.#source;
    const found = await engine.backend.read(name, { signal });
    return found && this.#open(token, found.body, signal);
  }

  async #open(
    token: string,
    record: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<OpenedRecord | 'unreadable'> {
    const engine = this.#source;
    if (engine.watcher.state.keys.isDestroyed(splitRecord(record).header.categoryId)) return 'unreadable';
    return withNewestKeys(engine, record, (state) => openByToken(state, record, engine.names, token), signal);
  }

  async #recordThere(
    there: string,
  ): Promise<{ readonly header: RecordHeader; readonly etag: string | undefined } | undefined> {
    const found = await this.#target.backend.read(objectName(there));
    return found && { header: splitRecord(found.body).header, etag: found.etag };
  }

  async #seal(
    name: StoreKey,
    to: string,
    opened: OpenedRecord | 'unreadable' | undefined,
    tally: Tally,
    signal: AbortSignal | undefined,
    before?: { readonly etag: string | undefined },
  ): Promise<void> {
    if (opened === undefined) return;
    if (opened === 'unreadable') {
      tally.unreadable += 1;
      return;
    }
    const { backend, limits } = this.#target;
    const record = await this.#resealer.seal(name, opened, tally, signal);
    if (record.length > limits.maxRecord) {
      const message = `${to} has ${record.length} bytes; the backend that the store moves to holds ${limits.maxRecord}`;
      throw new SecureStoreError('TOO_LARGE', message);
    }
    const condition = before?.etag === undefined ? { ifAbsent: true as const } : { ifMatch: before.etag };
    await backend.write(to, record, { ...(before && condition), signal });
    tally.versions += 1;
    tally.bytes += record.length;
  }

  /** Removes payloads that no version of an object names any more. */
  async #dropPayloads(there: string, signal: AbortSignal | undefined): Promise<void> {
    const { backend } = this.#target;
    const named = new Set<string>();
    for (const name of [...(await versionNames(this.#target, there, signal)), objectName(there)]) {
      const found = await backend.read(name, { signal });
      const blob = found && splitRecord(found.body).header.blob;
      if (blob !== undefined) named.add(encodeBase32(blob.blobId));
    }
    const prefix = blobsPrefix(there);
    for await (const names of pagesUnder(backend, prefix, signal)) {
      await this.#checkStays(signal);
      for (const name of names) {
        const [id = ''] = name.slice(prefix.length).split('/', 1);
        if (!named.has(id)) await backend.delete(name, { signal });
      }
    }
  }

  /**
   * Removes an object of the new store that the store does not have.
   *
   * @param there its token in the new store
   * @returns whether it was removed
   */
  async dropIfGone(there: string, signal: AbortSignal | undefined): Promise<boolean> {
    const { names, backend } = this.#target;
    const named = names.open(there);
    if ('hidden' in named) return false;
    const { token } = this.#source.names.locate(parseStoreKey(named.name));
    if ((await this.#source.backend.read(objectName(token), { signal })) !== undefined) return false;
    const past = await versionNames(this.#target, there, signal);
    await this.#checkStays(signal);
    for (const name of past) await backend.delete(name, { signal });
    await backend.delete(objectName(there), { signal });
    await this.#dropPayloads(there, signal);
    return true;
  }

  /**
   * Holds the new store against a current record of the store that was verified.
   *
   * @returns what is to be there, where something else is; `undefined` where that is as it should be, or can't be told
   */
  async missedBy(token: string, record: Uint8Array, signal: AbortSignal | undefined): Promise<Missed | undefined> {
    try {
      const current = await this.#open(token, record, signal);
      const name = current === 'unreadable' ? undefined : await this.#nameOf(token, [], current, signal);
      if (name === undefined || current === 'unreadable') return undefined;
      const { token: there } = this.#target.names.locate(name);
      const found = await this.#recordThere(there);
      return isSameCommit(found?.header, current.header) ? undefined : { there, version: current.header.version };
    } catch (error) {
      // Whoever verifies it says what is wrong with it.
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /** Whether that version, or one that came later, is in the new store. */
  async has({ there, version }: Missed): Promise<boolean> {
    return ((await this.#recordThere(there))?.header.version ?? 0) >= version;
  }

  /** Whether an object is in the new store as it is in the store now. */
  async isInLine(token: string, signal: AbortSignal | undefined): Promise<boolean> {
    const current = await this.#read(token, objectName(token), signal);
    if (current === undefined || current === 'unreadable') return true;
    const name = await this.#nameOf(token, [], current, signal);
    if (name === undefined) return true;
    return isInPlace((await this.#recordThere(this.#target.names.locate(name).token))?.header, current);
  }
}

async function versionNames(engine: Engine, token: string, signal: AbortSignal | undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pagesUnder(engine.backend, historyPrefix(token), signal)) names.push(...page);
  return names;
}

/** The tokens of the objects of a store, deleted ones too. */
export async function* tokensOf(engine: Engine, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for await (const names of pagesUnder(engine.backend, AREAS.objects, signal)) {
    for (const name of names) yield name.slice(AREAS.objects.length);
  }
}
