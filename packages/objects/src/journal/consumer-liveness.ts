import type { ConsumerState } from '@securestore/core-format';
import { SecureStoreError, workPrefix } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { readHead } from '../head/store-state.ts';
import { consumerNames, lookAtConsumer, NOTHING_READ, saveConsumer } from './consumer-state.ts';
import { CONSUMER_EXPIRES_AFTER } from '../engine/journal-limits.ts';
import { entriesUnder } from '../util/listing.ts';

/** What pruning goes by. */
export interface Survey {
  readonly consumers: readonly ConsumerState[];
  /** Whether something that was written at `modified` is over `age` milliseconds old, on any server. */
  readonly isOlder: (modified: number, age: number) => boolean;
}

/** The backend's clock, or a time that it has passed for sure. */
async function backendNow(engine: Engine, signal: AbortSignal | undefined): Promise<number> {
  const head = await readHead(engine.backend, signal);
  if (head?.now !== undefined) return head.now;
  let latest = 0;
  for (const prefix of [workPrefix('consumer'), workPrefix('writer')]) {
    for await (const { modified } of entriesUnder(engine.backend, prefix, { signal }))
      latest = Math.max(latest, modified);
  }
  return latest;
}

/**
 * What is known of a consumer whose state is damaged. It begins anew once it is registered again. Everything is kept
 * for it until then, or until it has been silent too long, as any other may be.
 */
const DAMAGED: ConsumerState = { label: '', started: 0, since: 0, expired: false, ...NOTHING_READ };

/**
 * Has every consumer begin anew with a pass over all objects: what could not be opened when they read of it can be by
 * now. @throws SecureStoreError what the backend throws
 */
export async function expireAll(engine: Engine, signal: AbortSignal | undefined): Promise<void> {
  // Whoever registers a damaged one anew owes a pass in any case.
  for await (const name of consumerNames(engine, signal)) await activeConsumer(engine, name, () => true, signal);
}

/**
 * The state of a consumer for which the journal is kept; `undefined` for one that has expired, or does now.
 *
 * @param isSilent whether nothing was heard of a consumer whose state was written at that time. It is asked about the state
 *   that is judged: a listing may be from before that was written
 */
async function activeConsumer(
  engine: Engine,
  name: string,
  isSilent: (modified: number) => boolean,
  signal: AbortSignal | undefined,
): Promise<ConsumerState | undefined> {
  try {
    const found = await lookAtConsumer(engine, name, signal);
    if (found === undefined) return undefined;
    // A collection removes it.
    if ('error' in found) return isSilent(found.modified) ? undefined : DAMAGED;
    if (found.state.expired) return undefined;
    if (!isSilent(found.modified)) return found.state;
    await saveConsumer(engine, name, { ...found.state, expired: true, ...NOTHING_READ }, found.etag);
    return undefined;
  } catch (error) {
    // It has just shown that it is alive.
    if (SecureStoreError.is(error, 'CONFLICT')) return activeConsumer(engine, name, isSilent, signal);
    throw error;
  }
}

/** Looks at all consumers; those that have been silent for 7 days expire. @throws SecureStoreError what the backend throws */
export async function survey(engine: Engine, signal: AbortSignal | undefined): Promise<Survey> {
  const { clockSkew, modifiedResolution } = engine.backend.capabilities;
  const now = await backendNow(engine, signal);
  const isOlder = (modified: number, age: number): boolean => now - modified > age + clockSkew + modifiedResolution;
  const isSilent = (modified: number): boolean => isOlder(modified, CONSUMER_EXPIRES_AFTER);
  const consumers: ConsumerState[] = [];
  for await (const name of consumerNames(engine, signal)) {
    const consumer = await activeConsumer(engine, name, isSilent, signal);
    if (consumer !== undefined) consumers.push(consumer);
  }
  return { consumers, isOlder };
}
