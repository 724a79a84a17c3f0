import { isDamage } from '@securestore/core-format';
import { MissingFile } from './errors.ts';

/** So many points and names are shown of each finding. */
export const MAX_SHOWN = 20;
const MAX_FINDINGS = 1000;

/**
 * `unchanged`: every file is as it was written, which shows without keys. `complete`: besides, no file and no point is missing. `opens`:
 * besides, every version in the point that is looked at opens with the keys of the store.
 */
export type VerifyDepth = 'unchanged' | 'complete' | 'opens';

/** Something that is wrong with a backup. */
export interface BackupFinding {
  readonly kind: 'missing' | 'damaged' | 'rolled-back' | 'unreadable';
  /** The file at the destination; the name at the store's backend for what does not open. */
  readonly name: string;
  readonly message: string;
  /** The points that it affects: the first 20 of them, the newest first. */
  readonly snapshots: readonly number[];
  /** How many versions of objects it affects in the newest of them. */
  readonly versions: number;
  /** The names of objects that it affects, as far as the keys at hand tell them: the first 20. */
  readonly keys: readonly string[];
}

export interface BackupVerifyReport {
  readonly ok: boolean;
  readonly depth: VerifyDepth;
  /** The snapshots and moments that there are; with the depth `unchanged`, which can't tell, also points that only say what was removed. */
  readonly snapshots: number;
  /** Files and bytes that were read. */
  readonly files: number;
  readonly bytes: number;
  /** Versions that were opened; 0 unless the depth is `opens`. */
  readonly decrypted: number;
  readonly found: number;
  /** The first 1,000. */
  readonly findings: readonly BackupFinding[];
  /** Where only what was due was read. */
  readonly rolling?: RollingReport;
  /**
   * Whether the newest snapshot needs something of it: then the next backup of the store copies everything again. Absent if nothing was
   * found, or the backup was verified without its store.
   */
  readonly affectsNewest?: boolean;
}

/** Where checking everything a share at a time has got to. */
export interface RollingReport {
  /** Bytes that there are to be checked, sealed. */
  readonly total: number;
  /** Everything was read after this; absent if something never was. */
  readonly checkedSince?: Date;
}

/** What is told while it goes on. */
export type VerifyProgress = (progress: { phase: string; done: number; bytes: number; total?: number }) => void;

/** What of a file is needed, and by which points. */
export interface Use {
  readonly points: Set<number>;
  /** The newest of them. */
  readonly newest: number;
  /** Versions in that one. */
  versions: number;
  /** Names of objects that need it, which are found out if it is damaged. */
  keys?: Set<string>;
  /** What was noted last. */
  last?: Use;
}

/** What one point needs. @param keys the names of the objects that are concerned */
export function usedBy(number: number, ...keys: readonly string[]): Use {
  return { points: new Set([number]), newest: number, versions: 0, keys: new Set(keys) };
}

interface FindingsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: VerifyProgress | undefined;
  /** Told the name of what is wrong, each time. */
  readonly onFound?: ((name: string) => void) | undefined;
  /** Whether all of some points were removed on purpose since they were read: what only they need is missing for a reason. */
  readonly areRemoved?: ((numbers: ReadonlySet<number>) => Promise<boolean>) | undefined;
}

/** What was found, and how much was looked at. */
export class Findings {
  readonly #options: FindingsOptions;
  readonly #findings: (Omit<BackupFinding, 'keys'> & { readonly use: Use | undefined })[] = [];
  #found = 0;
  #files = 0;
  #bytes = 0;

  constructor(options: FindingsOptions) {
    this.#options = options;
  }

  add(kind: BackupFinding['kind'], name: string, message: string, use?: Use): void {
    this.#found += 1;
    this.#options.onFound?.(name);
    if (this.isFull) return;
    const snapshots = [...(use?.points ?? [])].toSorted((a, b) => b - a).slice(0, MAX_SHOWN);
    this.#findings.push({ kind, name, message, snapshots, versions: use?.versions ?? 0, use });
  }

  /** What was found damaged. */
  get uses(): ReadonlySet<Use> {
    return new Set(this.#findings.flatMap(({ use }) => (use === undefined ? [] : [use])));
  }

  /** Whether others are only counted. */
  get isFull(): boolean {
    return this.#findings.length === MAX_FINDINGS;
  }

  addUnlisted(count: number): void {
    this.#found += count;
  }

  /** Counts a file that was read. */
  count(bytes = 0): void {
    this.#files += 1;
    this.#bytes += bytes;
  }

  progress(phase: string, done: number, total?: number): void {
    this.#options.onProgress?.({ phase, done, bytes: this.#bytes, ...(total === undefined ? {} : { total }) });
  }

  /** Runs a check of a file; that it is wrong is a finding. */
  async check(name: string, use: Use | undefined, body: () => Promise<void>): Promise<void> {
    this.#options.signal?.throwIfAborted();
    try {
      await body();
    } catch (error) {
      if (!isDamage(error)) throw error;
      const isMissing = error instanceof MissingFile;
      if (isMissing && use !== undefined && (await this.#options.areRemoved?.(use.points)) === true) return;
      this.add(isMissing ? 'missing' : 'damaged', name, error.message, use);
    }
  }

  report(depth: VerifyDepth, snapshots: number, decrypted: number): BackupVerifyReport {
    return {
      ok: this.#found === 0,
      depth,
      snapshots,
      files: this.#files,
      bytes: this.#bytes,
      decrypted,
      found: this.#found,
      findings: this.#findings.map(({ use, ...finding }) => ({ ...finding, keys: [...(use?.keys ?? [])] })),
    };
  }
}
