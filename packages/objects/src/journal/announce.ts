import type { Instant } from '@securestore/jobs';
import type { Engine } from '../engine.ts';
import type { StoreState } from '../state.ts';

/**
 * What a mutation prepared under `state` owes to the journal before it may take effect.
 *
 * @param before when it was announced already, if it was
 * @returns when it was announced; `undefined` where the journal is off
 * @throws SecureStoreError as {@link JournalWriter.announce} does
 */
export async function announceCommit(
  { journal }: Engine,
  state: StoreState,
  token: string,
  commitId: Uint8Array,
  before: Instant | undefined,
  signal: AbortSignal | undefined,
): Promise<Instant | undefined> {
  if (state.head.journal === 'off' || journal.covers(before)) return before;
  return journal.announce(token, commitId, signal);
}
