import type { Anchor, AnchorRecord } from '../../src/index.ts';

/** An anchor in memory. */
export function memoryAnchor(): Anchor & { readonly remembered: Map<string, AnchorRecord> } {
  const remembered = new Map<string, AnchorRecord>();
  return {
    remembered,
    read: async (url) => remembered.get(url),
    write: async (url, record) => void remembered.set(url, record),
  };
}
