import { SecureStoreError } from '@securestore/core-format';

type Code = ConstructorParameters<typeof SecureStoreError>[0];

/** What LevelDB's own errors mean; they name neither bodies nor credentials, so they may be causes as they are. */
const MEANINGS: readonly (readonly [code: string, meaning: Code, message: string])[] = [
  ['LEVEL_LOCKED', 'UNAVAILABLE', 'another process has the folder open: let it end, or use another folder.'],
  ['LEVEL_CORRUPTION', 'INTEGRITY', 'the folder is damaged: restore it from a backup.'],
  ['LEVEL_IO_ERROR', 'UNAVAILABLE', 'the disk failed: look at the cause.'],
];

const CHANGES: readonly string[] = ['write', 'delete', 'batch', 'deleteMany'];

/**
 * Runs `work` and makes errors of LevelDB those of securestore. Whether a change took place that ended so is not known.
 */
export async function translated<T>(operation: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    const codes = [codeOf(error), codeOf((error as Error).cause)];
    const [, code, reason] = MEANINGS.find(([known]) => codes.includes(known)) ?? [];
    throw new SecureStoreError(
      code ?? 'UNAVAILABLE',
      `leveldb: ${operation} failed: ${reason ?? 'look at the cause.'}`,
      {
        backend: 'leveldb',
        operation,
        cause: error,
        ...(key === undefined ? {} : { key }),
        ...(CHANGES.includes(operation) ? { outcome: 'unknown' as const } : {}),
      },
    );
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}
