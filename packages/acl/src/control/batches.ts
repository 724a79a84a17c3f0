import { setTimeout as wait } from 'node:timers/promises';
import { SecureStoreError } from '@securestore/core-format';

/** How many items of a source make a batch, and how long is waited for more of them, in milliseconds. */
const MOST = 256;
const LONGEST = 100;

/** The next item, or `undefined` if it takes longer than it may: then it is still to come. */
async function soon<T>(next: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const late = wait(LONGEST, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([next, late]);
  } finally {
    over.abort();
  }
}

/**
 * Cuts a source of items, which may be slow or never end, into batches: each is there soon after its first item, however long the next
 * one takes.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the source fails
 */
export async function* batchesOf<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  const steps = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const begin = async (): Promise<IteratorResult<T>> => {
    try {
      return await steps.next();
    } catch (cause) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the items cannot be read: their source failed', { cause });
    }
  };
  let isOver = false;
  try {
    for (let next = begin(); !isOver;) {
      const batch: T[] = [];
      let step: IteratorResult<T> | undefined = await next;
      while (step !== undefined) {
        isOver = step.done === true;
        if (step.done === true) break;
        batch.push(step.value);
        next = begin();
        // It may fail while a batch is done, and is asked afterwards.
        next.catch(() => undefined);
        step = batch.length === MOST ? undefined : await soon(next);
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    if (!isOver) await steps.return?.();
  }
}
