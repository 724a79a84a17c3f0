import type { CheckpointEntry, RecordHeader } from '@securestore/core-format';
import { CHECKPOINT_COMMIT_LENGTH, isZero } from '@securestore/core-format';
import type { Inspection } from '../record/inspect-record.ts';
import { isPurged } from '../record/open-record.ts';

/** How what lies at a name contradicts what a checkpoint says of it, or itself. */
export type Contradiction = 'damaged' | 'hidden' | 'rolled-back' | 'resurrected' | 'replaced' | 'unlisted';

function isCommit({ commitId }: RecordHeader, { commit }: CheckpointEntry): boolean {
  return Buffer.compare(commitId.subarray(0, CHECKPOINT_COMMIT_LENGTH), commit) === 0;
}

/**
 * Holds what lies at a name against what a checkpoint says of it.
 *
 * @param entry `undefined` if the checkpoint doesn't know the name
 * @param floor of the checkpoint; `undefined` if it says nothing of the names that it doesn't know
 */
export function compare(
  entry: CheckpointEntry | undefined,
  observed: Inspection,
  floor: number | undefined,
): Contradiction | undefined {
  if (observed.state === 'damaged') return 'damaged';
  if (observed.state === 'absent') return entry?.kind === 'object' ? 'hidden' : undefined;
  const { header, digest } = observed;
  if (entry === undefined) {
    // What can't be opened any more is in no checkpoint that was made since, and of no use to whoever brings it back.
    if (observed.state === 'destroyed' && !observed.undoable) return undefined;
    // A deletion of what nobody knows of hides nothing.
    const isOlder = floor !== undefined && header.generation < floor && header.kind === 'object';
    return isOlder ? 'unlisted' : undefined;
  }
  if (header.version > entry.version) return undefined;
  if (header.version === entry.version) {
    // Whoever was late has sealed it anew under a head that is no older than the checkpoint.
    const isRecommitted = floor !== undefined && header.generation >= floor && isCommit(header, entry);
    // Sealed anew by a rotation it has another digest. Nobody without keys makes another record of this commit.
    const isSame = isZero(entry.digest) ? isCommit(header, entry) : digest.equals(entry.digest);
    return isSame || isRecommitted ? undefined : 'replaced';
  }
  return entry.kind !== 'object' && header.kind === 'object' ? 'resurrected' : 'rolled-back';
}

function entryOf(token: string, header: RecordHeader, digest: Buffer): CheckpointEntry {
  const kind = header.kind === 'object' ? 'object' : isPurged(header) ? 'purged' : 'tombstone';
  return {
    token,
    kind,
    version: header.version,
    commit: Buffer.from(header.commitId.subarray(0, CHECKPOINT_COMMIT_LENGTH)),
    digest,
  };
}

/**
 * What the next checkpoint says of a name. It never takes back what the one before says: whoever put an older version
 * in its place is found out afterwards, too.
 *
 * @returns `undefined` if it says nothing
 */
export function nextEntry(
  token: string,
  before: CheckpointEntry | undefined,
  observed: Inspection,
  contradiction: Contradiction | undefined,
): CheckpointEntry | undefined {
  if (contradiction !== undefined) return before;
  if (observed.state === 'absent') return undefined;
  // Without its keys nothing says that it is genuine. It is remembered if they may come back: by its digest, which tells then.
  if (
    observed.state === 'damaged' ||
    (observed.state === 'destroyed' && (before !== undefined || !observed.undoable))
  ) {
    return before;
  }
  return entryOf(token, observed.header, observed.digest);
}
