import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { ID_LENGTH, KEY_LENGTH, SIGNATURE_LENGTH } from '../record/record.ts';

const MAGIC = 'SSAU';
const VERSION = 1;
const PUBLIC_KEY_LENGTH = 32;

/** The length of the MAC of an audit entry, in bytes. */
export const AUDIT_MAC_LENGTH = 32;

/** The length of a segment's first key, sealed: that of the key and of what a sealed box adds. */
export const AUDIT_BOX_LENGTH: number = KEY_LENGTH + 48;

/** How many other segments a header names at most. */
export const MAX_AUDIT_LINKS = 64;

/** How far a segment was known to go: all entries up to number `count`, the last of which has `mac`. */
export interface AuditLink {
  readonly segment: Uint8Array;
  /** 0 where only the header was known. */
  readonly count: number;
  /** The MAC of entry `count`, of the header where that is 0. */
  readonly mac: Uint8Array;
}

/** What the store identity says of a key that signs headers. */
export interface AuditCertificate {
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  /** By the store identity, over instance, time and key. */
  readonly signature: Uint8Array;
}

/** What a segment of the audit begins with. */
export interface AuditHeader {
  readonly segment: Uint8Array;
  /** The instance of the store. */
  readonly instance: Uint8Array;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** The auditor's X25519 key. */
  readonly auditor: Uint8Array;
  /** The first key of the segment, sealed to the auditor. */
  readonly sealedKey: Uint8Array;
  /** Segments that were there, in strictly ascending order of their ids. */
  readonly previous: readonly AuditLink[];
  readonly certificate: AuditCertificate;
}

/** A header cut into what is signed and the signature. */
export interface SignedAuditHeader {
  readonly header: AuditHeader;
  readonly signedBytes: Buffer;
  readonly signature: Buffer;
}

/** What the store identity signs to certify a key. */
export function encodeAuditCertificate(
  instance: Uint8Array,
  { created, publicKey }: Omit<AuditCertificate, 'signature'>,
): Buffer {
  return new ByteWriter(ID_LENGTH + 8 + PUBLIC_KEY_LENGTH)
    .fixed(instance, ID_LENGTH)
    .u53(created)
    .fixed(publicKey, PUBLIC_KEY_LENGTH)
    .finish();
}

/** The bytes of a header that are signed. */
export function encodeAuditHeader(header: AuditHeader): Buffer {
  const { certificate } = header;
  const writer = new ByteWriter(512)
    .bytes(Buffer.from(MAGIC, 'latin1'))
    .u8(VERSION)
    .fixed(header.segment, ID_LENGTH)
    .fixed(header.instance, ID_LENGTH)
    .u53(header.started)
    .fixed(header.auditor, PUBLIC_KEY_LENGTH)
    .fixed(header.sealedKey, AUDIT_BOX_LENGTH);
  writeAuditLinks(writer, header.previous);
  return writer
    .u53(certificate.created)
    .fixed(certificate.publicKey, PUBLIC_KEY_LENGTH)
    .fixed(certificate.signature, SIGNATURE_LENGTH)
    .finish();
}

export function joinAuditHeader(signedBytes: Uint8Array, signature: Uint8Array): Buffer {
  return new ByteWriter(signedBytes.length + SIGNATURE_LENGTH)
    .bytes(signedBytes)
    .fixed(signature, SIGNATURE_LENGTH)
    .finish();
}

/** In the order of the format: by segment, then by count, then by MAC. */
export function compareAuditLinks(a: AuditLink, b: AuditLink): number {
  return Buffer.compare(a.segment, b.segment) || a.count - b.count || Buffer.compare(a.mac, b.mac);
}

/** @param links in strictly ascending order, as {@link compareAuditLinks} has it, at most {@link MAX_AUDIT_LINKS} */
export function writeAuditLinks(writer: ByteWriter, links: readonly AuditLink[]): void {
  writer.u8(links.length);
  for (const { segment, count, mac } of links) {
    writer.fixed(segment, ID_LENGTH).u53(count).fixed(mac, AUDIT_MAC_LENGTH);
  }
}

/** @throws SecureStoreError `INTEGRITY` */
export function readAuditLinks(reader: ByteReader): AuditLink[] {
  const count = reader.u8();
  if (count > MAX_AUDIT_LINKS) reader.fail('it names too many segments');
  const links: AuditLink[] = [];
  while (links.length < count) {
    const link = { segment: reader.copy(ID_LENGTH), count: reader.u53(), mac: reader.copy(AUDIT_MAC_LENGTH) };
    const last = links.at(-1);
    if (last !== undefined && compareAuditLinks(last, link) >= 0) {
      reader.fail('the segments that it names are out of order');
    }
    links.push(link);
  }
  return links;
}

/** Parses a header; its signatures are not verified. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeAuditHeader(bytes: Uint8Array): SignedAuditHeader {
  const reader = new ByteReader('the header of the audit segment', bytes);
  reader.magic(MAGIC, VERSION);
  const header: AuditHeader = {
    segment: reader.copy(ID_LENGTH),
    instance: reader.copy(ID_LENGTH),
    started: reader.time(),
    auditor: reader.copy(PUBLIC_KEY_LENGTH),
    sealedKey: reader.copy(AUDIT_BOX_LENGTH),
    previous: readAuditLinks(reader),
    certificate: {
      created: reader.time(),
      publicKey: reader.copy(PUBLIC_KEY_LENGTH),
      signature: reader.copy(SIGNATURE_LENGTH),
    },
  };
  const signedBytes = asBuffer(bytes).subarray(0, reader.position);
  const signature = reader.copy(SIGNATURE_LENGTH);
  reader.end();
  return { header, signedBytes, signature };
}
