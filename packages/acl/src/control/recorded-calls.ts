import { SecureStoreError } from '@securestore/core-format';
import type { ItemResult, ManyOptions, SecureStorage } from '@securestore/objects';
import { signalOf } from '@securestore/objects/internal';
import { changesNothing } from '../rules/actions.ts';
import { batchesOf } from './batches.ts';
import { SURFACE } from '../guard/surface.ts';

/** What an attempt is recorded as, beside what became of it. */
export interface RecordedAttempt {
  readonly action: string;
  readonly principal: string;
  /** The name of an object, or the prefix of a listing. */
  readonly object?: string | undefined;
  readonly category?: string | undefined;
  readonly requestId?: string | undefined;
  /** What else there is to say of it; beside its code where it fails. */
  readonly reason?: string | undefined;
  /** Whether nothing is changed by it. */
  readonly readOnly?: boolean | undefined;
  /** Whether its result is told although it can't be recorded, unless it is denied. */
  readonly evenUnrecorded?: boolean | undefined;
}

/** What attempts are recorded by: the `Recorder` of `@securestore/audit` is one. */
export interface AttemptRecorder {
  /** Whether anything is recorded now. */
  readonly active: boolean;
  /** Runs what is tried, and records what became of it. @throws what `run` throws, and what keeps it from being recorded */
  attempt<T>(about: RecordedAttempt, run: () => Promise<T>): Promise<T>;
  /** To be awaited before something is done that is recorded afterwards. @throws what keeps it from being recorded */
  ready(): Promise<void> | undefined;
}

/** As whom attempts are recorded. */
export interface RecordingContext {
  readonly recorder: AttemptRecorder;
  readonly principal: string;
  /** The name of the category of a key. It may throw for what is none. */
  readonly categoryOf: (key: string) => string;
  /** What tells an attempt in other logs; where a session serves many requests, asked at each. */
  readonly requestId?: string | (() => string | undefined) | undefined;
}

/** The id of the request that is being served. */
export function requestIdIn({ requestId }: Pick<RecordingContext, 'requestId'>): string | undefined {
  return typeof requestId === 'function' ? requestId() : requestId;
}

/** So many of the attempts of one call are recorded at once. */
const MANY_AT_ONCE = 500;

type Call = keyof SecureStorage;
export type Method = (...args: readonly unknown[]) => unknown;
/** Whether a call is about one object, some, or a listing that ends at once or goes on. */
type Shape = 'object' | 'objects' | 'list' | 'listing';

const SHAPES: Readonly<Record<Call, Shape>> = {
  store: 'object',
  retrieve: 'object',
  retrieveStream: 'object',
  info: 'object',
  has: 'object',
  matches: 'object',
  setMetadata: 'object',
  delete: 'object',
  purge: 'object',
  undelete: 'object',
  restoreVersion: 'object',
  history: 'object',
  storeMany: 'objects',
  retrieveMany: 'objects',
  list: 'list',
  keys: 'listing',
  entries: 'listing',
};

/** Calls that read no data: an auditor who asks who has read an object can tell them apart. */
const REASONS: Readonly<Partial<Record<Call, string>>> = { info: 'metadata only', entries: 'metadata only' };

/** The category of a name, where it is one. */
export function categoryIn({ categoryOf }: RecordingContext, key: unknown): string | undefined {
  if (typeof key !== 'string') return undefined;
  try {
    return categoryOf(key);
  } catch {
    // No key at all: the attempt says so itself.
    return undefined;
  }
}

function about(context: RecordingContext, call: Call, key: unknown, isKey: boolean): RecordedAttempt {
  const { principal } = context;
  const requestId = requestIdIn(context);
  const object = typeof key === 'string' && key !== '' ? key : undefined;
  const category = isKey ? categoryIn(context, key) : undefined;
  const action = SURFACE[call];
  const attempt = { action, principal, object, category, requestId, readOnly: changesNothing(action) };
  const reason = REASONS[call];
  return reason === undefined ? attempt : { ...attempt, reason };
}

/** The step at which it shows whether it may be listed is the attempt. */
export async function* recordedListing(
  context: RecordingContext,
  attempt: RecordedAttempt,
  listing: AsyncIterable<unknown>,
): AsyncGenerator {
  const steps = listing[Symbol.asyncIterator]();
  try {
    let step = await context.recorder.attempt(attempt, () => steps.next());
    while (step.done !== true) {
      yield step.value;
      step = await steps.next();
    }
  } finally {
    await steps.return?.();
  }
}

