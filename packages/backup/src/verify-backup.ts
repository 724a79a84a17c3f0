import type { FileReference, IndexPage, PackedEnvelope, PackItem } from '@securestore/core-format';
import {
  asBuffer,
  BACKUP_KEYS_NAME,
  backupBlobPrefix,
  backupPartName,
  blobDigestsName,
  decodeEnvelopes,
  decodePack,
  envelopesName,
  indexPageName,
  joinRecord,
  packName,
  pointName,
  SecureStoreError,
} from '@securestore/core-format';
import { mapConcurrently } from '@securestore/objects';
import { noteAffected } from './affected-names.ts';
import { partCount, readBlobDigests, sealedPartLength } from './blobs.ts';
import { checkDigest, damagedFile, digestOf, readWhole } from './files.ts';
import { Findings, usedBy } from './findings.ts';
import type { BackupVerifyReport, Use, VerifyProgress } from './findings.ts';
import type { OpenedBackup } from './opened-backup.ts';
import type { FoundPoint } from './points.ts';
import { isOlderThan } from './older-keys.ts';

const READS = 4;
const DEPTHS = ['complete', 'opens'] as const;

export interface VerifyBackupOptions {
  /** `complete`, the default, reads every file; `opens` also opens everything in one point. */
  readonly depth?: (typeof DEPTHS)[number] | undefined;
  /** The point that is opened; the newest by default. */
  readonly snapshot?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: VerifyProgress | undefined;
}

interface PackUse extends Use {
  readonly pack: FileReference;
}

interface BlobUse extends Use {
  readonly epoch: number;
  readonly blobId: Uint8Array;
  readonly partSize: number;
  readonly sealedLength: number;
  readonly digest: Uint8Array;
}

class Verification {
  readonly #backup: OpenedBackup;
  readonly #options: VerifyBackupOptions;
  readonly #findings: Findings;
  readonly #packs = new Map<string, PackUse>();
  readonly #blobs = new Map<string, BlobUse>();
  #opened = 0;

  constructor(backup: OpenedBackup, options: VerifyBackupOptions) {
    this.#backup = backup;
    this.#options = options;
    this.#findings = new Findings(options);
  }

  async #read(name: string): Promise<Buffer> {
    const { body } = await readWhole(this.#backup.destination.backend, name, this.#options.signal);
    this.#findings.count(body.length);
    return asBuffer(body);
  }

