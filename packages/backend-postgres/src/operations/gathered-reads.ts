import { type CallSite, type ReadResult, abortedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { type Source, readEntries, readEntry } from './reader.ts';

/** The most keys in one statement. */
const MAX_KEYS = 64;
/** Larger bodies go alone, in bytes: nothing small waits for them, and an answer has 8 MiB at most. */
const MAX_BODY = 128 * 1024;

/** A whole read that was asked for. */
interface Asked {
  readonly site: CallSite;
  readonly key: string;
  readonly signal: AbortSignal | undefined;
  readonly done: PromiseWithResolvers<ReadResult | undefined>;
}

/**
 * Whole reads that are asked for in the same turn of the event loop, in one statement: a statement costs many times what
 * a row of it does. A call that is alone does not wait.
 */
export class GatheredReads {
  readonly #source: Omit<Source, 'site'>;
  #asked: Asked[] = [];

  constructor(source: Omit<Source, 'site'>) {
    this.#source = source;
  }

  /** The body of `key`, as {@link readEntry} gives it. */
  async read(site: CallSite, key: string, signal: AbortSignal | undefined): Promise<ReadResult | undefined> {
    const done = Promise.withResolvers<ReadResult | undefined>();
    this.#asked.push({ site, key, signal, done });
    if (this.#asked.length === 1) setImmediate(() => this.#send());
    return done.promise;
  }

  #send(): void {
    const left = Map.groupBy(this.#asked, ({ key }) => key);
    this.#asked = [];
    // Two who ask for one key get a body each, since it is theirs.
    while (left.size > 0) {
      const group: Asked[] = [];
      for (const [key, askers] of left) {
        const next = askers.pop();
        if (next !== undefined) group.push(next);
        if (askers.length === 0) left.delete(key);
        if (group.length === MAX_KEYS) break;
      }
      void this.#answer(group);
    }
  }

  async #answer(group: readonly Asked[]): Promise<void> {
    const [only] = group;
    if (group.length === 1 && only !== undefined) return this.#answerAlone(only);
    const stopListening = group.map(rejectOnAbort);
    try {
      const site = { backend: this.#source.backend.name, operation: 'read' };
      const keys = group.map(({ key }) => key);
      const found = await readEntries({ ...this.#source, site }, keys, MAX_BODY);
      for (const asked of group) {
        const result = found.get(asked.key);
        if (result === 'too large') void this.#answerAlone(asked);
        else asked.done.resolve(result);
      }
    } catch (error) {
      for (const { site, done } of group) done.reject(ownError(error, site));
    } finally {
      for (const stop of stopListening) stop();
    }
  }

  async #answerAlone({ site, key, signal, done }: Asked): Promise<void> {
    try {
      done.resolve(await readEntry({ ...this.#source, site }, key, signal === undefined ? {} : { signal }));
    } catch (error) {
      done.reject(error);
    }
  }
}

/** Other calls still want the answer, so the statement continues without a call that gives up. @returns what ends it */
function rejectOnAbort({ site, signal, done }: Asked): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => done.reject(abortedError(site, signal.reason));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

/** The error of a statement, as that of one of the calls that it answers. */
function ownError(error: unknown, site: CallSite): unknown {
  if (!SecureStoreError.is(error)) return error;
  return SecureStoreError.from(error, site);
}
