import type { StorageBackend } from '@securestore/backend-api';

/** The names at the backend that start with `prefix`, in order, a page at a time. */
export async function* pagesUnder(
  backend: StorageBackend,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string[]> {
  for (let after: string | undefined; ;) {
    const page = await backend.list(prefix, after === undefined ? { signal } : { after, signal });
    const names = page.entries.map(({ key }) => key);
    if (names.length > 0) yield names;
    after = names.at(-1);
    if (!page.more || after === undefined) return;
  }
}
