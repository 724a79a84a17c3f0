import type { ListEntry, ListResult, StorageBackend } from '@securestore/backend-api';

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

/** Everything under `prefix`, in order, from after `after` on; the next page is read while one is being used. */
export async function* entriesUnder(
  backend: StorageBackend,
  prefix: string,
  { after, signal }: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<ListEntry> {
  const pageAfter = (last: string | undefined): Promise<ListResult> => {
    const page = backend.list(prefix, last === undefined ? { signal } : { after: last, signal });
    page.catch(() => undefined);
    return page;
  };
  let next: Promise<ListResult> | undefined = pageAfter(after);
  while (next !== undefined) {
    const page: ListResult = await next;
    const last = page.entries.at(-1)?.key;
    next = page.more && last !== undefined ? pageAfter(last) : undefined;
    yield* page.entries;
  }
}