/** Records what became of each, some at once. */
async function recordResults(
  context: RecordingContext,
  call: Call,
  results: readonly ItemResult<unknown>[],
): Promise<void> {
  const { recorder } = context;
  const record = async (result: ItemResult<unknown>): Promise<void> => {
    const outcome = recorder.attempt(about(context, call, result.key, true), async () => {
      if (!result.ok) throw result.error;
    });
    await outcome.catch((error: unknown) => {
      if (result.ok || error !== result.error) throw error;
    });
  };
  for (let start = 0; start < results.length; start += MANY_AT_ONCE) {
    await Promise.all(results.slice(start, start + MANY_AT_ONCE).map(record));
  }
}

function keyOf(item: unknown): string {
  return typeof item === 'object' && item !== null && 'key' in item ? String(item.key) : String(item);
}

function isSource(items: unknown): items is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items);
}

/**
 * One attempt for each object; where it fails as a whole, one. What is done is recorded before the source of items goes on: one that
 * never ends would hide what came of it otherwise.
 */
async function recordedMany(
  context: RecordingContext,
  call: Call,
  original: Method,
  [items, options]: readonly unknown[],
): Promise<ItemResult<unknown>[]> {
  const { recorder } = context;
  const run = (some: unknown, given: unknown): Promise<ItemResult<unknown>[]> =>
    original(some, given) as Promise<ItemResult<unknown>[]>;
  const results: ItemResult<unknown>[] = [];
  let isUnrecorded = false;
  const recording = async (step: () => Promise<void> | undefined): Promise<void> => {
    try {
      await step();
    } catch (error) {
      isUnrecorded = true;
      throw error;
    }
  };
  const attempt = about(context, call, undefined, false);
  try {
    // Batches cost something, and there is nothing to hide.
    if (!recorder.active) {
      const done = await run(items, options);
      await recording(() => recordResults(context, call, done));
      return done;
    }
    await recording(() => recorder.ready());
    // It says what is wrong with the options, and with what is no source.
    await run(isSource(items) ? [] : items, options);
    const { timeout: _, ...others } = (options ?? {}) as ManyOptions;
    // One time limit for all batches.
    const signal = signalOf(options as ManyOptions | undefined);
    for await (const batch of batchesOf(items as Iterable<unknown>)) {
      await recording(() => recorder.ready()).catch((error: unknown) => {
        throw results.length === 0 ? error : stopped(error, results.length, attempt);
      });
      const done = await run(batch, signal === undefined ? others : { ...others, signal }).catch((error: unknown) => {
        // What is not begun after an end has failed, each item of it.
        if (signal?.aborted !== true || !SecureStoreError.is(error)) throw error;
        return batch.map((item) => ({ key: keyOf(item), ok: false, error }) as const);
      });
      await recording(() => recordResults(context, call, done));
      results.push(...done);
    }
  } catch (error) {
    // That nothing is recorded now is told as it was when that began, and not that nothing was done.
    return recorder.attempt({ ...attempt, evenUnrecorded: isUnrecorded }, async () => {
      throw error;
    });
  }
  return results;
}

/** Some of it was done before nothing could be recorded any more. */
function stopped(cause: unknown, count: number, { readOnly }: RecordedAttempt): unknown {
  if (!SecureStoreError.is(cause)) return cause;
  const message = `stopped after ${count} items, since the next ones cannot be recorded (${cause.code}). The audit log has the items.`;
  const outcome = readOnly === true ? undefined : 'unknown';
  return new SecureStoreError(cause.code, message, { cause, ...(outcome && { outcome, retryable: false }) });
}

function recordedCall(context: RecordingContext, call: Call, original: Method): Method {
  const shape = SHAPES[call];
  if (shape === 'objects') {
    return (...args) => recordedMany(context, call, original, args);
  }
  const { recorder } = context;
  return (...args) => {
    // What it would be recorded as costs something, too.
    if (!recorder.active) return original(...args);
    const attempt = about(context, call, args[0], shape === 'object');
    if (shape === 'listing') return recordedListing(context, attempt, original(...args) as AsyncIterable<unknown>);
    return recorder.attempt(attempt, () => original(...args) as Promise<unknown>);
  };
}

/** The calls about data of a store, or of a session on one, recorded: once each, and of calls about many objects one for each. */
export function recordedCalls(target: SecureStorage, context: RecordingContext): Map<Call, Method> {
  const entries = (Object.keys(SHAPES) as Call[]).map((call) => {
    const original = target[call] as Method;
    const bound: Method = (...args) => Reflect.apply(original, target, args);
    return [call, recordedCall(context, call, bound)] as const;
  });
  return new Map(entries);
}
