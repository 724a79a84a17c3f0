import { SecureStoreError } from './errors.ts';

/**
 * Loads a part of a package with the first call that needs it, and once for all callers. A load that failed is tried again by the next call.
 *
 * @param name of the part, for the error
 * @param load imports the part
 * @returns rejects with `INTERNAL` if the part cannot be loaded
 */
export function lazyPart<T>(name: string, load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot load ${name}: ${reason}. Is securestore completely installed, and was it not replaced while this process runs?`;
      throw new SecureStoreError('INTERNAL', message, { cause });
    });
    return loading;
  };
}
