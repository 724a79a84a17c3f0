import { HEAD_NAME, tokenOf } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { StoreState } from '../head/store-state.ts';
import type { Announced } from '../engine/journal-writer.ts';
import { QUIESCENT_AFTER } from '../head/freshness-bounds.ts';

/**
 * What a mutation prepared under `state` owes to the journal before it may take effect.
 *
 * @param before when it was announced already, if it was
 * @returns when it was announced; `undefined` if the journal is off
 * @throws SecureStoreError as {@link JournalWriter.announce} does
 */
export async function announceCommit(
  { journal }: Engine,
  state: StoreState,
  token: string,
  commitId: Uint8Array,
  before: Announced | undefined,
  signal: AbortSignal | undefined,
): Promise<Announced | undefined> {
  if (state.head.journal === 'off' || journal.covers(before)) return before;
  return journal.announce(token, commitId, signal);
}

/**
 * What whoever seals or wraps a version anew owes to the journal before: consumers take over its new bytes. All that is
 * announced at once shares hints.
 *
 * @param name of the record
 * @throws SecureStoreError as {@link JournalWriter.announce} does, and if the head of the store can't be confirmed
 */
export async function announceRewrite(
  engine: Engine,
  name: string,
  commitId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const token = tokenOf(name);
  if (token === undefined) return;
  // The journal may have been switched on since the job began, which may be hours ago.
  await engine.monitor.acknowledge(signal);
  await announceCommit(engine, engine.monitor.state, token, commitId, undefined, signal);
}

/**
 * Whether the head of now has stood, with the journal on, for so long that nobody acts on an older one any more: by the clock of the
 * backend, which has to tell it.
 */
export async function isQuiescent({ backend, monitor }: Engine, signal?: AbortSignal): Promise<boolean> {
  await monitor.refresh(signal);
  if (monitor.state.head.journal !== 'on') return false;
  const found = await backend.read(HEAD_NAME, { signal });
  if (found?.now === undefined) return false;
  const { clockSkew, modifiedResolution } = backend.capabilities;
  return found.now - found.modified > QUIESCENT_AFTER + 2 * clockSkew + modifiedResolution;
}
