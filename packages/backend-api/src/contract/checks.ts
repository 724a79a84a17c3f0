import { SecureStoreError } from '@securestore/core-format';
import type {
  BatchOperation,
  DeleteOptions,
  ListOptions,
  ReadOptions,
  StorageBackend,
  WriteOptions,
} from './contract.ts';
import { actionOf, checkSignal, damagedError } from './errors.ts';

/** The longest key in bytes, and in characters, since keys are ASCII. */
export const MAX_BACKEND_KEY_BYTES = 900;
/** The longest component of a key, between two slashes, in bytes. */
export const MAX_KEY_COMPONENT_BYTES = 220;

const SHA256_BYTES = 32;

/** What the checks need to know of the backend that calls them: pass the backend itself. */
export type CheckedBackend = Pick<StorageBackend, 'name' | 'capabilities'>;

const NOT_DOTS = String.raw`(?!\.{1,2}(?:\/|$))`;
const COMPONENT = `[a-z0-9.@~_-]{1,${MAX_KEY_COMPONENT_BYTES}}`;
const KEY = new RegExp(`^${NOT_DOTS}${COMPONENT}(?:/${NOT_DOTS}${COMPONENT})*$`);
const PREFIX = new RegExp(`^(?:${NOT_DOTS}${COMPONENT}/)*[a-z0-9.@~_-]{0,${MAX_KEY_COMPONENT_BYTES}}$`);

/** Whether `key` may be the key of a body. Components `.` and `..` and empty ones are refused. */
export function isBackendKey(key: unknown): key is string {
  return typeof key === 'string' && key.length <= MAX_BACKEND_KEY_BYTES && KEY.test(key);
}

/** Whether some key could start with `prefix`. Only the last component may be empty, `.` or `..`. */
export function isBackendKeyPrefix(prefix: unknown): prefix is string {
  return typeof prefix === 'string' && prefix.length <= MAX_BACKEND_KEY_BYTES && PREFIX.test(prefix);
}

/**
 * Everything that is wrong with the arguments of a read; call it first in {@link StorageBackend.read}.
 *
 * @throws `INVALID_KEY`, `INVALID_ARGUMENT`, `UNSUPPORTED` for a range without `rangeRead`, `ABORTED`
 */
export function checkRead(backend: CheckedBackend, key: string, options?: ReadOptions): void {
  checkKey(backend, 'read', key);
  if (options === undefined) return;
  const { start, end } = options;
  if (start !== undefined || end !== undefined) {
    requireCapability(backend, 'read', 'rangeRead', 'a range');
    checkOffset(backend, key, 'start', start);
    checkOffset(backend, key, 'end', end);
    if (start !== undefined && end !== undefined && start > end) {
      throw invalid(backend, 'read', `"start" must not be after "end", got ${start} and ${end}`, key);
    }
  }
  checkSignal(options.signal, { backend: backend.name, operation: 'read', key });
}

/**
 * Everything that is wrong with the arguments of a write; call it first in {@link StorageBackend.write}.
 *
 * @throws `INVALID_KEY`, `INVALID_ARGUMENT`, `TOO_LARGE`, `UNSUPPORTED` for a condition without its capability, `ABORTED`
 */
export function checkWrite(backend: CheckedBackend, key: string, body: Uint8Array, options?: WriteOptions): void {
  checkKey(backend, 'write', key);
  checkBody(backend, 'write', key, body);
  if (options === undefined) return;
  checkConditions(backend, 'write', key, options);
  const { sha256 } = options;
  if (sha256 !== undefined && !(sha256 instanceof Uint8Array && sha256.length === SHA256_BYTES))
    throw invalid(backend, 'write', `"sha256" must be a Uint8Array of ${SHA256_BYTES} bytes`, key);
  checkSignal(options.signal, { backend: backend.name, operation: 'write', key });
}

/**
 * Everything that is wrong with the arguments of a deletion; call it first in {@link StorageBackend.delete}.
 *
 * @throws `INVALID_KEY`, `INVALID_ARGUMENT`, `UNSUPPORTED` for `ifMatch` without `conditionalDelete`, `ABORTED`
 */
