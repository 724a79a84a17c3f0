import { SecureStoreError } from '@securestore/core-format';
import { WorkGroup } from '@securestore/objects';
import type { ObjectInfo, ObjectStore, SecureStorage } from '@securestore/objects';
import type { RestoreIntoOptions, RestoreIntoReport } from './restore-into-types.ts';
import { POLICIES } from './restore-into-types.ts';
import { RestoredDigest } from './restored-digest.ts';

/** So many objects at once: small ones are written together, of large ones each holds some megabytes. */
const SMALL_AT_ONCE = 32;
const LARGE_AT_ONCE = 4;
const MAX_LISTED = 1000;
/** Payloads up to this many bytes are read whole. */
const WHOLE_BYTES: number = 256 * 1024;
const MAX_RENAMES = 1000;

/** What stands for the version of a record that can't be read. */
const DAMAGED: unique symbol = Symbol('damaged');

type Step =
  | {
      readonly type: 'create' | 'replace' | 'rename';
      readonly info: ObjectInfo;
      readonly to: string;
      /** What is there, and is replaced: that version, or a record that is damaged. */
      readonly before?: Before;
    }
  | { readonly type: 'skip'; readonly info: ObjectInfo; readonly to: string }
  | { readonly type: 'unchanged'; readonly info: ObjectInfo; readonly to: string }
  | { readonly type: 'delete'; readonly to: string };

type Before = string | typeof DAMAGED | undefined;

type Tally = { -readonly [K in keyof RestoreIntoReport]: RestoreIntoReport[K] };

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRestoreInto({
  prefix,
  keys,
  into,
  conflict = 'fail',
  deleteExtra,
  onObject,
}: RestoreIntoOptions): void {
  if (onObject !== undefined && typeof onObject !== 'function') refuse('the option "onObject" must be a function');
  if (!POLICIES.includes(conflict)) refuse(`the option "conflict" must be one of ${POLICIES.join(', ')}`);
  if (keys !== undefined && prefix !== undefined) refuse('give either "prefix" or "keys"');
  if (keys !== undefined && !(Array.isArray(keys) && keys.every((key) => typeof key === 'string'))) {
    refuse('the option "keys" must be a list of strings');
  }
  if (into !== undefined && typeof into !== 'string') refuse('the option "into" must be a string');
  if (deleteExtra === true && (keys !== undefined || conflict === 'rename')) {
    refuse('"deleteExtra" makes no sense together with "keys", or with the conflict policy "rename"');
  }
}

/** Restores objects of a point into a store that is open. */
class Restorer {
  readonly #source: SecureStorage;
  readonly #target: SecureStorage;
  readonly #options: RestoreIntoOptions;
  readonly #tally: Tally;
  readonly #digest = new RestoredDigest();

