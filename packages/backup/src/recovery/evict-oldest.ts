/** Removes what was put in first, until there is no more than that. */
export function keepNewest(kept: Map<unknown, unknown>, most: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(key);
  }
}
