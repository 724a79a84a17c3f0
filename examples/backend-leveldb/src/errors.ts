import { type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What LevelDB's own errors mean; they name neither bodies nor credentials, so they may be causes as they are. */
const FAILURES: readonly (readonly [code: string, failure: Failure])[] = [
  [
    'LEVEL_LOCKED',
    { code: 'UNAVAILABLE', reason: 'another process has the folder open', advice: [{ id: 'try-again' }] },
  ],
  ['LEVEL_CORRUPTION', { code: 'INTEGRITY', reason: 'the folder is damaged', advice: [{ id: 'restore-store' }] }],
  ['LEVEL_IO_ERROR', { code: 'UNAVAILABLE', reason: 'the disk failed' }],
];
const UNKNOWN: Failure = { code: 'UNAVAILABLE', reason: 'LevelDB failed' };

const CHANGES: readonly string[] = ['write', 'delete', 'batch', 'deleteMany'];

/** Runs `work` and translates errors of LevelDB. It is unknown whether a change that fails was made. */
export async function translated<T>(operation: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    const codes = [codeOf(error), codeOf((error as Error).cause)];
    const [, failure = UNKNOWN] = FAILURES.find(([known]) => codes.includes(known)) ?? [];
    const outcome = CHANGES.includes(operation) ? 'unknown' : undefined;
    throw failedError({ backend: 'leveldb', operation, key }, failure, { outcome, cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}