  constructor(source: SecureStorage, target: SecureStorage, options: RestoreIntoOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#tally = {
      dryRun: options.dryRun === true,
      compared: 0,
      created: 0,
      replaced: 0,
      renamed: 0,
      skipped: 0,
      unchanged: 0,
      deleted: 0,
      bytes: 0,
      verified: 0,
      digest: '',
      conflicts: [],
      failed: [],
    };
  }

  get #call(): { readonly signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  #nameFor(key: string): string {
    const { prefix = '', into } = this.#options;
    return into === undefined ? key : into + key.slice(prefix.length);
  }

  async *#wanted(): AsyncGenerator<ObjectInfo> {
    const { keys, prefix = '' } = this.#options;
    if (keys === undefined) {
      yield* this.#source.entries(prefix, this.#call);
      return;
    }
    for (const key of keys) yield await this.#source.info(key, this.#call);
  }

  async #infoAt(key: string): Promise<ObjectInfo | typeof DAMAGED | undefined> {
    try {
      return await this.#target.info(key, this.#call);
    } catch (error) {
      if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
      if (SecureStoreError.is(error, 'INTEGRITY')) return DAMAGED;
      throw error;
    }
  }

  #noteConflict(key: string): void {
    if (this.#tally.conflicts.length < MAX_LISTED) this.#tally.conflicts = [...this.#tally.conflicts, key];
  }

  /** What is there can't be told from what is to be restored, nor which of them is newer. */
  async #stepOverDamaged(info: ObjectInfo, to: string): Promise<Step> {
    const { conflict = 'fail' } = this.#options;
    this.#noteConflict(to);
    if (conflict === 'overwrite') return { type: 'replace', info, to, before: DAMAGED };
    if (conflict === 'rename') return { type: 'rename', info, to: await this.#freeName(to) };
    throw new SecureStoreError(
      'CONFLICT',
      `the record of ${JSON.stringify(to)} is damaged, and stays as it is. Scrub the store with this backup to put it back as it was, where ` +
        'the backup has that version; else the conflict policy "overwrite" replaces it by what the backup has, as a new version',
      { key: to },
    );
  }

  async #stepFor(info: ObjectInfo): Promise<Step> {
    const { conflict = 'fail' } = this.#options;
    const to = this.#nameFor(info.key);
    const there = await this.#infoAt(to);
    if (there === undefined) return { type: 'create', info, to };
    if (there === DAMAGED) return this.#stepOverDamaged(info, to);
    // One version is one content, wherever it is.
    if (there.version === info.version && to === info.key) return { type: 'unchanged', info, to };
    if (await this.#isSame(info, there)) return { type: 'unchanged', info, to };
    this.#noteConflict(to);
    if (conflict === 'overwrite') return { type: 'replace', info, to, before: there.version };
    if (conflict === 'newer' && info.modified > there.modified)
      return { type: 'replace', info, to, before: there.version };
    if (conflict === 'rename') return { type: 'rename', info, to: await this.#freeName(to) };
    return { type: 'skip', info, to };
  }

  /** Whether an object was restored already, by an earlier run: then it is another version of the same content. */
  async #isSame(info: ObjectInfo, there: ObjectInfo): Promise<boolean> {
    if (info.size !== there.size || info.expires?.getTime() !== there.expires?.getTime()) return false;
    if (JSON.stringify(info.metadata) !== JSON.stringify(there.metadata)) return false;
    const { stream } = await this.#source.retrieveStream(info.key, this.#call);
    return this.#target.matches(there.key, stream, this.#call);
  }

  async #freeName(key: string): Promise<string> {
    for (let number = 1; number < MAX_RENAMES; number++) {
      const name = `${key} (restored${number === 1 ? '' : ` ${number}`})`;
      if (!(await this.#target.has(name, this.#call))) return name;
    }
    throw new SecureStoreError('ALREADY_EXISTS', `there is no free name beside ${JSON.stringify(key)}`);
  }

  /** @returns what is told of it in the digest */
  async #apply(step: Step): Promise<readonly unknown[]> {
    await this.#do(step);
    const isWritten = step.type === 'create' || step.type === 'replace' || step.type === 'rename';
    await this.#options.onObject?.({ key: step.to, type: step.type, bytes: isWritten ? step.info.size : 0 });
    return step.type === 'delete' ? [step.type, step.to] : [step.type, step.to, step.info.version, step.info.size];
  }

  async #do(step: Step): Promise<void> {
    const { dryRun } = this.#options;
    if (step.type === 'unchanged' || step.type === 'skip') {
      if (step.type === 'skip') this.#tally.skipped += 1;
      else this.#tally.unchanged += 1;
      return;
    }
    if (step.type === 'delete') {
      if (dryRun !== true) await this.#target.delete(step.to, this.#call);
      this.#tally.deleted += 1;
      return;
    }
    const { info, to, before } = step;
    if (dryRun !== true) await this.#write(info, to, before);
    if (step.type === 'create') this.#tally.created += 1;
    else if (step.type === 'replace') this.#tally.replaced += 1;
    else this.#tally.renamed += 1;
    this.#tally.bytes += info.size;
    this.#options.onProgress?.({ phase: PHASE, bytes: info.size });
  }

  async #write({ key, size, metadata, expires }: ObjectInfo, to: string, before: Before): Promise<void> {
    // What came in between is not overwritten: it is told.
    const condition =
      before === undefined ? { ifAbsent: true } : before === DAMAGED ? { ifDamaged: true } : { ifVersion: before };
    const options = { ...this.#call, ...condition, metadata, ...(expires === undefined ? {} : { expires }) };
    if (size <= WHOLE_BYTES) {
      const { data } = await this.#source.retrieve(key, this.#call);
      await this.#target.store(to, data, options);
      data.fill(0);
    } else {
      const { stream } = await this.#source.retrieveStream(key, this.#call);
      await this.#target.store(to, stream, options);
    }
    if (this.#options.verify === true) await this.#readBack(key, to);
  }

  /** Compares what was written with the backup. @throws SecureStoreError `INTEGRITY` */
  async #readBack(key: string, to: string): Promise<void> {
    const { stream } = await this.#source.retrieveStream(key, this.#call);
    if (!(await this.#target.matches(to, stream, this.#call))) {
      throw new SecureStoreError('INTEGRITY', 'what was read back is not what the backup has, or was changed since', {
        key: to,
      });
    }
    this.#tally.verified += 1;
  }

  async #tolerating(key: string, body: () => Promise<readonly unknown[]>): Promise<readonly unknown[]> {
    try {
      return await body();
    } catch (error) {
      if (!SecureStoreError.is(error) || error.retryable || WHOLE.has(error.code)) throw error;
      this.#tally.failed = [...this.#tally.failed, { key, code: error.code, message: error.message }];
      return ['failed', key, error.code];
    }
  }

  async run(): Promise<RestoreIntoReport> {
    const { conflict = 'fail', deleteExtra } = this.#options;
    if (conflict === 'fail') await this.#refuseConflicts();
    const objects = new WorkGroup();
    for await (const info of this.#wanted()) {
      if (objects.hasFailed) break;
      await objects.below(info.size <= WHOLE_BYTES ? SMALL_AT_ONCE : LARGE_AT_ONCE);
      this.#tally.compared += 1;
      const restored = this.#tolerating(info.key, async () => this.#apply(await this.#stepFor(info)));
      objects.add(restored.then(() => this.#options.onProgress?.({ phase: PHASE, done: 1 })));
      await this.#digest.add(restored);
    }
    await objects.finish();
    if (deleteExtra === true) await this.#deleteExtra();
    this.#tally.digest = await this.#digest.end();
    return this.#tally;
  }

  /** Looks at everything first, so that nothing is changed where something is in the way. */
  async #refuseConflicts(): Promise<void> {
    if (this.#options.dryRun === true) return;
    for await (const info of this.#wanted()) {
      const step = await this.#stepFor(info);
      if (step.type !== 'skip') continue;
      throw new SecureStoreError(
        'CONFLICT',
        `${JSON.stringify(step.to)} is there as another version; nothing was changed. Choose a conflict policy: skip, newer, overwrite or rename`,
        { key: step.to },
      );
    }
  }

  async #deleteExtra(): Promise<void> {
    const { prefix = '', into } = this.#options;
    const under = into ?? prefix;
    for await (const key of this.#target.keys(under, this.#call)) {
      const from = into === undefined ? key : prefix + key.slice(into.length);
      if (await this.#source.has(from, this.#call)) continue;
      const line = await this.#tolerating(key, () => this.#apply({ type: 'delete', to: key }));
      await this.#digest.add(Promise.resolve(line));
    }
  }
}

const PHASE = 'restoring';
/** What concerns the whole store, and no object alone. */
const WHOLE: ReadonlySet<string> = new Set([
  'ABORTED',
  'LOCKED',
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'READ_ONLY',
  'NO_SPACE',
  'ROLLBACK',
]);

/**
 * Restores objects of a point into a store that is open, each as a new version; so what was there stays in its history. Run again, it
 * passes over what is done.
 *
 * @param source the point, as `OpenedBackup.open` gives it
 * @throws SecureStoreError `CONFLICT` where something is in the way and the policy is `fail`; `NOT_FOUND` for one of `keys`;
 *   `INVALID_ARGUMENT`; what the store throws
 */
export async function restoreInto(
  source: ObjectStore,
  target: SecureStorage,
  options: RestoreIntoOptions = {},
): Promise<RestoreIntoReport> {
  checkRestoreInto(options);
  return new Restorer(source, target, options).run();
}
