import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { MigrationArea } from '@securestore/objects/internal';
import { isSameStore } from '@securestore/objects/internal';
import { AuditLogCopy } from './audit-log.ts';
import { applyChanges } from './changes.ts';
import { Copier } from './copier.ts';
import type { MigrationTarget } from './types.ts';
import { consumerLabel } from './migration-run.ts';

/** How often changes are looked for, in milliseconds. */
const LOOK_EVERY = 250;
/** How often it is confirmed that somebody looks, and the audit log is copied, in milliseconds. */
const CONFIRM_EVERY = 60_000;

/** What keeping the old side in line did. */
export interface ReplicateBackReport {
  readonly changes: number;
  readonly failures: number;
  /** Whether it ended because the store moves back to the old side, or has: whoever moves it brings the rest. */
  readonly migratesBack: boolean;
}

/** Whether the store moves back to where it was, by its head as it is known. */
const isMovingTo = (area: MigrationArea, { url }: MigrationTarget): boolean =>
  area.head.migration !== undefined && area.movesTo === url;

/** Whether the store moves back to where it was; or, once it has left, is there by what lies there. */
async function isBack(area: MigrationArea, old: MigrationTarget): Promise<boolean> {
  const { head } = area;
  if (head.migration !== undefined) return isMovingTo(area, old);
  const found = await old.backend.read(HEAD_NAME);
  const there = found && decodeHead(found.body).head;
  return (
    there !== undefined && there.state !== 'moved' && there.generation > head.generation && isSameStore(there, head)
  );
}

/** What reading the changes of a store fails of that somebody else reads, or that has left. */
const isOvertaken = (error: unknown): boolean =>
  SecureStoreError.is(error) && ['CONFLICT', 'NOT_FOUND', 'LOCKED'].includes(error.code);

/**
 * Brings what changes in a store that has moved to where it was, so that moving back takes a moment; until the signal aborts, or the store
 * moves back.
 *
 * @param area of the store where it is now
 * @param old where it was
 * @param instance that it had there
 * @throws SecureStoreError what keeps it from going on; the reason of the signal
 */
export async function replicateChangesBack(
  area: MigrationArea,
  old: MigrationTarget,
  instance: Uint8Array,
  { signal, clock, progress }: Pick<JobContext<unknown>, 'signal' | 'clock' | 'progress'>,
): Promise<ReplicateBackReport> {
  progress({ phase: 'replicating back' });
  const consumer = await area.open(consumerLabel(instance), () => undefined, signal);
  const copier = new Copier({
    area,
    target: old.backend,
    signal,
    onCopied: (bytes) => progress({ bytes }),
  });
  copier.trust = 'nothing';
  copier.isWayBack = true;
  const auditLog = new AuditLogCopy(area, old.backend, signal);
  auditLog.trust = 'nothing';
  let changes = 0;
  let confirmed = instant(clock);
  const report = (migratesBack: boolean): ReplicateBackReport => ({
    changes,
    failures: copier.tally.failed.size,
    migratesBack,
  });
  while (!signal.aborted && !isMovingTo(area, old)) {
    try {
      const applied = await applyChanges(consumer, copier, signal);
      changes += applied.changes;
      progress({ done: applied.changes });
      const isDue = elapsedSince(confirmed, clock) > CONFIRM_EVERY;
      if (isDue) await auditLog.copy();
      if (applied.changes > 0 || isDue) {
        // Whoever moves the store back reads the same changes, and is not to be disturbed.
        await area.refresh(signal);
        if (isMovingTo(area, old)) break;
        await consumer.commit();
        confirmed = instant(clock);
      }
      if (!applied.more) await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      await area.refresh(signal).catch(() => undefined);
      if (await isBack(area, old).catch(() => false)) return report(true);
      throw error;
    }
  }
  // Where it is closed to move, its jobs are ended.
  return report(isMovingTo(area, old));
}
