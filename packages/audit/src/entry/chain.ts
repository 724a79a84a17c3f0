import type { AuditCertificate, AuditEntry, AuditHeader, AuditLink } from '@securestore/core-format';
import {
  AUDIT_MAC_LENGTH,
  compareAuditLinks,
  encodeAuditEntry,
  encodeAuditHeader,
  ID_LENGTH,
  joinAuditHeader,
  KEY_LENGTH,
  MAX_AUDIT_LINKS,
  secretBytes,
  SecureStoreError,
} from '@securestore/core-format';
import { sealTo } from '@securestore/crypto';
import { HEADER_USE } from './certificate.ts';
import type { Signer } from './certificate.ts';
import { BatchKey, headerMac } from './keys.ts';

export interface ChainOptions {
  /** Id of the store's instance, 16 bytes. */
  readonly instanceId: Uint8Array;
  /** The auditor's X25519 public key, 32 bytes: only its owner can verify the log. */
  readonly auditor: Uint8Array;
  /** Signs with the key that {@link certificate} is of. */
  readonly sign: Signer;
  readonly certificate: AuditCertificate;
  /** How far other segments are known to go, so that it shows when they are cut or missing. The last 64 count. */
  readonly previous?: readonly AuditLink[] | undefined;
  readonly random: (length: number) => Uint8Array;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** An entry in its place in the chain. */
export interface ChainedEntry {
  readonly entry: AuditEntry;
  readonly bytes: Buffer;
  /** Counted from 0; the key changes with it. */
  readonly batch: number;
  readonly mac: Buffer;
}

/** A header in its place: before the first entry. */
export interface ChainedHeader {
  readonly header: AuditHeader;
  /** With its signature. */
  readonly bytes: Buffer;
  readonly mac: Buffer;
}

/** Each once, the last ones, as they fit. Of one segment there may be several: which of them is right shows when it is verified. */
function linksOf(previous: readonly AuditLink[]): AuditLink[] {
  const distinct = previous.filter(
    (link, at) => !previous.slice(at + 1).some((later) => compareAuditLinks(later, link) === 0),
  );
  return distinct.slice(-MAX_AUDIT_LINKS).toSorted(compareAuditLinks);
}

/**
 * The entries of one run of a process, each under a MAC over all that was before. The key is replaced after each batch, so
 * that nobody who gets hold of it can change what is in the batches before: only the auditor can compute it again.
 */
export class Chain {
  readonly header: ChainedHeader;
  readonly #key: BatchKey;
  #batch = 0;
  #count = 0;
  #mac: Buffer;
  #wiped = false;

  private constructor(header: ChainedHeader, key: BatchKey) {
    this.header = header;
    this.#key = key;
    this.#mac = header.mac;
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` for an auditor's key that is none; what `sign` throws */
  static async start({ previous = [], ...options }: ChainOptions): Promise<Chain> {
    const first = secretBytes(KEY_LENGTH);
    const random = options.random(KEY_LENGTH);
    first.set(random);
    random.fill(0);
    try {
      const header: AuditHeader = {
        segment: Buffer.from(options.random(ID_LENGTH)),
        instance: options.instanceId,
        started: options.started,
        auditor: options.auditor,
        sealedKey: await sealTo(options.auditor, first),
        previous: linksOf(previous),
        certificate: options.certificate,
      };
      const signedBytes = encodeAuditHeader(header);
      const bytes = joinAuditHeader(signedBytes, await options.sign(HEADER_USE, signedBytes));
      const key = new BatchKey(first);
      return new Chain({ header, bytes, mac: headerMac(key.key, bytes) }, key);
    } finally {
      first.fill(0);
    }
  }

  /** How far it goes, for the header of the next segment, the head of the store, and whoever wants to notice a cut. */
  get end(): AuditLink {
    return { segment: this.header.header.segment, count: this.#count, mac: this.#mac };
  }

  /**
   * Chains entries as one batch, in this order. The key that they are under is gone when this returns, before any of them has left the
   * process: what is to be written again is written as the same bytes.
   */
  append(entries: readonly Omit<AuditEntry, 'sequence'>[]): ChainedEntry[] {
    if (this.#wiped) throw new SecureStoreError('INTERNAL', 'the key of the audit segment was already wiped');
    if (entries.length === 0) return [];
    const { segment } = this.header.header;
    // In one piece: each piece of memory of its own costs half as much as a MAC.
    const macs = Buffer.allocUnsafe(entries.length * AUDIT_MAC_LENGTH);
    const chained = entries.map((given, index) => {
      const entry = { ...given, sequence: this.#count + 1 };
      const bytes = encodeAuditEntry(entry);
      const mac = macs.subarray(index * AUDIT_MAC_LENGTH, (index + 1) * AUDIT_MAC_LENGTH);
      mac.write(this.#key.entryMac(segment, entry.sequence, this.#mac, bytes), 'latin1');
      this.#count = entry.sequence;
      this.#mac = mac;
      return { entry, bytes, batch: this.#batch, mac };
    });
    this.#key.advance();
    this.#batch++;
    return chained;
  }

  /** Nothing can be chained any more. */
  wipe(): void {
    this.#wiped = true;
    this.#key.wipe();
  }
}
