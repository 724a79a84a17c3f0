import type { CheckpointEntry, RecordHeader } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { LoadedCheckpoint } from './load.ts';
import { loadCheckpoint, pageOf, readPage } from './load.ts';

/** Reads pages in the order in which they are asked for: the last one is kept. */
class Pages {
  readonly #engine: Engine;
  readonly #checkpoint: LoadedCheckpoint;
  #last: { readonly index: number; readonly entries: readonly CheckpointEntry[] } | undefined;

  constructor(engine: Engine, checkpoint: LoadedCheckpoint) {
    this.#engine = engine;
    this.#checkpoint = checkpoint;
  }

  async entry(token: string): Promise<CheckpointEntry | undefined> {
    const index = pageOf(this.#checkpoint.root, token);
    if (index === undefined) return undefined;
    if (this.#last?.index !== index) {
      this.#last = { index, entries: await readPage(this.#engine, this.#checkpoint, index) };
    }
    return this.#last.entries.find((entry) => entry.token === token);
  }
}

/** Nothing is forgotten as long as nobody can tell what is remembered. */
async function loadOrDamaged(
  engine: Engine,
  signal: AbortSignal | undefined,
): Promise<LoadedCheckpoint | undefined | 'damaged'> {
  try {
    return await loadCheckpoint(engine, signal);
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return 'damaged';
    throw error;
  }
}

/**
 * Whether the tombstone of a deletion may be forgotten: where the store has a checkpoint, only once that holds it, so that
 * the object shows when it is brought back. To be made anew for each pass of a collection, and asked in the order of tokens.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function checkpointsForget(
  engine: Engine,
  signal?: AbortSignal,
): Promise<(token: string, header: RecordHeader) => Promise<boolean>> {
  const checkpoint = await loadOrDamaged(engine, signal);
  if (checkpoint === undefined) return async () => true;
  if (checkpoint === 'damaged') return async () => false;
  const pages = new Pages(engine, checkpoint);
  return async (token, { version }) => {
    try {
      const entry = await pages.entry(token);
      return entry !== undefined && entry.kind !== 'object' && entry.version === version;
    } catch (error) {
      // A page that is gone or damaged holds nothing.
      if (SecureStoreError.is(error, 'INTEGRITY')) return false;
      throw error;
    }
  };
}
