import { MAX_CLOCK_DIFFERENCE, type StorageBackend } from '@securestore/backend-api';
import type { IndexEntry } from '@securestore/core-format';
import {
  AREAS,
  BACKUP_KEYS_NAME,
  backupPartName,
  historyName,
  isDamage,
  objectName,
  partName,
  pointName,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import type { CopiedAccess, FoundedStore } from '@securestore/objects/internal';
import { begunWith, entriesUnder, foundStore, mapConcurrently } from '@securestore/objects/internal';
import { partsAtOnce, readBlobDigests, sealedPartLength } from '../repository/blobs.ts';
import { damagedFile } from '../repository/errors.ts';
import { readWhole } from '../repository/files.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';
import { checkChoice } from '../repository/snapshot-info.ts';
import type { IndexSet } from '../repository/index-set.ts';
import { auditLogIndex } from '../repository/index-set.ts';
import type { FoundMoment, RecoveryGap } from '../trust/moment.ts';
import { momentWarnings } from '../trust/moment.ts';
import type { IndexView } from '../repository/moment-index.ts';
import { attest, olderKeys } from '../trust/chain-attestation.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { indexOfMoment } from '../trust/point-index.ts';
import { askedFor, pinnedMoment, pinOf, pinWarnings } from './pinned-moment.ts';
import { RestoreWriter } from './restore-writer.ts';

/** What was restored. */
export interface RestoreReport {
  /** Of the point that was restored, or of the last one that is not after the moment. */
  readonly snapshot: number;
  /** What was restored is of this time: of `at`, or of the beginning of the gap that it is in. */
  readonly time: Date;
  /** The gap that `at` is in: what was stored in it before `at` is missing. */
  readonly gap?: RecoveryGap;
  readonly objects: number;
  /** Versions of objects, the current ones included. */
  readonly versions: number;
  readonly bytes: number;
  /** Versions whose encryption keys are destroyed: they can't be decrypted. */
  readonly unreadable: number;
  /** What is damaged or missing in the backup, by name at the store's backend; only with `partial`. */
  readonly failed: readonly { readonly name: string; readonly code: string; readonly message: string }[];
  /**
   * The time of the access rights of the new store: its slots, members and policy. Rights that were taken away later are still valid there
   * if the destination could not be reached.
   */
  readonly access: CopiedAccess;
  /**
   * Warnings: that `at` is in a gap; that the snapshot cannot be authenticated, since its key was retired later; that files were skipped which
   * have the names of later snapshots, and are none.
   */
  readonly findings: readonly string[];
}

export interface RestoreStoreOptions extends RecoveryPointChoice {
  /** The result of `OpenedBackup.choose`. */
  readonly recoveryPoint?: FoundMoment | undefined;
  /** Only objects whose names start with this; all by default. */
  readonly prefix?: string | undefined;
  /** Restores what is not damaged, and reports the rest; by default the first damage ends the restore. */
  readonly partial?: boolean | undefined;
  /** Called with each record that is damaged or missing, instead of ending the restore. The recovery point itself must be genuine. */
  readonly onFailed?: ((failed: RestoreReport['failed'][number]) => void) | undefined;
  /** Creates a store that only this process opens. */
  readonly scratch?: boolean | undefined;
  /** Called once the store URL is taken: what is written there from then on belongs to this restore. */
  readonly onBegun?: (() => void) | undefined;
  /** Called with the store once it is complete. */
  readonly onFounded?: ((founded: FoundedStore) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { done: number; bytes: number; total: number }) => void) | undefined;
}

/** Whether an error is of one object alone, as `KEY_DESTROYED` is if an envelope is older than the key that replaced its own. */
function isOfOne(error: unknown): error is SecureStoreError {
  return isDamage(error) || SecureStoreError.is(error, 'KEY_DESTROYED');
}

type Failed = RestoreReport['failed'][number];

type Tally = { -readonly [K in keyof Omit<RestoreReport, 'failed'>]: RestoreReport[K] } & { readonly failed: Failed[] };

function failedAt(name: string, error: SecureStoreError | undefined): Failed[] {
  return error === undefined ? [] : [{ name, code: error.code, message: error.message }];
}