export function checkDelete(backend: CheckedBackend, key: string, options?: DeleteOptions): void {
  checkKey(backend, 'delete', key);
  if (options === undefined) return;
  checkDeleteCondition(backend, 'delete', key, options.ifMatch);
  checkSignal(options.signal, { backend: backend.name, operation: 'delete', key });
}

/**
 * Everything that is wrong with the arguments of a listing; call it first in {@link StorageBackend.list}.
 *
 * @throws `INVALID_KEY` for a `prefix` or `after` that no key can start with, `INVALID_ARGUMENT` for a limit that is
 *   no whole number from 1, `UNSUPPORTED` for `after` without `orderedList`, `ABORTED`
 */
export function checkList(backend: CheckedBackend, prefix: string, options?: ListOptions): void {
  if (!isBackendKeyPrefix(prefix)) throw invalidKey(backend, 'list', 'prefix', prefix);
  if (options === undefined) return;
  const { after, limit } = options;
  if (after !== undefined) {
    requireCapability(backend, 'list', 'orderedList', 'after');
    if (!isBackendKeyPrefix(after)) throw invalidKey(backend, 'list', 'after', after);
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw invalid(backend, 'list', `"limit" must be a whole number from 1, got ${String(limit)}`);
  }
  checkSignal(options.signal, { backend: backend.name, operation: 'list' });
}

/**
 * Everything that is wrong with the arguments of a batch; call it first in {@link StorageBackend.batch}.
 *
 * @throws as {@link checkWrite} and {@link checkDelete}, and `INVALID_ARGUMENT` if a key occurs twice or there are
 *   more than `maxBatch` operations
 */
export function checkBatch(
  backend: CheckedBackend,
  operations: readonly BatchOperation[],
  options?: { readonly signal?: AbortSignal | undefined },
): void {
  checkCount(backend, 'batch', operations, backend.capabilities.maxBatch, 'operations');
  const keys = new Set<string>();
  for (const operation of operations) {
    checkKey(backend, 'batch', operation.key);
    if (keys.has(operation.key)) throw invalid(backend, 'batch', 'the batch has the key twice', operation.key);
    keys.add(operation.key);
    checkOperation(backend, operation);
  }
  checkSignal(options?.signal, { backend: backend.name, operation: 'batch' });
}

/**
 * Everything that is wrong with the arguments of {@link StorageBackend.deleteMany}; call it first there.
 *
 * @throws `INVALID_KEY`, `INVALID_ARGUMENT` for more than `maxDeleteMany` keys, `ABORTED`
 */
export function checkDeleteMany(
  backend: CheckedBackend,
  keys: readonly string[],
  options?: { readonly signal?: AbortSignal | undefined },
): void {
  checkCount(backend, 'deleteMany', keys, backend.capabilities.maxDeleteMany, 'keys');
  for (const key of keys) checkKey(backend, 'deleteMany', key);
  checkSignal(options?.signal, { backend: backend.name, operation: 'deleteMany' });
}

/**
 * To be called before a body is read into memory: what is larger than any body that can be written comes from another
 * program, and must not exhaust the memory of the process that reads it.
 *
 * @throws `INTEGRITY`
 */
export function checkStoredSize(backend: CheckedBackend, key: string, size: number): void {
  const { maxBodyBytes } = backend.capabilities;
  if (size <= maxBodyBytes) return;
  const site = { backend: backend.name, operation: 'read', key };
  throw damagedError(site, `has ${size} bytes, more than the limit of ${maxBodyBytes}`);
}

/** The range of a body of `size` bytes that checked options ask for; empty and at the end of the body if it starts past the end. */
export function resolveRange(size: number, options?: ReadOptions): { start: number; end: number; whole: boolean } {
  const whole = options?.start === undefined && options?.end === undefined;
  const end = Math.min(options?.end ?? size, size);
  const start = Math.min(options?.start ?? 0, end);
  return { start, end, whole };
}

function checkOperation(backend: CheckedBackend, operation: BatchOperation): void {
  switch (operation.type) {
    case 'write':
      checkBody(backend, 'batch', operation.key, operation.body);
      checkConditions(backend, 'batch', operation.key, operation);
      return;
    case 'delete':
      checkDeleteCondition(backend, 'batch', operation.key, operation.ifMatch);
      return;
    default:
      throw invalid(backend, 'batch', 'the type of an operation must be write or delete');
  }
}

