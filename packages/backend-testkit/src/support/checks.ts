import assert from 'node:assert/strict';
import type { ListEntry, ReadResult, StorageBackend } from '@securestore/backend-api';
import { type ErrorCode, SecureStoreError } from '@securestore/core-format';

/** Every character of a key but the slash. */
export const ALPHABET: readonly string[] = 'abcdefghijklmnopqrstuvwxyz0123456789.@~-_'.split('');

/** After so many bytes those of {@link bytes} come again, so that megabytes are copies of the first. */
const PERIOD = 65_536;

/** `length` bytes that differ from place to place, and between two seeds at every place. */
export function bytes(length: number, seed = 0): Uint8Array {
  const body = new Uint8Array(length);
  for (let index = 0; index < Math.min(length, PERIOD); index += 1) {
    body[index] = (index * 31 + (index >>> 8) + seed) & 0xff;
  }
  for (let made = PERIOD; made < length; made *= 2) body.copyWithin(made, 0, made);
  return body;
}

/** The bytes of `value` in UTF-8. */
export function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The text of a body that must be there. */
export async function textOf(backend: StorageBackend, key: string): Promise<string> {
  return new TextDecoder().decode((await mustRead(backend, key)).body);
}

/** The body of `key`, which must exist. */
export async function mustRead(backend: StorageBackend, key: string): Promise<ReadResult> {
  const result = await backend.read(key);
  assert.ok(result, `${key} was stored, but read says that it does not exist`);
  return result;
}

/** The etag of `key`, which must exist. */
export async function etagOf(backend: StorageBackend, key: string): Promise<string> {
  const { etag } = await mustRead(backend, key);
  assert.ok(typeof etag === 'string' && etag !== '', `a whole read of ${key} gave no etag`);
  return etag;
}

/** Compares without printing megabytes. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(actual instanceof Uint8Array, `${what} is no Uint8Array`);
  assert.equal(actual.byteLength, expected.byteLength, `${what} has another length`);
  const difference = Buffer.compare(actual, expected);
  assert.equal(difference, 0, `${what} has other bytes`);
}

/** The error that `promise` must reject with, of one of `codes`. */
export async function rejection(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<SecureStoreError> {
  return rejectionOf('it', promise, ...codes);
}

/** The same, for one call of several: `call` is how it is named. */
export async function rejectionOf(
  call: string,
  promise: Promise<unknown>,
  ...codes: ErrorCode[]
): Promise<SecureStoreError> {
  const error: unknown = await promise.then(
    () => assert.fail(`${call} resolved, and should have been rejected with ${codes.join(' or ')}`),
    (reason: unknown) => reason,
  );
  if (error instanceof assert.AssertionError) throw error;
  if (!SecureStoreError.is(error))
    throw new assert.AssertionError({ message: `not a SecureStoreError: ${String(error)}` });
  assert.ok(
    codes.includes(error.code),
    `${call}: code ${error.code} instead of ${codes.join(' or ')}: ${error.message}`,
  );
  return error;
}

/** All entries under `prefix`, page by page, checking every page against the contract. */
export async function scan(backend: StorageBackend, prefix: string, limit?: number): Promise<ListEntry[]> {
  const found: ListEntry[] = [];
  for await (const page of pages(backend, prefix, limit)) found.push(...page);
  return found;
}

/** The keys under `prefix`, page by page. */
export async function scanKeys(backend: StorageBackend, prefix: string, limit?: number): Promise<string[]> {
  return (await scan(backend, prefix, limit)).map((entry) => entry.key);
}

/** The pages under `prefix`: in byte order throughout, within the limit, and not empty while there are more. */
export async function* pages(backend: StorageBackend, prefix: string, limit?: number): AsyncGenerator<ListEntry[]> {
  let after: string | undefined;
  for (;;) {
    const page = await backend.list(prefix, {
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
    for (const { key } of page.entries) {
      assert.ok(key.startsWith(prefix), `list("${prefix}") gave "${key}"`);
      assert.ok(after === undefined || key > after, `list("${prefix}") gave "${key}" after "${after ?? ''}"`);
      after = key;
    }
    if (limit !== undefined) assert.ok(page.entries.length <= limit, `a page over the limit of ${limit}`);
    yield page.entries;
    if (!page.more) return;
    assert.ok(page.entries.length > 0, 'a page that is empty, yet says that more follow');
  }
}

/** The outcomes of calls that run at the same time. */
export async function race<T>(calls: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(calls.map(async (call) => call()));
}

/** That many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What needs nothing but promises is done by then, and nothing that waits for the event loop. */
export async function everyMicrotask(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
}
