/**
 * What is wrong with one object:
 * - `damaged`: its record, or one of its history, is not what was stored there
 * - `rolled-back`: an older version is stored there than the checkpoint says
 * - `hidden`: it isn't there, though it was not deleted
 * - `resurrected`: it is there again, though it was deleted or purged; or a version from before a purge is
 * - `replaced`: another record is stored there under the version that the checkpoint says
 * - `unlisted`: the checkpoint doesn't know it, though it is older than the checkpoint: it was brought back from before, or
 *   it is a write that landed late and was never acknowledged
 * - `history`: versions between others are missing
 * - `payload`: parts of a large object are missing, have the wrong length, or are not what was stored
 */
export type FindingKind =
  | 'damaged'
  | 'rolled-back'
  | 'hidden'
  | 'resurrected'
  | 'replaced'
  | 'unlisted'
  | 'history'
  | 'payload';

/** Something that is not as it should be. */
export interface Finding {
  readonly kind: FindingKind;
  /** The name of the object, if it can be told. */
  readonly key?: string;
  /** The name at the backend that it is about. */
  readonly name: string;
  /** The version that should be there, or a newer one. */
  readonly expected?: string;
  /** The version that is there. */
  readonly found?: string;
  readonly message: string;
}

/**
 * Something at a name of the store's own (jobs, journal, markers, checkpoints) that nobody who has the keys has written as
 * it is: junk that an attacker put there, damage, or a late write under a key that has been retired since. No object depends
 * on it, and a collection removes it once it is old.
 */
export interface ForeignObject {
  readonly name: string;
  readonly message: string;
}

/** How far a verification is. */
export interface VerifyProgress {
  /** Objects done, deleted ones too. */
  readonly done: number;
  /** How many there were when the last checkpoint was made, if one was; absent once `done` is past it. */
  readonly total?: number;
  /** Bytes of payloads read. */
  readonly bytes: number;
}

/** What a pass over a store has looked at. */
export interface PassCounts {
  /** Objects, also those that are damaged or missing. */
  readonly objects: number;
  /** Deletions that are remembered. */
  readonly deleted: number;
  /** Older versions. */
  readonly versions: number;
  /** Payloads outside of records, and how many parts they have. */
  readonly blobs: number;
  readonly parts: number;
  /** Bytes of payloads that were read; 0 unless `payloads` was asked for. */
  readonly bytes: number;
  /** Records whose keys have been destroyed: they can't be read, and nothing says whether they are intact. */
  readonly unreadable: number;
}

/** What `verify` looked at, and what it found. */
export interface VerifyReport extends PassCounts {
  /** Whether nothing was found. */
  readonly ok: boolean;
  /**
   * The checkpoint that the store was held against. Without one, only damage shows: not that an object is older than it
   * was, nor that it is gone.
   */
  readonly baseline?: {
    readonly time: Date;
    /** Objects and deletions that it knows. */
    readonly entries: number;
  };
  /**
   * Whether the head was compared with what is remembered outside the store. Without an anchor, a consistent older copy
   * of the whole store can't be told from the present one.
   */
  readonly anchored: boolean;
  /** What is in no object's way, up to 1,000 of it: it makes the report no less `ok`. */
  readonly foreign: readonly ForeignObject[];
  /** How much was found, and the first 1,000 of it. */
  readonly found: number;
  readonly findings: readonly Finding[];
}

const MAX_LISTED = 1000;

/** Collects a report. */
export class ReportBuilder {
  objects = 0;
  deleted = 0;
  versions = 0;
  blobs = 0;
  parts = 0;
  bytes = 0;
  unreadable = 0;
  /** How much was found in all. */
  found = 0;
  /** The first 1,000. */
  readonly findings: Finding[] = [];
  readonly foreign: ForeignObject[] = [];

  get counts(): PassCounts {
    const { objects, deleted, versions, blobs, parts, bytes, unreadable } = this;
    return { objects, deleted, versions, blobs, parts, bytes, unreadable };
  }

  add(findings: readonly Finding[]): void {
    this.found += findings.length;
    this.findings.push(...findings.slice(0, MAX_LISTED - this.findings.length));
  }

  /** Adds a name in the areas of objects that no store makes. */
  addForeign(name: string): void {
    this.add([{ kind: 'damaged', name, message: 'an area of objects holds an invalid name' }]);
  }

  addForeignObject(stray: ForeignObject): void {
    if (this.foreign.length < MAX_LISTED) this.foreign.push(stray);
  }

  finish(rest: Pick<VerifyReport, 'anchored' | 'baseline'>): VerifyReport {
    const { counts, findings, found, foreign } = this;
    return { ok: found === 0, ...counts, ...rest, foreign, found, findings };
  }
}
