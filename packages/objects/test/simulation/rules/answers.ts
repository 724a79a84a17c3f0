import type { Recorded } from '../world.ts';

/** Every call returns in the end, unless its process dies. */
export function answers({ operations }: Recorded, died: ReadonlySet<string>): string[] {
  return operations
    .filter(({ returned, process }) => returned === Number.POSITIVE_INFINITY && !died.has(process))
    .map(({ id }) => `#${id} never returned`);
}