class StoreRestore {
  readonly #backup: OpenedBackup;
  readonly #target: StorageBackend;
  readonly #founded: FoundedStore;
  readonly #options: RestoreStoreOptions;
  readonly #writer: RestoreWriter;
  readonly #tally: Tally;
  readonly #total: number;
  #done = 0;
  /** The parts that an interrupted restore has written already, and their lengths. */
  #parts: ReadonlyMap<string, number> = new Map();
  readonly #copied = new Set<string>();

  constructor(
    backup: OpenedBackup,
    target: StorageBackend,
    founded: FoundedStore,
    options: RestoreStoreOptions,
    tally: Tally,
    total: number,
  ) {
    this.#backup = backup;
    this.#target = target;
    this.#founded = founded;
    this.#options = options;
    this.#tally = tally;
    this.#total = total;
    this.#writer = new RestoreWriter(target, options.signal);
  }

  async run(index: IndexView, others: IndexSet): Promise<void> {
    const { signal } = this.#options;
    if (this.#founded.resumed) {
      const written = entriesUnder(this.#target, AREAS.blobs, { signal });
      this.#parts = new Map(await Array.fromAsync(written, ({ key, size }) => [key, size] as const));
    }
    for await (const { token, entries } of index.objects('', signal)) {
      signal?.throwIfAborted();
      if (!(await this.#isWanted(token, entries))) continue;
      // If the newest version is damaged, an older one must not take its name.
      for (const [at, entry] of entries.entries()) {
        const name = at === 0 ? objectName(token) : historyName(token, entry.version);
        const isThere = await this.#tolerating(name, () => this.#version(token, name, entry));
        if (at === 0 && isThere && entry.kind === 'object') this.#tally.objects += 1;
      }
    }
    for await (const { token: name, entries } of others.objects('', signal)) {
      const [entry] = entries;
      if (entry === undefined) continue;
      await this.#tolerating(name, async () => {
        await this.#writer.write(name, await this.#backup.packs.read(entry, signal, this.#writer.allocate));
        return true;
      });
    }
    await this.#writer.finish();
  }

  async #isWanted(token: string, entries: readonly IndexEntry[]): Promise<boolean> {
    const { prefix = '', signal } = this.#options;
    if (prefix === '') return true;
    // Damage of other objects does not matter.
    const named = this.#backup.copy.nameIn(token);
    if (named !== undefined) return named.startsWith(prefix);
    for (const entry of entries) {
      if (entry.kind !== 'object') continue;
      const name = this.#backup.copy.nameOf(token, await this.#backup.packs.read(entry, signal));
      if (name !== undefined) return name.startsWith(prefix);
    }
    return false;
  }

  /** @returns whether it was restored */
  async #tolerating(name: string, body: () => Promise<boolean>): Promise<boolean> {
    try {
      return await body();
    } catch (error) {
      const { partial, onFailed = partial === true ? (one: Failed) => this.#tally.failed.push(one) : undefined } =
        this.#options;
      if (!isOfOne(error) || onFailed === undefined) throw error;
      onFailed({ name, code: error.code, message: error.message });
      return false;
    }
  }

  async #version(token: string, name: string, entry: IndexEntry): Promise<boolean> {
    const { signal } = this.#options;
    const record = await this.#backup.packs.read(entry, signal, this.#writer.allocate);
    const adopted = this.#founded.adopt(record, record);
    if (adopted === undefined) {
      this.#tally.unreadable += 1;
      return false;
    }
    if (entry.blob !== undefined) await this.#payload(token, entry.blob);
    await this.#writer.write(name, adopted);
    this.#tally.versions += 1;
    this.#tally.bytes += adopted.length;
    this.#done += 1;
    this.#reportProgress();
    return true;
  }

  #reportProgress(): void {
    this.#options.onProgress?.({ done: this.#done, bytes: this.#tally.bytes, total: this.#total });
  }

  async #payload(token: string, blob: NonNullable<IndexEntry['blob']>): Promise<void> {
    const { signal } = this.#options;
    const { backend } = this.#backup.destination;
    const id = partName(token, blob.blobId, 0);
    if (this.#copied.has(id)) return;
    const digests = await readBlobDigests(blob, (name) => readWhole(backend, name, signal));
    const restorePart = async (digest: Buffer, part: number): Promise<void> => {
      signal?.throwIfAborted();
      const name = partName(token, blob.blobId, part);
      const length = sealedPartLength(blob, part);
      if (this.#parts.get(name) === length) return;
      const source = backupPartName(blob.epoch, blob.blobId, part);
      const body = await readWhole(backend, source, signal);
      if (body.length !== length || !sha256(body).equals(digest))
        throw damagedFile(source, 'its contents are not those that were copied');
      await this.#target.write(name, body, { sha256: digest, signal });
      this.#tally.bytes += length;
      this.#reportProgress();
    };
    const restored = mapConcurrently(digests.entries(), partsAtOnce(blob), ([part, digest]) =>
      restorePart(digest, part),
    );
    for await (const _ of restored);
    this.#copied.add(id);
  }
}

