import type { StorageBackend } from '@securestore/backend-api';
import {
  asBuffer,
  BACKUP_AREAS,
  BACKUP_KEYS_NAME,
  backupPartName,
  decodeBackupKeys,
  decodeBlobDigests,
  decodeEnvelopes,
  decodePack,
  envelopesName,
  parseBackupBlobName,
  parseFileName,
  pointNumber,
  sha256,
  splitChecksum,
} from '@securestore/core-format';
import { release } from '@securestore/crypto';
import { entriesUnder, mapConcurrently } from '@securestore/objects/internal';
import { isBackup } from '../repository/destination.ts';
import { damagedFile, MissingFile, noBackup } from '../repository/errors.ts';
import { checkDigest } from '../repository/files.ts';
import type { BackupVerifyReport, VerifyProgress } from '../repository/findings.ts';
import { Findings } from '../repository/findings.ts';
import type { Connected } from '../trust/destinations.ts';

const READS = 4;

export interface ScrubOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: VerifyProgress | undefined;
}

class Scrub {
  readonly #backend: StorageBackend;
  readonly #options: ScrubOptions;
  readonly #findings: Findings;
  #points = 0;

  constructor(backend: StorageBackend, options: ScrubOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#findings = new Findings(options);
  }

  async run(): Promise<BackupVerifyReport> {
    await this.#file(BACKUP_KEYS_NAME, BACKUP_KEYS_NAME, decodeBackupKeys);
    await this.#area('checking snapshots', BACKUP_AREAS.points, async (name) => this.#point(name));
    await this.#area('checking the index', BACKUP_AREAS.pages, async (name) => this.#named(name));
    await this.#area('checking packs', BACKUP_AREAS.packs, async (name) => this.#pack(name));
    await this.#area('checking payloads', BACKUP_AREAS.blobs, async (name) => this.#payload(name));
    if (this.#points === 0) this.#findings.add('missing', BACKUP_AREAS.points, 'no snapshot exists');
    return this.#findings.report('unchanged', this.#points, 0);
  }

  async #area(phase: string, prefix: string, check: (name: string) => Promise<void>): Promise<void> {
    const { signal } = this.#options;
    let [done, total] = [0, 0];
    // Names are listed much faster than files are read.
    for await (const _ of entriesUnder(this.#backend, prefix, { signal })) total += 1;
    const names = entriesUnder(this.#backend, prefix, { signal });
    for await (const _ of mapConcurrently(names, READS, ({ key }) => check(key)))
      this.#findings.progress(phase, ++done, total);
  }

  /**
   * Reads a file and checks that it is as it was written.
   *
   * @param owner the file as long as which it must exist: a listed file may have been removed since
   */
  async #file(name: string, owner: string | undefined, check: (body: Buffer) => unknown): Promise<void> {
    const { signal } = this.#options;
    await this.#findings.check(name, undefined, async () => {
      const found = await this.#backend.read(name, { etag: false, signal });
      if (found !== undefined) {
        this.#findings.count(found.body.length);
        try {
          check(asBuffer(found.body));
        } finally {
          release(found.body);
        }
      } else if (owner !== undefined && (owner === name || (await this.#isThere(owner)))) {
        throw new MissingFile(name);
      }
    });
  }

  async #isThere(name: string): Promise<boolean> {
    const found = await this.#backend.read(name, { start: 0, end: 1, signal: this.#options.signal });
    return found !== undefined;
  }

  #stranger(name: string): void {
    this.#findings.add('damaged', name, damagedFile(name, 'no backup writes a file of this name').message);
  }

  async #point(name: string): Promise<void> {
    if (pointNumber(name) === undefined) return this.#stranger(name);
    this.#points += 1;
    await this.#file(name, undefined, (body) => splitChecksum(`the file ${name} of the backup`, body));
  }

  /** A file that is named by its digest. */
  async #named(name: string, more?: (body: Buffer) => void): Promise<void> {
    const file = parseFileName(name);
    if (file === undefined) return this.#stranger(name);
    const check = (body: Buffer): void => {
      checkDigest(name, body, file.digest);
      more?.(body);
    };
    await this.#file(name, undefined, check);
  }

  async #pack(name: string): Promise<void> {
    let items: number | undefined;
    await this.#named(name, (body) => {
      items = decodePack(body).length;
    });
    const pack = parseFileName(name);
    if (pack === undefined) return;
    const envelopes = envelopesName(pack);
    const check = (body: Buffer): void => {
      const count = decodeEnvelopes(body).length;
      if (items !== undefined && count !== items) throw damagedFile(envelopes, 'it belongs to another pack');
    };
    // Envelopes are written before their pack, and removed after it.
    await this.#file(envelopes, name, check);
  }

  /** Parts are checked by the list of their digests, which is written last and removed first: without it they belong to no payload. */
  async #payload(name: string): Promise<void> {
    const parsed = parseBackupBlobName(name);
    if (parsed === undefined) return this.#stranger(name);
    if (parsed.part !== 'digests') return;
    const { epoch, blobId } = parsed;
    let digests: readonly Buffer[] = [];
    await this.#file(name, undefined, (body) => {
      digests = decodeBlobDigests(body, blobId);
    });
    for (const [part, digest] of digests.entries()) {
      const partName = backupPartName(epoch, blobId, part);
      await this.#file(partName, name, (body) => {
        if (!sha256(body).equals(digest)) throw damagedFile(partName, 'its contents are not those that were copied');
      });
    }
  }
}

/**
 * Reads every file at a destination and checks that it is as it was written. That takes no encryption key, so that the operator of the
 * files can do it. It detects accidental changes, and missing files that belong to others. It does not detect changes by an attacker, or a
 * snapshot that is missing with all its files: `complete` does.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is no backup; what the backend throws
 */
export async function scrubBackup(
  { backend, url }: Pick<Connected, 'backend' | 'url'>,
  options: ScrubOptions = {},
): Promise<BackupVerifyReport> {
  if (!(await isBackup(backend, options.signal))) throw noBackup(url);
  return new Scrub(backend, options).run();
}
