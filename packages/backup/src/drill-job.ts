import { SecureStoreError } from '@securestore/core-format';
import type { JobKind } from '@securestore/jobs';
import type { BackupArea, ObjectStore } from '@securestore/objects';
import type { DrillJobOptions, DrillReport } from './backup-types.ts';
import { drillBackup } from './drill.ts';
import { rememberDrilled } from './drilled.ts';
import type { ManagedPorts } from './managed.ts';
import type { DrillFacts, DrillReceipt } from './receipt.ts';
import { RECEIPT_USE } from './receipt.ts';

function signed(area: BackupArea, facts: DrillFacts): DrillReceipt {
  const text = JSON.stringify(facts);
  const signature = area.sign(RECEIPT_USE, Buffer.from(text)).toString('base64url');
  return { facts: text, identity: Buffer.from(area.head.identity).toString('base64url'), signature };
}

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
        const facts = await places.at(places.named(scratch), signal, ({ backend }) =>
          drillBackup(backup, backend, { ...options, live: store, signal, onProgress: progress }),
        );
        if (facts.ok) await rememberDrilled(area, id);
        return { ...facts, receipt: signed(area, facts) };
      }),
  };
}
