import type { ByteReader, ByteWriter } from '../bytes/bytes.ts';

const REFERENCE_DIGEST_LENGTH = 32;

const LISTED = ['keyring', 'categoryMap', 'policy', 'grants', 'checkpoint', 'formerCheckpoint'] as const;
/** A store has a checkpoint, or a former one, whose digests may be other ones by now, or none. */
export type ReferenceKind = (typeof LISTED)[number] | 'destinations';

/** A backend object of the store's own, pinned by the head. */
export interface Reference {
  readonly name: string;
  /** SHA-256 of its whole body. */
  readonly digest: Uint8Array;
}

/** What a head names, of each kind one at most. */
export type References = Readonly<Partial<Record<ReferenceKind, Reference>>>;

/** The name and digest of what is referred to. */
export function writeReference(writer: ByteWriter, { name, digest }: Reference): void {
  writer.u8(name.length).bytes(Buffer.from(name, 'latin1')).fixed(digest, REFERENCE_DIGEST_LENGTH);
}

export function readReference(reader: ByteReader): Reference {
  const name = reader.view(reader.u8()).toString('latin1');
  if (!/^[a-z0-9/.@~_-]+$/.test(name)) reader.fail('it refers to an object by an impossible name');
  return { name, digest: reader.copy(REFERENCE_DIGEST_LENGTH) };
}

/** Those that have a place in every head; the others are optional fields. */
export function writeReferences(writer: ByteWriter, references: References): void {
  const present = LISTED.flatMap((kind, code) => {
    const reference = references[kind];
    return reference === undefined ? [] : [{ code: code + 1, reference }];
  });
  writer.u8(present.length);
  for (const { code, reference } of present) {
    writeReference(writer.u8(code), reference);
  }
}

export function readReferences(reader: ByteReader): References {
  const references: Partial<Record<ReferenceKind, Reference>> = {};
  let last = 0;
  for (let count = reader.u8(); count > 0; count--) {
    const code = reader.u8();
    if (code <= last) reader.fail('its references are out of order');
    last = code;
    const kind = LISTED[code - 1];
    if (kind === undefined) reader.fail('it refers to an object of an unknown kind');
    references[kind] = readReference(reader);
  }
  if (references.checkpoint !== undefined && references.formerCheckpoint !== undefined) {
    reader.fail('it has a checkpoint and a former one');
  }
  return references;
}
