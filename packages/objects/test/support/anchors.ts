import type { Anchor, AnchorRecord } from '../../src/index.ts';

/** An anchor in memory. */
export function memoryAnchor(): Anchor & { readonly remembered: Map<string, AnchorRecord> } {
  const remembered = new Map<string, AnchorRecord>();
  return {
    remembered,
    read: async (location) => remembered.get(location),
    write: async (location, record) => void remembered.set(location, record),
  };
}
