import {
  type ListEntry,
  type ListOptions,
  type ListResult,
  type StorageBackend,
  isBackendKey,
} from '@securestore/backend-api';

/** All entries under `prefix`. */
export async function everything(backend: StorageBackend, prefix: string): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for (let after: string | undefined, more = true; more; after = entries.at(-1)?.key) {
    const page: ListResult = await backend.list(prefix, after === undefined ? {} : { after });
    entries.push(...page.entries);
    more = page.more;
  }
  return entries;
}

/** Whether a listing with these options is not refused. */
export function isValid(options: ListOptions | undefined): boolean {
  const { after, limit, signal } = options ?? {};
  return (
    signal?.aborted !== true && (after === undefined || isBackendKey(after)) && (limit === undefined || limit >= 1)
  );
}

/** A listing whose first page is in the order of a locale. */
export async function inLocaleOrder(
  inner: StorageBackend,
  prefix: string,
  options: ListOptions | undefined,
): Promise<ListResult> {
  if (!isValid(options) || options?.after !== undefined) return inner.list(prefix, options);
  const all = await everything(inner, prefix);
  const sorted = all.toSorted((one, other) => one.key.localeCompare(other.key, 'en'));
  const limit = options?.limit ?? sorted.length;
  return { entries: sorted.slice(0, limit), more: sorted.length > limit };
}
