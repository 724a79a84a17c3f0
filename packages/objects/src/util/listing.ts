import type { ListEntry, ListOptions, ListResult, StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { tryAgain } from './try-again.ts';

/** The longest name that a backend takes. */
const MAX_NAME_BYTES = 900;

/**
 * One page of a listing, found to be one that can follow: its names start with `prefix`, are in order, and come after
 * `after`. So a listing comes to an end whatever the backend answers.
 *
 * @throws SecureStoreError `INTEGRITY` if they don't, `UNAVAILABLE` if the page is empty and more is promised
 */
export async function listPage(backend: StorageBackend, prefix: string, options: ListOptions): Promise<ListResult> {
  const { name } = backend;
  const page = await backend.list(prefix, options);
  let last = options.after ?? '';
  for (const { key } of page.entries) {
    if (key <= last || !key.startsWith(prefix) || key.length > MAX_NAME_BYTES) {
      throw new SecureStoreError(
        'INTEGRITY',
        `a listing of the backend ${name} is wrong: it has a name out of order, or one that was not asked for`,
        { backend: name },
      );
    }
    last = key;
  }
  if (page.more && page.entries.length === 0) {
    const message = `a listing of the backend ${name} is wrong: it has an empty page with more to follow`;
    throw tryAgain('UNAVAILABLE', message, { backend: name });
  }
  return page;
}

/**
 * The names at the backend that start with `prefix`, in order, a page at a time.
 *
 * @throws SecureStoreError as {@link listPage} does
 */
export async function* pagesUnder(
  backend: StorageBackend,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string[]> {
  for (let after: string | undefined; ;) {
    const page = await listPage(backend, prefix, after === undefined ? { signal } : { after, signal });
    const names = page.entries.map(({ key }) => key);
    if (names.length > 0) yield names;
    if (!page.more) return;
    after = names.at(-1);
  }
}

/** All names at the backend that start with `prefix`, in order. @throws SecureStoreError as {@link listPage} does */
export async function namesUnder(
  backend: StorageBackend,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pagesUnder(backend, prefix, signal)) names.push(...page);
  return names;
}

/** How many items there are. */
export async function countItems(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count += 1;
  return count;
}

/** Everything under `prefix`, in order, from after `after` on; the next page is read while one is being used. @throws as {@link listPage} */
export async function* entriesUnder(
  backend: StorageBackend,
  prefix: string,
  { after, signal }: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ListEntry> {
  const pageAfter = (last: string | undefined): Promise<ListResult> => {
    const page = listPage(backend, prefix, last === undefined ? { signal } : { after: last, signal });
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
