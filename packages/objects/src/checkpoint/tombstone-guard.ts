import type { RecordHeader } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { Baseline } from './baseline.ts';

/**
 * Whether the tombstone of a deletion may be forgotten: if the store has a checkpoint, only once that holds it, so that
 * the object shows when it is brought back. To be made anew for each pass of a collection, and asked in the order of tokens.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function tombstoneGuard(
  engine: Engine,
  signal?: AbortSignal,
): Promise<(token: string, header: RecordHeader) => Promise<boolean>> {
  let isDamaged = false;
  const baseline = await Baseline.load(engine, () => void (isDamaged = true), signal);
  return async (token, { version }) => {
    // Nothing is forgotten as long as nobody can tell what is remembered.
    if (baseline.root === undefined) return !isDamaged;
    const { entry } = await baseline.lookUp(token);
    return entry !== undefined && entry.kind !== 'object' && entry.version === version;
  };
}
