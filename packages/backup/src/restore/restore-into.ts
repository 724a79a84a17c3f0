import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ObjectInfo, ObjectStore, SecureStorage } from '@securestore/objects';
import { CONTINUES_HISTORY, WorkGroup } from '@securestore/objects/internal';
import type { RestoreChange, RestoreIntoOptions, RestoreIntoReport } from './restore-types.ts';
import { checkRestoreInto } from './restore-options.ts';
import type { KeptHistories } from './kept-histories.ts';
import type { Before, Step } from './conflict-policy.ts';
import { DAMAGED, RestoreSteps } from './conflict-policy.ts';
import { RestoredDigest } from './restored-digest.ts';

/** How many objects are restored at once: small ones are written together, each large one takes some megabytes of memory. */
const SMALL_AT_ONCE = 32;
const LARGE_AT_ONCE = 4;
/** Payloads up to this many bytes are read whole. */
const WHOLE_BYTES: number = 256 * 1024;

const PHASE = 'restoring';
/** Codes that concern the whole store, and not one object. */
const WHOLE: ReadonlySet<string> = new Set([
  'ABORTED',
  'LOCKED',
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'READ_ONLY',
  'NO_SPACE',
  'ROLLBACK',
]);
/** The count of the report for each step. */
const COUNTED = {
  create: 'created',
  replace: 'replaced',
  rename: 'renamed',
  skip: 'skipped',
  unchanged: 'unchanged',
  delete: 'deleted',
} as const;

type Tally = { -readonly [K in keyof RestoreIntoReport]: RestoreIntoReport[K] };

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
  readonly #histories: KeptHistories | undefined;

  constructor(
    source: SecureStorage,
    target: SecureStorage,
    options: RestoreIntoOptions,
    histories: KeptHistories | undefined,
  ) {
    this.#histories = histories;
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
    if (isDone && step.type !== 'unchanged' && step.type !== 'skip') this.#options.onBegin?.();
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
    const message = `the change of ${JSON.stringify(step.to)} is not the one that was planned. It was not made.`;
    throw new SecureStoreError('CONFLICT', message, { key: step.to });
  }

  async #write({ key, size, metadata, expires }: ObjectInfo, to: string, before: Before): Promise<void> {
    // A version that came in between is not overwritten: it is a conflict.
    const condition =
      before === undefined ? { ifAbsent: true } : before === DAMAGED ? { ifDamaged: true } : { ifVersion: before };
    // An object that has older versions and no record was lost, or deleted.
    const continues = before === undefined && (await this.#histories?.has(to)) === true;
    const options = {
      ...this.#call,
      ...condition,
      metadata,
      ...(expires === undefined ? {} : { expires }),
      ...(continues && { [CONTINUES_HISTORY]: true }),
    };
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
      const message = `object ${JSON.stringify(to)} differs from the backup after it was restored`;
      throw new SecureStoreError('INTEGRITY', message, { key: to, advice: [{ id: 'repair-object', key: to }] });
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
    const { deleteExtra } = this.#options;
    if (this.#options.dryRun !== true) await this.#checkFirst();
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

  /** Looks for conflicts, and for each of the chosen keys, so that nothing is changed if a check fails. */
  async #checkFirst(): Promise<void> {
    const { conflict = 'fail', keys } = this.#options;
    if (conflict !== 'fail' && keys === undefined) return;
    for await (const wanted of this.#steps.wanted()) {
      if ('error' in wanted || conflict !== 'fail') continue;
      const step = await this.#steps.stepFor(wanted.info);
      if (step.type !== 'skip') continue;
      throw new SecureStoreError(
        'CONFLICT',
        `object ${JSON.stringify(step.to)} already exists as another version. Nothing was changed.`,
        { key: step.to, advice: [{ id: 'choose-conflict-policy' }] },
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
 * Restores objects of a point into an open store, each as a new version, so that the version before stays in its history. Run again, it
 * skips identical objects.
 *
 * @param source the point, as `OpenedBackup.open` gives it
 * @param histories those of the target, so that an object that it has lost continues its history
 * @throws SecureStoreError `CONFLICT` if another version exists and the policy is `fail`; `NOT_FOUND` for one of `keys`;
 *   `INVALID_ARGUMENT`; what the store throws
 */
export async function restoreInto(
  source: ObjectStore,
  target: SecureStorage,
  options: RestoreIntoOptions = {},
  histories?: KeptHistories,
): Promise<RestoreIntoReport> {
  checkRestoreInto(options);
  return new Restorer(source, target, options, histories).run();
}