function checkKey(backend: CheckedBackend, operation: string, key: unknown): void {
  if (!isBackendKey(key)) throw invalidKey(backend, operation, 'key', key);
}

function checkBody(backend: CheckedBackend, operation: string, key: string, body: unknown): void {
  if (!(body instanceof Uint8Array)) throw invalid(backend, operation, 'the body must be a Uint8Array', key);
  const { maxBodyBytes } = backend.capabilities;
  if (body.byteLength <= maxBodyBytes) return;
  throw new SecureStoreError(
    'TOO_LARGE',
    `${backend.name}: the body of ${key} must have at most ${maxBodyBytes} bytes, got ${body.byteLength}. ` +
      'Nothing was written.',
    { backend: backend.name, operation, key },
  );
}

function checkConditions(backend: CheckedBackend, operation: string, key: string, options: WriteOptions): void {
  const { ifAbsent, ifMatch } = options;
  if (ifAbsent !== undefined) {
    if (typeof ifAbsent !== 'boolean') throw invalid(backend, operation, '"ifAbsent" must be a boolean', key);
    if (ifMatch !== undefined) throw invalid(backend, operation, '"ifAbsent" and "ifMatch" exclude each other', key);
    if (ifAbsent) requireCapability(backend, operation, 'ifAbsent', 'ifAbsent', key);
  }
  if (ifMatch !== undefined) {
    checkEtag(backend, operation, key, ifMatch);
    requireCapability(backend, operation, 'ifMatch', 'ifMatch', key);
  }
}

function checkDeleteCondition(backend: CheckedBackend, operation: string, key: string, ifMatch: unknown): void {
  if (ifMatch === undefined) return;
  checkEtag(backend, operation, key, ifMatch);
  requireCapability(backend, operation, 'conditionalDelete', 'ifMatch of a deletion', key);
}

function checkEtag(backend: CheckedBackend, operation: string, key: string, etag: unknown): void {
  if (typeof etag !== 'string' || etag === '') throw invalid(backend, operation, '"ifMatch" must be an etag', key);
}

function checkOffset(backend: CheckedBackend, key: string, name: string, offset: unknown): void {
  if (offset === undefined || (Number.isSafeInteger(offset) && Number(offset) >= 0)) return;
  throw invalid(backend, 'read', `"${name}" must be a whole number of bytes from 0`, key);
}

function checkCount(backend: CheckedBackend, operation: string, items: unknown, most: number, what: string): void {
  if (!Array.isArray(items)) throw invalid(backend, operation, `the ${what} must be an array`);
  if (items.length > most)
    throw invalid(backend, operation, `at most ${most} ${what} are allowed, got ${items.length}`);
}

function requireCapability(
  backend: CheckedBackend,
  operation: string,
  capability: 'ifAbsent' | 'ifMatch' | 'conditionalDelete' | 'rangeRead' | 'orderedList',
  what: string,
  key?: string,
): void {
  if (backend.capabilities[capability]) return;
  throw new SecureStoreError(
    'UNSUPPORTED',
    `${backend.name}: the backend lacks the capability ${capability}, which ${what} needs. Nothing was changed.`,
    { backend: backend.name, operation, key },
  );
}

function invalid(backend: CheckedBackend, operation: string, problem: string, key?: string): SecureStoreError {
  const message = `${backend.name}: cannot ${actionOf(operation)}${key === undefined ? '' : ` ${key}`}: ${problem}`;
  return new SecureStoreError('INVALID_ARGUMENT', message, { backend: backend.name, operation, key });
}

function invalidKey(backend: CheckedBackend, operation: string, what: string, key: unknown): SecureStoreError {
  const shown = typeof key === 'string' ? JSON.stringify(key.slice(0, 80)) : typeof key;
  return new SecureStoreError(
    'INVALID_KEY',
    `${backend.name}: cannot ${actionOf(operation)}: invalid ${what} ${shown}. Keys have a-z 0-9 . @ ~ - _ between single ` +
      `slashes, at most ${MAX_BACKEND_KEY_BYTES} bytes, and at most ${MAX_KEY_COMPONENT_BYTES} in a component other than . and ..`,
    { backend: backend.name, operation },
  );
}
