import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { PointChoice } from '../repository/point-choice.ts';
import { restoredAfter } from '../trust/restore-label.ts';

/**
 * Which point a restore in place is of. If an earlier run was interrupted and the call doesn't say, it is the one that the earlier run was of.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it can't be told; what listing the snapshots throws
 */
export async function choiceInPlace(
  backup: OpenedBackup,
  { head }: Pick<BackupArea, 'head'>,
  choice: PointChoice,
  signal?: AbortSignal,
): Promise<PointChoice> {
  if (choice.snapshot !== undefined || choice.at !== undefined || head.state === 'open') return choice;
  for await (const { label } of backup.list(signal)) {
    const restored = restoredAfter(label);
    if (restored !== undefined) return restored;
  }
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'a restore of the whole store was begun and did not end, and from here it can not be told of which snapshot: give its number',
  );
}
