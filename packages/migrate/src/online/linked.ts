import type { RecordHeader } from '@securestore/core-format';
import { AREAS, asBuffer, isZero, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Change } from '@securestore/objects/internal';
import { isPurged } from '@securestore/objects/internal';

export const isSameId = (a: Uint8Array, b: Uint8Array): boolean => asBuffer(a).equals(b);

/** Whether a version was replaced already when it was looked at. */
export const isPast = ({ name }: Change): boolean => name.startsWith(AREAS.history);

/** Whether each version follows the one before it, the first one that which lies there, and none is a purge. */
export function areLinked(before: RecordHeader | undefined, later: readonly Change[]): boolean {
  let previous = before?.commitId;
  for (const { header } of later) {
    const follows =
      previous === undefined ? isZero(header.previousCommitId) : isSameId(previous, header.previousCommitId);
    if (!follows || isPurged(header)) return false;
    previous = header.commitId;
  }
  return true;
}

/** The header of a record, which nothing has authenticated; `undefined` where it has none. */
export function headerIn(record: Uint8Array): RecordHeader | undefined {
  try {
    return splitRecord(record).header;
  } catch (error) {
    if (SecureStoreError.is(error)) return undefined;
    throw error;
  }
}

/** Whether a record says that its object was purged. */
export function isPurge(record: Uint8Array): boolean {
  const header = headerIn(record);
  return header !== undefined && isPurged(header);
}
