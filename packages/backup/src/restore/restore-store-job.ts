import { assertStorable } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobKind } from '@securestore/jobs';
import type { RestoreStoreJobOptions, RestoreStoreJobReport } from './restore-types.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { receiptForStore } from './restore-record.ts';
import { restoreStoreTo } from './restore-store.ts';

const OPTIONS: ReadonlySet<string> = new Set(['at', 'snapshot', 'prefix', 'partial', 'by']);

/** Starts the job that makes a new store of a point. */
export function startRestoreStore(
  { area, places }: ManagedPorts,
  source: string,
  to: string,
  options: RestoreStoreJobOptions,
): Job<RestoreStoreJobReport> {
  const location = places.named(to);
  const kind: JobKind<object, RestoreStoreJobReport> = {
    name: 'restore-store',
    parse() {
      throw new SecureStoreError('INVALID_ARGUMENT', 'this is gone on with by starting it again');
    },
    run: ({ signal, progress }) =>
      places.opened(source, signal, (backup, found) =>
        places.at(location, signal, async ({ backend }) => {
          assertStorable(backend.capabilities, backend.name);
          const begun = area.clock.now();
          const phase = 'restoring';
          let [done, bytes] = [0, 0];
          const onProgress = (now: { done: number; bytes: number; total: number }): void => {
            progress({ phase, total: now.total, done: now.done - done, bytes: now.bytes - bytes });
            [done, bytes] = [now.done, now.bytes];
          };
          progress({ phase });
          const { at, snapshot, prefix, partial } = options;
          const report = await restoreStoreTo(backup, backend, { at, snapshot, prefix, partial, signal, onProgress });
          const took = area.clock.now() - begun;
          return { ...report, took, ...(await receiptForStore(area, found, location, options, report, took)) };
        }),
      ),
  };
  return area.runJob('backups.restoreStore', options, OPTIONS, { kind, parameters: {} });
}
