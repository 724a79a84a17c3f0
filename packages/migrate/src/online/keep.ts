import type { StorageBackend } from '@securestore/backend-api';
import type { JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { MigrationArea } from '@securestore/objects';
import { copyAuditLog } from './audit-log.ts';
import { applyChanges } from './changes.ts';
import { Copier } from './copier.ts';
import { consumerLabel } from './migration-run.ts';

/** How often changes are looked for, in milliseconds. */
const LOOK_EVERY = 250;
/** How often it is confirmed that somebody looks, and the audit log is copied, in milliseconds. */
const CONFIRM_EVERY = 60_000;

/** What keeping the old side in line did. */
export interface KeptReport {
  readonly changes: number;
  readonly failures: number;
}

/**
 * Brings what changes in a store that has moved to where it was, so that moving back takes a moment; until the signal aborts.
 *
 * @param area of the store where it is now
 * @param old where it was
 * @param instance that it had there
 * @throws SecureStoreError what keeps it from going on; the reason of the signal
 */
export async function keepOldSide(
  area: MigrationArea,
  old: StorageBackend,
  instance: Uint8Array,
  { signal, clock, progress }: Pick<JobContext<unknown>, 'signal' | 'clock' | 'progress'>,
): Promise<KeptReport> {
  progress({ phase: 'keeping the old side' });
  const consumer = await area.open(consumerLabel(instance), () => undefined, signal);
  const copier = new Copier({
    area,
    target: old,
    signal,
    onCopied: (bytes) => progress({ bytes }),
  });
  copier.trust = 'nothing';
  copier.isWayBack = true;
  let changes = 0;
  let confirmed = instant(clock);
  while (!signal.aborted) {
    const applied = await applyChanges(consumer, copier, signal);
    changes += applied.changes;
    progress({ done: applied.changes });
    const isDue = elapsedSince(confirmed, clock) > CONFIRM_EVERY;
    if (isDue) await copyAuditLog(area, old, signal);
    if (applied.changes > 0 || isDue) {
      await consumer.commit();
      confirmed = instant(clock);
    }
    if (!applied.more) await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
  }
  return { changes, failures: copier.failed.size };
}
