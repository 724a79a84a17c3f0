import { SecureStoreError } from '@securestore/core-format';
import type { SecureStorage } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { refuse } from '../repository/errors.ts';
import type { RestoreJobReport, RestoreOptions } from './restore-types.ts';
import type { Destination } from '../repository/destination.ts';
import { momentWarnings } from '../trust/moment.ts';
import { labelBefore, restoredAfter } from '../trust/restore-label.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import { estimateOf, receiptFor } from './make-receipt.ts';
import { restoreInto } from './restore-into.ts';
import { KeptHistories } from './kept-histories.ts';
import { isWhole } from './restore-options.ts';
import { makeSnapshot } from '../snapshot/snapshot.ts';
import { attest } from '../trust/chain-attestation.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';

/**
 * The recovery point of a restore in place. If the call names none, and an earlier run was interrupted, it is the one of that run.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it is not known; what listing the snapshots throws
 */
async function choiceInPlace(
  backup: OpenedBackup,
  { head }: Pick<BackupArea, 'head'>,
  choice: RecoveryPointChoice,
  signal?: AbortSignal,
): Promise<RecoveryPointChoice> {
  if (choice.snapshot !== undefined || choice.at !== undefined || head.state === 'open') return choice;
  for await (const { label } of backup.list(signal)) {
    const restored = restoredAfter(label);
    if (restored !== undefined) return restored;
  }
  const { url } = backup.destination;
  return refuse(
    `the snapshot of the interrupted restore is not known at ${url}`,
    { id: 'choose-snapshot', destination: url },
    { id: 'give-up-restore' },
  );
}

/** How a restore writes into a store. */
export interface RestoreCall {
  readonly options: RestoreOptions;
  readonly target: SecureStorage;
  readonly signal: AbortSignal;
  readonly progress: (update: { phase: string; done?: number; bytes?: number }) => void;
  /** Called before anything is changed. */
  readonly begin: () => void;
}

/**
 * Restores objects of a point into a store, each as a new version. If the whole store is restored in place, others are kept from
 * writing meanwhile, and a snapshot is made first.
 */
export async function restoreFrom(
  area: BackupArea,
  backup: OpenedBackup,
  destination: Destination,
  { options, target, signal, progress, begin }: RestoreCall,
): Promise<RestoreJobReport> {
  // A dry run reports on the point that would be restored.
  const choice = isWhole({ ...options, dryRun: false }) ? await choiceInPlace(backup, area, options, signal) : options;
  const moment = await backup.choose(choice, signal);
  const { number: snapshot, gap } = moment;
  const { error: wrong, warnings: doubts } = await attest(backup, moment.point, signal);
  const rollback = await backup.rollback(options, signal);
  const lost = rollback === undefined ? [] : [rollback];
  const findings = [...momentWarnings(destination.url, moment, choice.at), ...doubts, ...lost];
  if (wrong !== undefined) throw wrong;
  const isBegun = area.head.state !== 'open';
  const restore = async (): Promise<RestoreJobReport> => {
    await using view = await backup.open(moment, signal);
    const begun = area.clock.now();
    const call = { ...options, signal, onProgress: progress, onBegin: begin };
    const done = await restoreInto(view, target, call, new KeptHistories(area, signal)).catch(
      async (error: unknown) => {
        // Everything is checked before anything is changed, so that other writers need not wait.
        if (isWhole(options) && !isBegun && SecureStoreError.is(error, 'CONFLICT')) await area.endRestoring(signal);
        throw error;
      },
    );
    const time = new Date(moment.time);
    const took = area.clock.now() - begun;
    const report = { ...done, snapshot, time, ...(gap && { gap }), findings, took };
    if (options.dryRun === true) return { ...report, ...(await estimateOf(area, destination, report)) };
    return { ...report, ...(await receiptFor(area, destination, options, report, begun)) };
  };
  if (!isWhole(options)) return restore();
  begin();
  // If an earlier run has begun, it has made one.
  let before: number | undefined;
  if (area.head.state === 'open') {
    progress({ phase: 'making a snapshot of what there is' });
    const { backend, url } = destination;
    before = (await makeSnapshot(area, { backend, url }, { label: labelBefore(moment), signal })).number;
  }
  progress({ phase: 'waiting for all writers to stop' });
  const done = await area.whileRestoring(restore, signal);
  return before === undefined ? done : { ...done, before };
}
