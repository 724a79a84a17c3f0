import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import type { FoundMoment } from './moment.ts';
import type { OpenedBackup } from './opened-backup.ts';
import type { PointChoice } from './point-choice.ts';

const LABEL = /^before a restore of (?:snapshot (\d+)|(\d\S+Z))$/;

/** What a snapshot is called that is made before a store is restored in place. */
export function labelBefore({ number, until }: Pick<FoundMoment, 'number' | 'until'>): string {
  return `before a restore of ${until === undefined ? `snapshot ${number}` : new Date(until).toISOString()}`;
}

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
    const of = choiceIn(label);
    if (of !== undefined && (isBegun || (await isOfNow(backup, number, head, signal)))) return of;
    // What is shipped meanwhile comes after it.
    if (!isBegun) return choice;
  }
  if (!isBegun) return choice;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'a restore of the whole store was begun and did not end, and from here it can not be told of which snapshot: give its number',
  );
}

/** What a restore was of, by the label of the snapshot that it made before. */
function choiceIn(label: string): PointChoice | undefined {
  const [, snapshot, at] = LABEL.exec(label) ?? [];
  if (snapshot !== undefined) return { snapshot: Number(snapshot) };
  const moment = new Date(at ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? undefined : { at: moment };
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
