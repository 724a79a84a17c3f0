import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import type { OpenedBackup, PointChoice } from './opened-backup.ts';

const LABEL = /^before a restore of snapshot (\d+)$/;

/** What a snapshot is called that is made before a store is restored in place. */
export const labelBefore = (snapshot: number): string => `before a restore of snapshot ${snapshot}`;

/** Whether a label is one by which a restore finds what an earlier one was of: nobody else may choose that. */
export const isOfRestore = (label: string): boolean => LABEL.test(label);

/**
 * Which point a restore in place is of. Where an earlier run was interrupted and the call doesn't say, it is the one which that was
 * of: the newest is of what was there before.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it can't be told; as `OpenedBackup.choose`
 */
export async function choiceInPlace(
  backup: OpenedBackup,
  { head }: Pick<BackupArea, 'head'>,
  choice: PointChoice,
  signal?: AbortSignal,
): Promise<PointChoice> {
  if (choice.snapshot !== undefined || choice.at !== undefined) return choice;
  const isBegun = head.state !== 'open';
  for await (const { number, label } of backup.list(signal)) {
    const [, of] = LABEL.exec(label) ?? [];
    if (of !== undefined && (isBegun || (await isOfNow(backup, number, head, signal)))) return { snapshot: Number(of) };
    // What is shipped meanwhile comes after it.
    if (!isBegun) return choice;
  }
  if (!isBegun) return choice;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'a restore of the whole store was begun and did not end, and from here it can not be told of which snapshot: give its number',
  );
}

/** Whether nothing was begun after it: that would have changed the head. */
async function isOfNow(
  backup: OpenedBackup,
  number: number,
  { generation }: BackupArea['head'],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await backup.points.read(number, signal)).generation === generation;
}