/**
 * Whether a point has to have all of the audit log that the head at the destination knows of. Snapshots alone copy it, after the head that
 * they bring; and the head may have been replaced since, also more than once.
 *
 * @param snapshot that it builds on
 */
function hasWholeLog({ copy }: OpenedBackup, point: FoundPoint, snapshot: FoundPoint): boolean {
  const { head } = copy;
  if (Buffer.compare(point.instance, head.instance) !== 0) return false;
  const isOfHead = point.kind === 'snapshot' && !point.collects && point.generation === head.generation;
  return isOfHead || snapshot.time > head.time + MAX_CLOCK_DIFFERENCE + snapshot.skew;
}

/**
 * Creates a store from a recovery point, at a store URL with nothing there: a new instance that the same unlock secrets open, with new encryption keys.
 * Its head is written last. The same call resumes an interrupted restore, with the point that it began with, also if there are newer ones.
 *
 * @param target an initialised backend. It stays yours
 * @throws SecureStoreError `ALREADY_EXISTS` if something is stored there; `NOT_FOUND` if there is no such point; `INTEGRITY` if the
 *   backup is damaged, or the point is not the one that the next one names, and `ROLLBACK` if its keys are older than its points, unless `partial`; `ACCESS_DENIED` for a member; what the backends throw
 */
export async function restoreStoreTo(
  backup: OpenedBackup,
  target: StorageBackend,
  options: RestoreStoreOptions = {},
): Promise<RestoreReport> {
  const { signal } = options;
  checkChoice(options.snapshot, options.at);
  const asked = askedFor(backup.destination, options);
  const pin = options.recoveryPoint === undefined ? await begunWith(backup.copy, target, asked, signal) : undefined;
  const moment =
    pin === undefined
      ? (options.recoveryPoint ?? (await backup.choose(options, signal)))
      : await pinnedMoment(backup, pin, signal);
  const { point, gap, until } = moment;
  const { error, warnings } = await attest(backup, point, signal);
  const rollback = await backup.rollback(options, signal);
  const older = await olderKeys(backup, point, signal);
  const wrong = error ?? older;
  if (wrong !== undefined && options.partial !== true) throw wrong;
  const { index, snapshot } = await indexOfMoment(backup.recoveryPoints, backup.pages, moment, signal);
  const others = auditLogIndex(backup.pages, point.others);
  const end = until === undefined ? '' : `until ${until}\0`;
  const what = Buffer.concat([point.digest, Buffer.from(end + (options.prefix ?? ''), 'utf8')]);
  const { scratch, onBegun, onFounded } = options;
  const founded = await foundStore(
    backup.copy,
    target,
    { what, asked, pin: pinOf(moment) },
    {
      scratch,
      hasWholeLog: hasWholeLog(backup, point, snapshot),
      signal,
    },
  );
  onBegun?.();
  const tally: Tally = {
    snapshot: moment.number,
    time: new Date(moment.time),
    ...(gap && { gap }),
    objects: 0,
    versions: 0,
    bytes: 0,
    unreadable: 0,
    access: backup.copy.access,
    failed: [failedAt(pointName(point.number), error), failedAt(BACKUP_KEYS_NAME, older)].flat(),
    findings: [
      ...momentWarnings(backup.destination.url, moment, options.at),
      ...warnings,
      ...(rollback === undefined ? [] : [rollback]),
      ...(pin !== undefined && options.snapshot === undefined
        ? await pinWarnings(backup, moment, options, signal)
        : []),
    ],
  };
  try {
    const restore = new StoreRestore(backup, target, founded, options, tally, point.totals.versions);
    await restore.run(index, others);
    await founded.finish(signal);
    await onFounded?.(founded);
    return tally;
  } finally {
    founded.wipe();
  }
}
