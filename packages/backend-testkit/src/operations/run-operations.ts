import assert from 'node:assert/strict';
import type { BatchOperation, ListEntry, StorageBackend, WriteResult } from '@securestore/backend-api';
import { assertBytes, rejection, scan } from '../support/checks.ts';
import { Contents, type Stored, bodyOf } from './contents.ts';
import { Sightings } from './sightings.ts';
import type { Call, DeleteStep, EtagOf, Operation, WriteStep } from './operation.ts';

type Of<D extends Call['do']> = Extract<Call, { readonly do: D }>;

/** Any etag will do, as long as no backend gives it. */
const NO_SUCH_ETAG = 'no-such-etag';

/** A failure, with the place of the operation that it was seen at. */
export class OperationError extends Error {
  /** The place in the log; its length where what was left in the end is not what should be. */
  readonly at: number;

  constructor(at: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.at = at;
  }
}

/**
 * Does the operations one after the other through two handles, and compares each result with that of a plain map. What a
 * backend can't do is expected to be refused and done in another way, so that all backends hold the same in the end.
 *
 * @param open - opens a further handle on the same store URL, which was empty; all are closed again
 * @throws {@link OperationError} at the first difference
 */
export async function runOperations(
  open: () => Promise<StorageBackend>,
  operations: readonly Operation[],
): Promise<void> {
  const runner = new Runner();
  const openBoth = async (): Promise<[StorageBackend, StorageBackend]> => [await open(), await open()];
  let handles = await openBoth();
  const closeBoth = async (): Promise<unknown> => Promise.all(handles.map(async (handle) => handle.close()));
  let at = 0;
  try {
    for (const operation of operations) {
      if (operation.do === 'reopen') {
        await closeBoth();
        handles = await openBoth();
      } else await runner.run(handles[operation.handle], operation);
      at += 1;
    }
    await runner.compare(handles[0]);
  } catch (error) {
    throw new OperationError(at, error);
  } finally {
    await closeBoth();
  }
}

class Runner {
  readonly #contents = new Contents();
  readonly #etags = new Map<number, string>();
  readonly #sightings = new Sightings();

  async run(backend: StorageBackend, call: Call): Promise<void> {
    switch (call.do) {
      case 'write':
        return this.#write(backend, call);
      case 'delete':
        return this.#delete(backend, call);
      case 'deleteMany':
        return this.#deleteMany(backend, call);
      case 'batch':
        return this.#batch(backend, call);
      case 'read':
        return this.#read(backend, call);
      case 'list':
        return this.#list(backend, call);
      default:
        throw new TypeError(`no such operation: ${JSON.stringify(call satisfies never)}`);
    }
  }

