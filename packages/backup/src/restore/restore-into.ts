import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ObjectInfo, ObjectStore, SecureStorage } from '@securestore/objects';
import { WorkGroup } from '@securestore/objects/internal';
import type { RestoreChange, RestoreIntoOptions, RestoreIntoReport } from './restore-types.ts';
import { POLICIES } from './restore-types.ts';
import { refuse } from '../repository/errors.ts';
import type { Before, Step } from './conflict-policy.ts';
import { DAMAGED, RestoreSteps } from './conflict-policy.ts';
import { RestoredDigest } from './restored-digest.ts';

/** So many objects at once: small ones are written together, of large ones each holds some megabytes. */
const SMALL_AT_ONCE = 32;
const LARGE_AT_ONCE = 4;
/** Payloads up to this many bytes are read whole. */
const WHOLE_BYTES: number = 256 * 1024;

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
/** Where the report counts what was done with an object. */
const COUNTED = {
  create: 'created',
  replace: 'replaced',
  rename: 'renamed',
  skip: 'skipped',
  unchanged: 'unchanged',
  delete: 'deleted',
} as const;

type Tally = { -readonly [K in keyof RestoreIntoReport]: RestoreIntoReport[K] };

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRestoreInto({
  prefix,
  keys,
  into,
  conflict = 'fail',
  deleteExtra,
  onObject,
  onChange,
}: RestoreIntoOptions): void {
  if (onObject !== undefined && typeof onObject !== 'function') refuse('the option "onObject" must be a function');
  if (onChange !== undefined && typeof onChange !== 'function') refuse('the option "onChange" must be a function');
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

function changeOf(step: Exclude<Step, { readonly type: 'unchanged' | 'skip' }>): RestoreChange {
  const { type, to: key, before } = step;
  return {
    key,
    type,
    ...(step.type === 'delete' ? {} : { from: step.info.version }),
    ...(before === undefined ? {} : { before: before === DAMAGED ? 'damaged' : before }),
  };
}

/** Restores objects of a point into a store that is open. */
class Restorer {
  readonly #source: SecureStorage;
  readonly #target: SecureStorage;
  readonly #options: RestoreIntoOptions;
  readonly #call: CallOptions;
  readonly #steps: RestoreSteps;
  readonly #tally: Tally;
  readonly #digest = new RestoredDigest();

  constructor(source: SecureStorage, target: SecureStorage, options: RestoreIntoOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#call = { signal: options.signal };
    this.#steps = new RestoreSteps(source, target, options);
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
      conflicts: this.#steps.conflicts,
      failed: [],
    };
  }

  /** Applies a step, unless this is a dry run. @returns the line of the digest */
  async #apply(step: Step): Promise<readonly unknown[]> {
    this.#ask(step);
    const isDone = this.#options.dryRun !== true;
    if (step.type === 'delete' && isDone) {
      await this.#target.delete(step.to, { ...this.#call, ifVersion: step.before });
    }
    let bytes = 0;
    if (step.type === 'create' || step.type === 'replace' || step.type === 'rename') {
      if (isDone) await this.#write(step.info, step.to, step.before);
      bytes = step.info.size;
      this.#options.onProgress?.({ phase: PHASE, bytes });
    }
    this.#tally[COUNTED[step.type]] += 1;
    this.#tally.bytes += bytes;
    await this.#options.onObject?.({ key: step.to, type: step.type, bytes });
    return step.type === 'delete' ? [step.type, step.to] : [step.type, step.to, step.info.version, step.info.size];
  }

  /** @throws SecureStoreError `CONFLICT` if the change is not to be made */
  #ask(step: Step): void {
    const { onChange } = this.#options;
    if (onChange === undefined || step.type === 'unchanged' || step.type === 'skip') return;
    if (onChange(changeOf(step))) return;
    const message = `${JSON.stringify(step.to)} was left as it is: what would be done with it is not what was planned`;
    throw new SecureStoreError('CONFLICT', message, { key: step.to });
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

  async #tolerating<T extends readonly unknown[] | undefined>(
    key: string,
    body: () => Promise<T>,
  ): Promise<T | readonly unknown[]> {
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
    for await (const wanted of this.#steps.wanted()) {
      if (objects.hasFailed) break;
      const isSmall = 'error' in wanted || wanted.info.size <= WHOLE_BYTES;
      await objects.below(isSmall ? SMALL_AT_ONCE : LARGE_AT_ONCE);
      this.#tally.compared += 1;
      const restored = this.#tolerating(wanted.key, async () => {
        if ('error' in wanted) throw wanted.error;
        return this.#apply(await this.#steps.stepFor(wanted.info));
      });
      objects.add(restored.then(() => this.#options.onProgress?.({ phase: PHASE, done: 1 })));
      await this.#digest.add(restored);
    }
    await objects.finish();
    if (deleteExtra === true) await this.#deleteExtra();
    this.#tally.digest = await this.#digest.end();
    return this.#tally;
  }

  /** Looks at everything first, so that nothing is changed if something is in the way. */
  async #refuseConflicts(): Promise<void> {
    if (this.#options.dryRun === true) return;
    for await (const wanted of this.#steps.wanted()) {
      if ('error' in wanted) continue;
      const step = await this.#steps.stepFor(wanted.info);
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
      const line = await this.#tolerating(key, async () => {
        if (await this.#source.has(from, this.#call)) return undefined;
        const step = await this.#steps.deletionOf(key);
        return step && this.#apply(step);
      });
      if (line !== undefined) await this.#digest.add(Promise.resolve(line));
    }
  }
}

/**
 * Restores objects of a point into a store that is open, each as a new version; so what was there stays in its history. Run again, it
 * passes over what is done.
 *
 * @param source the point, as `OpenedBackup.open` gives it
 * @throws SecureStoreError `CONFLICT` if something is in the way and the policy is `fail`; `NOT_FOUND` for one of `keys`;
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
