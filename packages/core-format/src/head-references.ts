import type { ByteReader, ByteWriter } from './bytes.ts';

const REFERENCE_DIGEST_LENGTH = 32;

const REFERENCES = [
  'keyring',
  'categoryMap',
  'policy',
  'grants',
  'checkpoint',
  'formerCheckpoint',
  'destinations',
] as const;
/** A store has a checkpoint, or a former one, whose digests may be other ones by now, or none. */
export type ReferenceKind = (typeof REFERENCES)[number];

/** A backend object of the store's own, pinned by the head. */
export interface Reference {
  readonly name: string;
  /** SHA-256 of its whole body. */
  readonly digest: Uint8Array;
}

/** What a head names, of each kind one at most. */
export type References = Readonly<Partial<Record<ReferenceKind, Reference>>>;

export function writeReferences(writer: ByteWriter, references: References): void {
  const present = REFERENCES.flatMap((kind, code) => {
    const reference = references[kind];
    return reference === undefined ? [] : [{ code: code + 1, reference }];
  });
  writer.u8(present.length);
  for (const { code, reference } of present) {
    writer.u8(code).u8(reference.name.length).bytes(Buffer.from(reference.name, 'latin1'));
    writer.fixed(reference.digest, REFERENCE_DIGEST_LENGTH);
  }
}

export function readReferences(reader: ByteReader): References {
  const references: Partial<Record<ReferenceKind, Reference>> = {};
  let last = 0;
  for (let count = reader.u8(); count > 0; count--) {
    const code = reader.u8();
    if (code <= last) reader.fail('its references are out of order');
    last = code;
    const kind = REFERENCES[code - 1];
    if (kind === undefined) reader.fail('it refers to an object of an unknown kind');
    const name = reader.view(reader.u8()).toString('latin1');
    if (!/^[a-z0-9/.@~_-]+$/.test(name)) reader.fail('it refers to an object by an impossible name');
    references[kind] = { name, digest: reader.copy(REFERENCE_DIGEST_LENGTH) };
  }
  if (references.checkpoint !== undefined && references.formerCheckpoint !== undefined) {
    reader.fail('it has a checkpoint and a former one');
  }
  return references;
}