  /** Everything that is there, and nothing else. */
  async compare(backend: StorageBackend): Promise<void> {
    this.#entries(backend, await scan(backend, '', 4), this.#contents.keys());
    for (const key of this.#contents.keys()) await this.#read(backend, { do: 'read', key });
  }

  async #write(backend: StorageBackend, step: WriteStep): Promise<void> {
    const result = backend.write(step.key, bodyOf(step), this.#condition(step));
    if (step.size > backend.capabilities.maxBodyBytes) await refusal(result, 'TOO_LARGE');
    else if (this.#contents.allows(step)) this.#wrote(backend, step, await result);
    else await refusal(result, 'CONFLICT');
  }

  async #delete(backend: StorageBackend, step: DeleteStep): Promise<void> {
    const allowed = this.#contents.allows(step);
    const result = backend.delete(step.key, this.#condition(step));
    if (step.ifMatch !== undefined && !backend.capabilities.conditionalDelete) {
      await refusal(result, 'UNSUPPORTED');
      if (allowed) await backend.delete(step.key);
    } else if (allowed) await result;
    else await refusal(result, 'CONFLICT');
    if (allowed) this.#contents.apply(step);
  }

  async #deleteMany(backend: StorageBackend, { keys }: Of<'deleteMany'>): Promise<void> {
    const { deleteMany, maxDeleteMany } = backend.capabilities;
    if (deleteMany && keys.length <= maxDeleteMany) await backend.deleteMany?.(keys);
    else for (const key of keys) await backend.delete(key);
    for (const key of keys) this.#contents.apply({ do: 'delete', key });
  }

  async #batch(backend: StorageBackend, { steps }: Of<'batch'>): Promise<void> {
    const { atomicBatch, maxBatch, maxBodyBytes, conditionalDelete } = backend.capabilities;
    const failed = steps.flatMap((step, index) => (this.#contents.allows(step) ? [] : [index]));
    const conditional = steps.some((step) => step.do === 'delete' && step.ifMatch !== undefined);
    const tooLarge = steps.some((step) => step.do === 'write' && step.size > maxBodyBytes);
    const can = atomicBatch && steps.length <= maxBatch && !tooLarge && (conditionalDelete || !conditional);
    if (!can) {
      if (failed.length === 0) for (const step of steps) await this.run(backend, step);
      return;
    }
    const result = backend.batch?.(steps.map((step) => this.#batchOperation(step))) ?? Promise.resolve([]);
    if (failed.length > 0) {
      const { index } = await refusal(result, 'CONFLICT');
      assert.ok(index !== undefined && failed.includes(index), `the condition of index ${index ?? 'missing'} is met`);
      return;
    }
    const results = await result;
    assert.equal(results.length, steps.length, 'a batch gives one result for each operation');
    for (const [index, step] of steps.entries()) {
      const written = results[index];
      if (step.do === 'write' && written !== undefined) this.#wrote(backend, step, written);
      else {
        assert.ok(step.do === 'delete' && written === undefined, `result ${index} of a batch is that of another`);
        this.#contents.apply(step);
      }
    }
  }

  #batchOperation(step: WriteStep | DeleteStep): BatchOperation {
    const { key } = step;
    if (step.do === 'delete') return { type: 'delete', key, ...this.#condition(step) };
    return { type: 'write', key, body: bodyOf(step), ...this.#condition(step) };
  }

  #condition(step: WriteStep | DeleteStep): { ifAbsent?: true; ifMatch?: string } {
    if (step.do === 'write' && step.ifAbsent === true) return { ifAbsent: true };
    return step.ifMatch === undefined ? {} : { ifMatch: this.#etag(step.key, step.ifMatch) };
  }

  #etag(key: string, ifMatch: EtagOf): string {
    return this.#etags.get(this.#contents.meant(key, ifMatch)) ?? NO_SUCH_ETAG;
  }

  #wrote(backend: StorageBackend, step: WriteStep, { etag, modified }: WriteResult): void {
    assert.ok(typeof etag === 'string' && etag !== '', `a write of ${step.key} gave no etag`);
    const before = this.#contents.get(step.key);
    this.#contents.apply(step);
    const changed = before !== undefined && this.#contents.meant(step.key, before.id) !== step.id;
    if (changed) assert.notEqual(etag, this.#etags.get(before.id), `the etag of ${step.key} did not change`);
    this.#etags.set(step.id, etag);
    this.#sightings.wrote(step.id);
    if (modified !== undefined) this.#sightings.saw(backend.capabilities, step.id, { modified });
  }

  async #read(backend: StorageBackend, { key, start, end }: Of<'read'>): Promise<void> {
    const whole = start === undefined && end === undefined;
    const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
    const result = whole ? await backend.read(key) : await backend.read(key, range);
    const expected = this.#contents.get(key);
    if (expected === undefined || result === undefined) {
      const [is, should] = [result, expected].map((found) => (found === undefined ? 'missing' : 'there'));
      assert.equal(is, should, `${key} is ${is}`);
      return;
    }
    assertBytes(result.body, bodyOf(expected).subarray(start ?? 0, end), key);
    assert.equal(result.size, expected.size, `the size of ${key}`);
    if (whole) assert.equal(result.etag, this.#etags.get(expected.id), `${key} has another etag than its write gave`);
    this.#sightings.saw(backend.capabilities, expected.id, result);
  }

  async #list(backend: StorageBackend, { prefix, after, limit }: Of<'list'>): Promise<void> {
    const wanted = this.#contents.keys().filter((key) => key.startsWith(prefix) && (after ?? '') < key);
    const found: ListEntry[] = [];
    // A backend may give fewer than it was asked for, and say that there are more.
    for (let mark = after, more = true; more && found.length < (limit ?? Infinity); mark = found.at(-1)?.key) {
      const left = limit === undefined ? {} : { limit: limit - found.length };
      const page = await backend.list(prefix, { ...(mark === undefined ? {} : { after: mark }), ...left });
      assert.ok(page.entries.length > 0 || !page.more, 'a page that is empty, yet says that more follow');
      found.push(...page.entries);
      more = page.more;
    }
    this.#entries(backend, found, wanted.slice(0, limit));
  }

  #entries(backend: StorageBackend, found: readonly ListEntry[], keys: readonly string[]): void {
    const stored = (key: string): Stored => this.#contents.get(key) ?? { id: 0, size: 0 };
    assert.deepEqual(
      found.map(({ key, size }) => ({ key, size })),
      keys.map((key) => ({ key, size: stored(key).size })),
      'what is listed',
    );
    for (const entry of found) this.#sightings.saw(backend.capabilities, stored(entry.key).id, entry);
  }
}

/** The error that a call is refused with, which leaves no doubt that nothing was done. */
async function refusal(
  result: Promise<unknown>,
  code: 'CONFLICT' | 'UNSUPPORTED' | 'TOO_LARGE',
): ReturnType<typeof rejection> {
  const error = await rejection(result, code);
  assert.equal(error.outcome, undefined, `${code} with an outcome`);
  return error;
}
