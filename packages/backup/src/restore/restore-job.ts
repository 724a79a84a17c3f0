import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobKind } from '@securestore/jobs';
import type { ObjectStore, SecureStorage } from '@securestore/objects';
import type { RestoreJobReport, RestoreOptions } from './restore-types.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { isWhole, restoreFrom } from './restore-from.ts';
import { checkRestoreInto } from './restore-into.ts';

const RESTORE_OPTIONS: ReadonlySet<string> = new Set([
  'at',
  'snapshot',
  'prefix',
  'keys',
  'into',
  'conflict',
  'deleteExtra',
  'dryRun',
  'onObject',
  'onChange',
  'verify',
  'by',
]);

/** What a store is restored with. */
export interface RestorePorts extends ManagedPorts {
  readonly store: ObjectStore;
}

/** Starts the job of a restore into the store. @param target what is written through */
export function startRestore(
  { area, places }: ManagedPorts,
  source: string,
  options: RestoreOptions,
  target: SecureStorage,
): Job<RestoreJobReport> {
  checkRestoreInto(options);
  // Who restores a part, or only looks, must not write where somebody else restores the whole.
  const release = isWhole(options) ? area.goOnRestoring() : undefined;
  const kind: JobKind<object, RestoreJobReport> = {
    name: 'restore',
    parse() {
      const message = 'a restore is gone on with by starting it again: it passes over what is done';
      throw new SecureStoreError('INVALID_ARGUMENT', message);
    },
    run: ({ signal, progress }) =>
      places.opened(source, signal, (backup, place) =>
        restoreFrom(area, backup, place, { options, target, signal, progress }),
      ),
  };
  const job = area.runJob('restore', options, RESTORE_OPTIONS, { kind, parameters: {} });
  if (release !== undefined) void Promise.resolve(job).then(release, release);
  return job;
}

/** Opens the store to writers again where a restore in place was given up. @throws SecureStoreError `LOCKED` while one is under way */
export async function endRestore({ area, store }: RestorePorts, signal: AbortSignal | undefined): Promise<void> {
  const jobs = await store.jobs.list({ signal });
  if (jobs.some(({ id, state }) => id === 'restore' && (state === 'running' || state === 'cancelling'))) {
    throw new SecureStoreError(
      'LOCKED',
      'a restore is under way: cancel its job first, or wait until it has ended; where its process was killed, for a minute',
      { retryable: true },
    );
  }
  await area.endRestoring(signal);
}