  async run(): Promise<BackupVerifyReport> {
    const { depth = 'complete' } = this.#options;
    const points = await this.#points();
    const pages = await this.#pages(points);
    await this.#readPacks();
    await this.#readBlobs();
    if (depth === 'opens') await this.#open();
    const { copy, pages: reader } = this.#backup;
    const damaged = { uses: this.#findings.uses, packs: this.#packs, blobs: this.#blobs };
    await noteAffected(copy, reader, pages, damaged, this.#options.signal);
    // One that collects says the same of the store as the one before.
    const snapshots = points.filter(({ collects }) => !collects).length;
    return this.#findings.report(depth, snapshots, this.#opened);
  }

  /** The points that can be read. What is missing between them, and was not removed on purpose, is found. */
  async #points(): Promise<FoundPoint[]> {
    const { points, copy } = this.#backup;
    const numbers = await points.numbers(this.#options.signal);
    const found: FoundPoint[] = [];
    for (const [at, number] of numbers.entries()) {
      this.#findings.tell('reading snapshots', at, numbers.length);
      const name = pointName(number);
      const use = usedBy(number);
      await this.#findings.check(name, use, async () => {
        found.push(await points.read(number, this.#options.signal));
        this.#findings.count();
      });
    }
    const [newest] = found;
    if (newest === undefined) {
      if (numbers.length === 0) this.#findings.add('missing', 's/', 'there is no snapshot here');
      return found;
    }
    // Of numbers that are no point's, of which anybody can make any, nothing follows.
    this.#missing(newest, numbers);
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

  /** Numbers below the newest point that are neither there nor were removed. */
  #missing({ number: newest, removed }: FoundPoint, numbers: readonly number[]): void {
    const there = numbers.filter((number) => number < newest).map((number) => ({ from: number, to: number }));
    const known = [...there, ...removed, { from: 0, to: 0 }].toSorted((a, b) => b.to - a.to);
    let before = newest;
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
        const use = uses.get(name) ?? {
          page,
          points: new Set<number>(),
          newest: number,
          versions: page.count,
        };
        use.points.add(number);
        uses.set(name, use);
      }
    }
    let done = 0;
    for (const [name, use] of uses) {
      this.#findings.tell('reading the index', done++, uses.size);
      await this.#findings.check(name, use, async () => {
        for (const { pack, blob } of await pages.read(use.page, this.#options.signal)) {
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
      use = {
        ...more,
        newest: of.newest,
        points: new Set<number>(),
        versions: 0,
      } as unknown as U;
      map.set(name, use);
    }
    // What older points have is no other version.
    if (of.newest === use.newest) use.versions += 1;
    if (use.last === of) return;
    use.last = of;
    for (const number of of.points) use.points.add(number);
  }

  async #readPacks(): Promise<void> {
    let done = 0;
    const reads = mapConcurrently(this.#packs, READS, ([name, use]) => this.#readPack(name, use));
    for await (const _ of reads) this.#findings.tell('checking packs', ++done, this.#packs.size);
  }

  async #readPack(name: string, use: PackUse): Promise<void> {
    let items: readonly PackItem[] | undefined;
    await this.#findings.check(name, use, async () => {
      const body = await this.#read(name);
      checkDigest(name, body, use.pack.digest);
      items = decodePack(body);
    });
    const envelopes = envelopesName(use.pack);
    await this.#findings.check(envelopes, use, async () => {
      const found = decodeEnvelopes(await this.#read(envelopes));
      if (items !== undefined && found.length !== items.length) {
        throw new SecureStoreError('INTEGRITY', `the file ${envelopes} of the backup is of another pack`);
      }
      for (const [slot, item] of (items ?? []).entries()) this.#checkKey(item, found[slot], envelopes, use);
    });
  }

  /** Envelopes are replaced as keys are: those from before may be under one that is gone. */
  #checkKey(
    { headerBytes, commitment, body }: PackItem,
    envelope: PackedEnvelope | undefined,
    name: string,
    use: Use,
  ): void {
    if (headerBytes.length === 0) return;
    if (envelope === undefined) throw damagedFile(name, 'it has no envelope for a record');
    try {
      this.#backup.copy.checkKey(joinRecord(headerBytes, { ...envelope, commitment }, body));
    } catch (error) {
      if (!SecureStoreError.is(error, 'KEY_DESTROYED')) throw error;
      this.#findings.add(
        'rolled-back',
        name,
        `the file ${name} of the backup is older than the keys: ${error.message}`,
        use,
      );
    }
  }

  async #readBlobs(): Promise<void> {
    let done = 0;
    for (const use of this.#blobs.values()) {
      this.#findings.tell('checking payloads', done++, this.#blobs.size);
      const list = blobDigestsName(use.epoch, use.blobId);
      let digests: Buffer[] = [];
      await this.#findings.check(list, use, async () => {
        digests = await readBlobDigests(use, (name) => this.#read(name));
      });
      const parts = Array.from({ length: partCount(use) }).keys();
      const reads = mapConcurrently(parts, READS, (part) => this.#readPart(use, part, digests[part]));
      for await (const _ of reads);
    }
  }

  async #readPart(use: BlobUse, part: number, digest: Buffer | undefined): Promise<void> {
    const name = backupPartName(use.epoch, use.blobId, part);
    await this.#findings.check(name, use, async () => {
      const body = await this.#read(name);
      const isRight = digest === undefined || (await digestOf(body)).equals(digest);
      if (!isRight || body.length !== sealedPartLength(use, part)) throw damagedFile(name, 'it is not what was copied');
    });
  }

  /** Opens everything that a point has, as a store. */
  async #open(): Promise<void> {
    const { signal, snapshot } = this.#options;
    const point = await this.#backup.choose({ snapshot }, signal).catch((error: unknown) => {
      // Why is among the findings.
      if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    if (point === undefined) return;
    const whole = { ...usedBy(point.number), versions: point.totals.versions };
    await this.#findings.check(pointName(point.number), whole, async () => {
      await using store = this.#backup.copy.open(await this.#backup.view(point, signal));
      const report = await store.verify({
        payloads: true,
        ...(signal === undefined ? {} : { signal }),
        onProgress: ({ done }) =>
          this.#findings.tell('opening everything', done, point.totals.objects + point.totals.deleted),
      });
      this.#opened = report.objects + report.deleted + report.versions;
      for (const { name, key, message } of report.findings) {
        const use = { ...usedBy(point.number, ...(key === undefined ? [] : [key])), versions: 1 };
        this.#findings.add('unreadable', name, message, use);
      }
    });
  }
}

/**
 * Reads every file of a backup, and says what is wrong, and what that affects. With `opens` everything in a point is opened too, as
 * restoring it would.
 *
 * What it can't know without the store: whether the newest points were taken away, together with all that tells of them; and whether
 * `keys` is from before a change of keys that no point has seen. The next backup notices the one, and replaces the other.
 *
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`. What it finds is no error: it is in the report
 */
export async function verifyOpenedBackup(
  backup: OpenedBackup,
  options: VerifyBackupOptions = {},
): Promise<BackupVerifyReport> {
  const { depth } = options;
  if (depth !== undefined && !DEPTHS.includes(depth)) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "depth" must be one of ${DEPTHS.join(', ')}`);
  }
  return new Verification(backup, options).run();
}
