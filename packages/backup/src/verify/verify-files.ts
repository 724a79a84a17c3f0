import type { PackedEnvelope, PackItem } from '@securestore/core-format';
import {
  asBuffer,
  backupPartName,
  blobDigestsName,
  decodeEnvelopes,
  decodePack,
  envelopesName,
  joinRecord,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import { release } from '@securestore/crypto';
import { readBlobDigests, sealedPartLength } from '../repository/blobs.ts';
import { damagedFile } from '../repository/errors.ts';
import { checkDigest, readWhole } from '../repository/files.ts';
import type { Findings, Use } from '../repository/findings.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { BlobUse, PackUse } from './reachable-files.ts';

/** Reads files of a backup, and checks that they are as they were written. */
export class FileChecks {
  readonly #backup: OpenedBackup;
  readonly #findings: Findings;
  readonly #signal: AbortSignal | undefined;

  constructor(backup: OpenedBackup, findings: Findings, signal: AbortSignal | undefined) {
    this.#backup = backup;
    this.#findings = findings;
    this.#signal = signal;
  }

  async #read(name: string): Promise<Buffer> {
    const body = asBuffer(await readWhole(this.#backup.destination.backend, name, this.#signal));
    this.#findings.count(body.length);
    return body;
  }

  /** Reads a pack and its envelopes. */
  async pack(name: string, use: PackUse): Promise<void> {
    let items: readonly PackItem[] | undefined;
    let bytes: Uint8Array | undefined;
    await this.#findings.check(name, use, async () => {
      bytes = await this.#read(name);
      checkDigest(name, bytes, use.pack.digest);
      items = decodePack(bytes);
    });
    const envelopes = envelopesName(use.pack);
    await this.#findings.check(envelopes, use, async () => {
      const found = decodeEnvelopes(await this.#read(envelopes));
      if (items !== undefined && found.length !== items.length) {
        throw damagedFile(envelopes, 'it belongs to another pack');
      }
      for (const [slot, item] of (items ?? []).entries()) this.#checkKey(item, found[slot], envelopes, use);
    });
    if (bytes !== undefined) release(bytes);
  }

  /** A rotation replaces envelopes: older ones may need a key that is destroyed. */
  #checkKey(
    { headerBytes, commitment, body }: PackItem,
    envelope: PackedEnvelope | undefined,
    name: string,
    use: Use,
  ): void {
    if (headerBytes.length === 0) return;
    if (envelope === undefined) throw damagedFile(name, 'a record has no envelope');
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

  /** Reads the list of the digests of all parts of a payload. @returns none if it is damaged or missing */
  async digests(use: BlobUse): Promise<readonly Buffer[]> {
    let digests: readonly Buffer[] = [];
    await this.#findings.check(blobDigestsName(use.epoch, use.blobId), use, async () => {
      digests = await readBlobDigests(use, (name) => this.#read(name));
    });
    return digests;
  }

  /** Reads a part of a payload. @param digest of it; without it only its length is looked at */
  async part(use: BlobUse, part: number, digest: Buffer | undefined): Promise<void> {
    const name = backupPartName(use.epoch, use.blobId, part);
    await this.#findings.check(name, use, async () => {
      const body = await this.#read(name);
      const { length } = body;
      const isRight = digest === undefined || sha256(body).equals(digest);
      release(body);
      if (!isRight || length !== sealedPartLength(use, part))
        throw damagedFile(name, 'its contents are not those that were copied');
    });
  }
}
