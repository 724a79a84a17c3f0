import type { StoreState } from '../../head/store-state.ts';

/** How new key versions are, by their ids in hex: the newer of a group, the greater. A member knows those that were granted. */
export function keyOrderOf({ keys }: StoreState): ReadonlyMap<string, number> {
  return new Map(keys.versions.map(({ label }, at) => [label, at + 1]));
}
