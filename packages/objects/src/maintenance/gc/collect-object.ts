import { objectName, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import { commit } from '../../object/commit/commit.ts';
import type { CurrentRecord } from './current-record.ts';
import type { Pass } from './pass.ts';
import { hasHistory } from './prune-history.ts';
import { isForgettable } from './retention.ts';

/** Deletes an object that has been expired for longer than the grace period, as its owner would. */
export async function deleteExpired({ engine, now, report, signal }: Pass, record: CurrentRecord): Promise<void> {
  const { opened } = record;
  if (opened?.kind !== 'object') return;
  const { expires, name } = opened.body;
  // By both clocks: for this process the object has to be gone already.
  if (expires === 0 || expires + engine.gracePeriod > Math.min(now, engine.clock.now())) return;
  const key = parseStoreKey(name);
  const committed = await commit(engine, {
    target: { key, ...engine.names.locate(key) },
    condition: { type: 'none' },
    readFirst: true,
    signal,
    draft(current, time) {
      const { commitId } = opened.header;
      // Whoever stored something new meanwhile has not expired.
      if (current?.opened === undefined || Buffer.compare(current.opened.header.commitId, commitId) !== 0)
        return undefined;
      return { kind: 'tombstone', modified: time };
    },
  });
  if (committed !== undefined) report.expired += 1;
}

/** Forgets a deleted object of which nothing else is left. */
export async function forgetTombstone(pass: Pass, token: string, record: CurrentRecord): Promise<void> {
  const { engine, floor, report, rules, signal } = pass;
  const { opened, etag, modified, size } = record;
  if (opened?.kind !== 'tombstone' || !isForgettable(rules, opened.header, modified)) return;
  // Without a condition it could be somebody's new object that is deleted.
  if (!engine.backend.capabilities.conditionalDelete) return;
  if ((await hasHistory(pass, token)) || !(await pass.mayForget(token, opened.header))) return;
  await floor.cover(opened.header.version, signal);
  try {
    await engine.backend.delete(objectName(token), { ifMatch: etag, signal });
  } catch (error) {
    if (SecureStoreError.is(error, 'CONFLICT')) return;
    throw error;
  } finally {
    engine.cache.delete(token);
  }
  report.tombstones += 1;
  report.bytes += size;
}
