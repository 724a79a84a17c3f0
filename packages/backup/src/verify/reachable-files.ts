import type { FileReference, IndexPage } from '@securestore/core-format';
import {
  BACKUP_KEYS_NAME,
  backupBlobPrefix,
  indexPageName,
  isDamage,
  packName,
  pointName,
} from '@securestore/core-format';
import { noteAffected } from '../repository/affected-objects.ts';
import { damagedFile } from '../repository/files.ts';
import { usedBy } from '../repository/findings.ts';
import type { BackupVerifyReport, Findings, Use, VerifyDepth } from '../repository/findings.ts';
import { isOlderThan } from '../trust/stale-keys.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import { isAfter } from '../trust/chain-tip.ts';

/** A pack that points need, and the envelopes beside it. */
export interface PackUse extends Use {
  readonly pack: FileReference;
}

/** A payload that points need. */
export interface BlobUse extends Use {
  readonly epoch: number;
  readonly blobId: Uint8Array;
  readonly partSize: number;
  readonly sealedLength: number;
  readonly digest: Uint8Array;
}

/** The points of a destination that can be read, and the files that these need. */
export interface NeededFiles {
  /** The newest first. */
  readonly points: readonly FoundPoint[];
  /** Those of the newest point first. */
  readonly pages: readonly IndexPage[];
  /** By their names. */
  readonly packs: ReadonlyMap<string, PackUse>;
  /** By what the names of their parts start with. */
  readonly blobs: ReadonlyMap<string, BlobUse>;
}

class NeededFinder {
  readonly #backup: OpenedBackup;
  readonly #signal: AbortSignal | undefined;
  readonly #findings: Findings;
  readonly #packs = new Map<string, PackUse>();
  readonly #blobs = new Map<string, BlobUse>();

  constructor(backup: OpenedBackup, findings: Findings, signal: AbortSignal | undefined) {
    this.#backup = backup;
    this.#findings = findings;
    this.#signal = signal;
  }

  async run(): Promise<NeededFiles> {
    const points = await this.#points();
    const pages = await this.#pages(points);
    return { points, pages, packs: this.#packs, blobs: this.#blobs };
  }

  /** The points that can be read. What is missing between them, and was not removed on purpose, is found. */
  async #points(): Promise<FoundPoint[]> {
    const { points, copy } = this.#backup;
    const numbers = await points.numbers(this.#signal, (name) =>
      this.#findings.add('damaged', name, damagedFile(name, 'no backup makes such a name').message),
    );
    const found: FoundPoint[] = [];
    for (const [at, number] of numbers.entries()) {
      this.#findings.tell('reading snapshots', at, numbers.length);
      const name = pointName(number);
      const use = usedBy(number);
      await this.#findings.check(name, use, async () => {
        found.push(await points.read(number, this.#signal));
        this.#findings.count();
      });
    }
    const [newest] = found;
    if (newest === undefined) {
      if (numbers.length === 0) this.#findings.add('missing', 's/', 'there is no snapshot here');
      return found;
    }
    // Of numbers that are no point's, of which anybody can make any, nothing follows.
    const own = found.filter((point) => !this.#backup.isForeign(point));
    this.#missing(own, numbers);
    for (const [at, point] of found.entries()) {
      const before = found[at + 1];
      if (before?.number !== point.number - 1 || before.digest.equals(point.previous)) continue;
      const use = usedBy(before.number);
      this.#findings.add(
        'damaged',
        pointName(before.number),
        `another point lies there than the one that ${point.number} follows`,
        use,
      );
    }
    this.#strange(found);
    const { generation } = copy.head;
    if (isOlderThan(copy.head, newest)) {
      const use = {
        points: new Set(found.map(({ number }) => number)),
        newest: newest.number,
        versions: newest.totals.versions,
      };
      const message = `the object "keys" is of generation ${generation} of the store, older than the newest snapshot (${newest.generation})`;
      this.#findings.add('rolled-back', BACKUP_KEYS_NAME, message, use);
    }
    return found;
  }

  /** Points that somebody else may have made, and what has to be there since the keys were replaced last. */
  #strange(found: readonly FoundPoint[]): void {
    for (const point of found) {
      if (!this.#backup.isForeign(point)) continue;
      const message = `snapshot ${point.number} was made with a key that was retired, or is another snapshot than was there when it was`;
      this.#findings.add('rolled-back', pointName(point.number), message, usedBy(point.number));
    }
    const gone = this.#backup.missesNewest(found[0]?.number ?? 0);
    if (gone !== undefined) this.#findings.add('rolled-back', 's/', gone);
  }

