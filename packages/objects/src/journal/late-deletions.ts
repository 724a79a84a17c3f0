import type { ConsumerState, RecordHeader } from '@securestore/core-format';
import { encodeTombstoneBody, objectName } from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import { openOfToken } from '../record/stable-read.ts';
import { openByToken } from '../record/open-record.ts';
import { announceCommit } from './announce.ts';
import { survey } from './consumer-liveness.ts';

const MICROSECONDS = 1000;

/**
 * Whether a deletion may have landed without a hint when a consumer relied on hints already: it was prepared before that,
 * and whoever made it never acknowledged it.
 */
function mayBeUnannounced({ gracePeriod }: Engine, { since, started }: ConsumerState, header: RecordHeader): boolean {
  return header.generation < since && header.version / MICROSECONDS > started - gracePeriod;
}

/** Tells the journal of a deletion, and brings it under the newest head, as its writer would have done before acknowledging it. */
async function announceAnew(
  engine: Engine,
  token: string,
  { commitId }: RecordHeader,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { backend, cache, random, monitor } = engine;
  const name = objectName(token);
  const found = await backend.read(name, { signal });
  if (found === undefined) return;
  const { body, etag = '' } = found;
  const opened = await openOfToken(engine, openByToken, token, body, signal);
  if (opened.kind !== 'tombstone' || Buffer.compare(opened.header.commitId, commitId) !== 0) return;
  const { state } = monitor;
  await announceCommit(engine, state, token, commitId, undefined, signal);
  const { primary } = state.keys.category(opened.header.categoryId);
  const header = { ...opened.header, suite: primary.suite, generation: state.head.generation };
  try {
    const record = sealRecord(primary, header, encodeTombstoneBody(opened.body), random);
    await backend.write(name, record, { ifMatch: etag, signal });
  } catch (error) {
    // It is young again, or has been changed: whatever it is, another collection looks at it.
    if (!isUndecided(error)) throw error;
  } finally {
    cache.delete(token);
  }
}

/** Whether what others still need to know of a deleted object lets it be forgotten. */
export type MayForget = (token: string, header: RecordHeader) => boolean | Promise<boolean>;

/**
 * Lets a deletion be forgotten once it is certain that it was announced. If it is not, it is announced now, and left to a
 * later collection: a consumer that has never heard of it would take the object for hidden.
 *
 * @param isDryRun whether nothing is announced either
 */
export function forgetAnnounced(engine: Engine, signal: AbortSignal | undefined, isDryRun = false): MayForget {
  let consumers: Promise<readonly ConsumerState[]> | undefined;
  return async (token, header) => {
    consumers ??= survey(engine, signal).then((surveyed) => surveyed.consumers);
    if (!(await consumers).some((consumer) => mayBeUnannounced(engine, consumer, header))) return true;
    if (!isDryRun) await announceAnew(engine, token, header, signal);
    return false;
  };
}
