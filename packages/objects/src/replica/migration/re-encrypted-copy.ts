import type { RecordHeader, StoreKey } from '@securestore/core-format';
import {
  blobsPrefix,
  historyName,
  historyPrefix,
  historyVersion,
  isDamage,
  objectName,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { pagesUnder } from '../../util/listing.ts';
import { historyNames } from '../../maintenance/verify/scan.ts';
import type { OpenedRecord } from '../../record/open-record.ts';
import { ReEncryptor } from './re-encryptor.ts';
import type { Version } from './object-versions.ts';
import { nameAt, nameOf, openVersion, readVersion, tokensOf } from './object-versions.ts';
import { tryAgain } from '../../util/try-again.ts';
import { blobIn } from '../../record/open-record.ts';

/** What bringing one object in line did. */
export interface ReEncrypted {
  /** Versions that were sealed. */
  readonly versions: number;
  /** Written, in bytes. */
  readonly bytes: number;
  /** Versions whose keys have been destroyed: they can't be opened, and stay behind. */
  readonly unreadable: number;
}

type Tally = { -readonly [Count in keyof ReEncrypted]: number };

/** Does something to an object of the store, and notes what is wrong with that one. */
type Tolerating = (token: string, body: () => Promise<void>) => Promise<void>;

/** What the new store is to have, and has not. */
export interface Missed {
  /** Its token there. */
  readonly there: string;
  readonly version: number;
}

const isSameCommit = (there: RecordHeader | undefined, { version, commitId }: RecordHeader): boolean =>
  there !== undefined && there.version === version && Buffer.compare(there.commitId, commitId) === 0;

/** Whether what is stored in the new store is this record. @throws SecureStoreError `ROLLBACK` if something newer is there */
function isInPlace(there: RecordHeader | undefined, { header }: OpenedRecord): boolean {
  if (there !== undefined && there.version > header.version) {
    const message = 'the source has an older version than the one that was re-encrypted before';
    throw new SecureStoreError('ROLLBACK', message, { advice: [{ id: 'verify-store' }] });
  }
  return isSameCommit(there, header);
}

/** Brings objects of a store into another one: opened with the keys of the one, and sealed with those of the other. */
export class ReEncryptedCopy {
  readonly #source: Engine;
  readonly #target: Engine;
  readonly #reEncryptor: ReEncryptor;
  /** Tokens of objects of which nothing is left but that they are gone: of a name that is too long for its token, not even that. */
  readonly #unnamedTokens = new Set<string>();

  constructor(source: Engine, target: Engine) {
    this.#source = source;
    this.#target = target;
    this.#reEncryptor = new ReEncryptor(source, target);
  }

  /**
   * Brings one object in line with what is stored in the store now: versions, commits and times stay.
   *
   * @param known its name, if that is known
   * @throws SecureStoreError `INTEGRITY` if it is damaged; what the backends throw
   */
  async bring(token: string, signal: AbortSignal | undefined, known?: StoreKey): Promise<ReEncrypted> {
    const names = await historyNames(this.#source, token, signal);
    const current = await this.#read(token, objectName(token), signal);
    const name = known ?? (await nameOf(this.#source, token, current, names, signal));
    const tally: Tally = { versions: 0, bytes: 0, unreadable: 0 };
    if (name === undefined) {
      this.#noteUnnamed(token, current);
      return tally;
    }
    this.#unnamedTokens.delete(token);
    const { token: there } = this.#target.names.locate(name);
    const had = new Set(await historyNames(this.#target, there, signal));
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
    current: Version,
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
    for (const from of await historyNames(this.#source, token, signal)) {
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
   * @throws SecureStoreError `CONFLICT` if the store has moved
   */
  async #checkStays(signal: AbortSignal | undefined): Promise<void> {
    const { monitor } = this.#source;
    await monitor.refresh(signal);
    if (monitor.state.head.state !== 'moved') return;
    throw tryAgain('CONFLICT', 'another process resumed the migration and completed it');
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
    opened: Version | undefined,
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
    const record = await this.#reEncryptor.seal(name, opened, tally, signal);
    if (record.length > limits.maxRecord) {
      const message = `the record ${to} must have at most ${limits.maxRecord} bytes at the target, got ${record.length}`;
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
    for (const name of [...(await historyNames(this.#target, there, signal)), objectName(there)]) {
      const found = await backend.read(name, { signal });
      const blob = found && blobIn(splitRecord(found.body).header);
      if (blob !== undefined) named.add(blob);
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

  #read(token: string, name: string, signal: AbortSignal | undefined): Promise<Version | undefined> {
    return readVersion(this.#source, token, name, signal);
  }

  #noteUnnamed(token: string, current: Version | undefined): void {
    if (current !== undefined && current !== 'unreadable') this.#unnamedTokens.add(token);
  }

  /** The name of an object of the new store; `undefined` if nothing tells it, or what is stored there is damaged. */
  async #nameThere(there: string, signal: AbortSignal | undefined): Promise<StoreKey | undefined> {
    try {
      return await nameAt(this.#target, there, signal);
    } catch (error) {
      // Verifying it says what is wrong with it.
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /**
   * Removes what the store does not have from the new one, and brings in line what has been purged: of that the new store alone may still
   * tell the name. To be called when each object of the store has been held against the new one.
   *
   * @param tolerating notes what is wrong with one object
   * @returns how many objects were not the same
   */
  async dropGone(tolerating: Tolerating, signal: AbortSignal | undefined): Promise<number> {
    let dropped = 0;
    for await (const [token, there, name] of this.#namedThere(signal)) {
      if (this.#unnamedTokens.has(token)) {
        await tolerating(token, async () => {
          if ((await this.bring(token, signal, name)).versions > 0) dropped += 1;
        });
      } else if ((await this.#source.backend.read(objectName(token), { signal })) === undefined) {
        await this.#drop(there, signal);
        dropped += 1;
      }
    }
    this.#unnamedTokens.clear();
    return dropped;
  }

  /** Brings in line what has been purged since {@link dropGone}. @param tolerating as there */
  async bringUnnamed(tolerating: Tolerating, signal: AbortSignal | undefined): Promise<void> {
    if (this.#unnamedTokens.size === 0) return;
    for await (const [token, , name] of this.#namedThere(signal)) {
      if (!this.#unnamedTokens.has(token)) continue;
      await tolerating(token, async () => void (await this.bring(token, signal, name)));
    }
    this.#unnamedTokens.clear();
  }

  /** The objects of the new store whose names can be told: each with its token in the store, and there. */
  async *#namedThere(
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly [token: string, there: string, name: StoreKey]> {
    for await (const there of tokensOf(this.#target, signal)) {
      const name = await this.#nameThere(there, signal);
      if (name !== undefined) yield [this.#source.names.locate(name).token, there, name];
    }
  }

  /** Removes an object of the new store. */
  async #drop(there: string, signal: AbortSignal | undefined): Promise<void> {
    const past = await historyNames(this.#target, there, signal);
    await this.#checkStays(signal);
    for (const name of past) await this.#target.backend.delete(name, { signal });
    await this.#target.backend.delete(objectName(there), { signal });
    await this.#dropPayloads(there, signal);
  }

  /**
   * Holds the new store against a current record of the store that was verified.
   *
   * @returns what is to be there, if something else is stored there; `undefined` if that is as it should be, or can't be told
   */
  async missedBy(token: string, record: Uint8Array, signal: AbortSignal | undefined): Promise<Missed | undefined> {
    try {
      const current = await openVersion(this.#source, token, record, signal);
      const name = current === 'unreadable' ? undefined : await nameOf(this.#source, token, current, [], signal);
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
    const name = await nameOf(this.#source, token, current, [], signal);
    if (name === undefined) {
      this.#noteUnnamed(token, current);
      return true;
    }
    return isInPlace((await this.#recordThere(this.#target.names.locate(name).token))?.header, current);
  }
}
