import { SecureStoreError } from '@securestore/core-format';
import type { JobKind } from '@securestore/jobs';
import type { ObjectStore } from '@securestore/objects';
import type { DrillJobOptions, DrillReport } from './restore-types.ts';
import { drillBackup } from './drill.ts';
import { rememberDrilled } from './last-drill.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { RECEIPT_USE } from './receipt.ts';
import { rememberReceipt } from './receipts.ts';
import { signFacts } from '../repository/signed-statement.ts';

/** The work of a drill. @param store that the backup is of, to compare with */
export function drillKind(
  { area, places, store }: ManagedPorts & { readonly store: ObjectStore },
  destination: string,
  scratch: string,
  options: DrillJobOptions,
): JobKind<object, DrillReport> {
  return {
    name: 'drill',
    parse() {
      throw new SecureStoreError('INVALID_ARGUMENT', 'a drill is begun anew by starting it again');
    },
    run: ({ signal, progress }) =>
      places.opened(destination, signal, async (backup, { id }) => {
        const { facts, names } = await places.at(places.named(scratch), signal, ({ backend }) =>
          drillBackup(backup, backend, { ...options, live: store, signal, onProgress: progress }),
        );
        if (facts.ok) await rememberDrilled(area, id);
        const receipt = signFacts(area, RECEIPT_USE, facts);
        await rememberReceipt(area, id, 'drill', receipt);
        return { ...facts, names, receipt };
      }),
  };
}