  /** Numbers below the newest point that are neither there nor were removed, nor passed over when the next one was made. */
  #missing(own: readonly FoundPoint[], numbers: readonly number[]): void {
    const [newest] = own;
    if (newest === undefined) return;
    const there = numbers.filter((number) => number < newest.number).map((number) => ({ from: number, to: number }));
    const between = own.flatMap((point, at) => {
      const before = own[at + 1];
      return before !== undefined && isAfter(point, before) ? [{ from: before.number, to: point.number - 1 }] : [];
    });
    const known = [...there, ...between, ...newest.removed, { from: 0, to: 0 }].toSorted((a, b) => b.to - a.to);
    let before = newest.number;
    for (const { from, to } of known) {
      for (let number = before - 1; number > to; number--) {
        if (this.#findings.isFull) {
          this.#findings.addUnlisted(number - to);
          break;
        }
        const message = `the snapshot ${number} is missing, and was not removed by a retention`;
        this.#findings.add('missing', pointName(number), message, usedBy(number));
      }
      before = Math.min(before, from);
    }
  }

  /** @returns the pages of all points, those of the newest first */
  async #pages(points: readonly FoundPoint[]): Promise<IndexPage[]> {
    const { pages } = this.#backup;
    const uses = new Map<string, Use & { readonly page: IndexPage }>();
    for (const { number, pages: own, others } of points) {
      for (const page of [...own, ...others]) {
        const name = indexPageName(page);
        const use = uses.get(name) ?? { page, points: new Set<number>(), newest: number, versions: page.count };
        use.points.add(number);
        uses.set(name, use);
      }
    }
    let done = 0;
    for (const [name, use] of uses) {
      this.#findings.tell('reading the index', done++, uses.size);
      await this.#findings.check(name, use, async () => {
        for (const { pack, blob } of await pages.read(use.page, this.#signal)) {
          this.#use(this.#packs, packName(pack), use, { pack });
          if (blob !== undefined) this.#use(this.#blobs, backupBlobPrefix(blob.epoch, blob.blobId), use, blob);
        }
        this.#findings.count();
      });
    }
    return [...uses.values()].map(({ page }) => page);
  }

  #use<U extends Use>(map: Map<string, U>, name: string, of: Use, more: Omit<U, keyof Use>): void {
    let use = map.get(name);
    if (use === undefined) {
      // Pages come from the newest point to the oldest.
      use = { ...more, newest: of.newest, points: new Set<number>(), versions: 0 } as unknown as U;
      map.set(name, use);
    }
    // What older points have is no other version.
    if (of.newest === use.newest) use.versions += 1;
    if (use.last === of) return;
    use.last = of;
    for (const number of of.points) use.points.add(number);
  }
}

/**
 * Reads the points and the index of a backup, which say what else there has to be. What of them is wrong or missing is found.
 *
 * @throws SecureStoreError what keeps it from looking
 */
export async function findNeeded(backup: OpenedBackup, findings: Findings, signal?: AbortSignal): Promise<NeededFiles> {
  return new NeededFinder(backup, findings, signal).run();
}

/** What was found, and the names of the objects that it concerns. @throws SecureStoreError what the backend throws */
export async function reportOf(
  { copy, pages: reader }: OpenedBackup,
  findings: Findings,
  { points, pages, packs, blobs }: NeededFiles,
  { depth, opened }: { readonly depth: VerifyDepth; readonly opened: number },
  signal: AbortSignal | undefined,
): Promise<BackupVerifyReport> {
  await noteAffected(copy, reader, pages, { uses: findings.uses, packs, blobs }, signal);
  // One that collects says the same of the store as the one before.
  const snapshots = points.filter(({ collects }) => !collects).length;
  return findings.report(depth, snapshots, opened);
}

/** Tells whether all of some points were removed on purpose, as the newest point that there is now says. */
export function removalsOf(
  { points }: OpenedBackup,
  signal: AbortSignal | undefined,
): (numbers: ReadonlySet<number>) => Promise<boolean> {
  return async (numbers) => {
    const removed = await points.removed(signal).catch((error: unknown) => {
      // That one is damaged is among the findings; what it says nobody knows.
      if (isDamage(error)) return [];
      throw error;
    });
    return [...numbers].every((number) => includesNumber(removed, number));
  };
}
