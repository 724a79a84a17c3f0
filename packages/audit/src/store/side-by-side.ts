/** Calls that are made side by side: one after the other they would take longer than anybody waits, where the backend is far away. */
export const AT_ONCE = 16;

/** What becomes of each, in their order, so many at once. @throws the first error, when those under way have ended */
export async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const settled = await Promise.allSettled(items.slice(at, at + AT_ONCE).map(work));
    for (const result of settled) {
      if (result.status === 'rejected') throw result.reason;
      results.push(result.value);
    }
  }
  return results;
}
