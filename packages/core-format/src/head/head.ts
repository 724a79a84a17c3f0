import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import type { OptionalFields } from './head-optional.ts';
import { readOptional, writeOptional } from './head-optional.ts';
import type { References } from './head-references.ts';
import { readReferences, writeReferences } from './head-references.ts';
import { FORMAT, ID_LENGTH, SIGNATURE_LENGTH } from '../record/record.ts';
import type { Slot, UnknownSlot } from '../record/slot.ts';
import { decodeSlot, encodeSlot } from '../record/slot.ts';

const HEAD_MAGIC = 'SSHD';
export const PUBLIC_KEY_LENGTH = 32;
const ANCESTOR_DIGEST_LENGTH = 32;

/** How many heads before it a head tells. */
export const MAX_ANCESTORS = 16;

/** The largest head in bytes. */
export const MAX_HEAD_BYTES: number = 64 * 1024;
export const MAX_SLOTS = 64;

/** An opener tries all passphrase slots, each at the cost of an Argon2id. */
export const MAX_PASSPHRASE_SLOTS = 8;

const STATES = ['open', 'restoring', 'closing', 'moved', 'scratch'] as const;
/** What may be done with a store: only `open` takes mutations. */
export type HeadState = (typeof STATES)[number];

const NAMINGS = ['encrypted', 'plain'] as const;
/** How object names appear at the backend. */
export type Naming = (typeof NAMINGS)[number];

const JOURNALS = ['off', 'on'] as const;
/** Whether every mutation is announced in the journal before it takes effect. */
export type JournalMode = (typeof JOURNALS)[number];

const ROTATION_DEPTHS = ['unlock', 'keys', 'data'] as const;

/** A rotation that has made new keys, and not yet done what is to be done with them. */
export interface RunningRotation {
  readonly depth: (typeof ROTATION_DEPTHS)[number];
  /** 16 random bytes, new for every process that resumes it: so no process ends what another one has taken over. */
  readonly id: Uint8Array;
}

/** How much of an object's past is kept: whatever either rule keeps. */
export interface HistorySettings {
  readonly versions: number;
  readonly days: number;
}

/** The one mutable trust object of a store, as it is before signing. */
export interface Head extends OptionalFields {
  /** Made with the store and kept by its copies; binds records and names. */
  readonly lineage: Uint8Array;
  /** New for every create, restore and migration; binds the store's own objects. */
  readonly instance: Uint8Array;
  /** What this instance was made from; all zero and 0 for a new store. */
  readonly parent: { readonly instance: Uint8Array; readonly generation: number };
  /** One more with every change. */
  readonly generation: number;
  /** SHA-256 of the signed bytes of the heads before it, the one just before first: so no head follows another one unseen. */
  readonly ancestors: readonly Uint8Array[];
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The store identity's Ed25519 public key. */
  readonly identity: Uint8Array;
  readonly rootNumber: number;
  readonly state: HeadState;
  readonly naming: Naming;
  /** The suites that the store accepts, ascending. */
  readonly suites: readonly number[];
  /** The greatest version collected or purged. */
  readonly versionFloor: number;
  readonly history: HistorySettings;
  readonly journal: JournalMode;
  /** The age of keys, in days, at which new ones are made by themselves; 0 for never. */
  readonly rotationDays: number;
  /** The rotation that is under way, or was stopped. */
  readonly rotation?: RunningRotation | undefined;
  readonly references: References;
  readonly slots: readonly (Slot | UnknownSlot)[];
}

/** A head cut into what is signed and the signature. */
export interface SignedHead {
  readonly head: Head;
  readonly signedBytes: Buffer;
  readonly signature: Buffer;
}

function writeRotation(writer: ByteWriter, rotation: RunningRotation | undefined): void {
  if (rotation === undefined) writer.u8(0);
  else writer.u8(ROTATION_DEPTHS.indexOf(rotation.depth) + 1).fixed(rotation.id, ID_LENGTH);
}

function passphrases(slots: Head['slots']): number {
  return slots.filter((slot) => slot.method.type === 'passphrase').length;
}

/**
 * The bytes that are signed.
 *
 * @throws SecureStoreError `TOO_LARGE` for more slots than a reader takes
 */
export function encodeHead(head: Head): Buffer {
  if (head.slots.length > MAX_SLOTS || passphrases(head.slots) > MAX_PASSPHRASE_SLOTS) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `a store may have at most ${MAX_SLOTS} slots, ${MAX_PASSPHRASE_SLOTS} of them passphrases`,
      { advice: [{ id: 'list-slots' }] },
    );
  }
  const writer = new ByteWriter(1024)
    .bytes(Buffer.from(HEAD_MAGIC, 'latin1'))
    .u8(FORMAT)
    .fixed(head.lineage, ID_LENGTH)
    .fixed(head.instance, ID_LENGTH)
    .fixed(head.parent.instance, ID_LENGTH)
    .u53(head.parent.generation)
    .u53(head.generation)
    .u8(head.ancestors.length)
    .bytes(Buffer.concat(head.ancestors))
    .u53(head.time)
    .fixed(head.identity, PUBLIC_KEY_LENGTH)
    .u32(head.rootNumber)
    .u8(STATES.indexOf(head.state) + 1)
    .u8(NAMINGS.indexOf(head.naming) + 1)
    .u8(head.suites.length)
    .bytes(Uint8Array.from(head.suites))
    .u53(head.versionFloor)
    .u32(head.history.versions)
    .u32(head.history.days)
    .u8(JOURNALS.indexOf(head.journal) + 1)
    .u32(head.rotationDays);
  writeRotation(writer, head.rotation);
  writeReferences(writer, head.references);
  writer.u8(head.slots.length);
  for (const slot of head.slots) {
    const bytes = encodeSlot(slot);
    writer.u16(bytes.length).bytes(bytes);
  }
  writeOptional(writer, head);
  return writer.finish();
}

/**
 * The body of the backend object `store`.
 *
 * @throws SecureStoreError `TOO_LARGE` for more bytes than a reader takes
 */
export function joinHead(signedBytes: Uint8Array, signature: Uint8Array): Buffer {
  const length = signedBytes.length + SIGNATURE_LENGTH;
  if (length > MAX_HEAD_BYTES) {
    throw new SecureStoreError('TOO_LARGE', `the head must have at most ${MAX_HEAD_BYTES} bytes, got ${length}`);
  }
  return new ByteWriter(signedBytes.length + SIGNATURE_LENGTH)
    .bytes(signedBytes)
    .fixed(signature, SIGNATURE_LENGTH)
    .finish();
}

function readRotation(reader: ByteReader): Pick<Head, 'rotation'> {
  const code = reader.u8();
  if (code === 0) return {};
  const depth = ROTATION_DEPTHS[code - 1];
  if (depth === undefined) reader.fail('a rotation of an unknown depth is under way');
  return { rotation: { depth, id: reader.copy(ID_LENGTH) } };
}

/** As many as there can be: so none is left out. */
function readAncestors(reader: ByteReader, generation: number): Buffer[] {
  const count = reader.u8();
  if (count !== Math.min(Math.max(generation - 1, 0), MAX_ANCESTORS)) {
    reader.fail('it tells of more or fewer heads before it than there were');
  }
  return Array.from({ length: count }, () => reader.copy(ANCESTOR_DIGEST_LENGTH));
}

function readSuites(reader: ByteReader): number[] {
  const suites = [...reader.view(reader.u8())];
  if (suites.length === 0) reader.fail('it accepts no suite');
  if (suites.some((suite, index) => index > 0 && suite <= (suites[index - 1] ?? 0))) {
    reader.fail('its suites are out of order');
  }
  return suites;
}

function oneOf<T>(reader: ByteReader, values: readonly T[], what: string): T {
  const value = values[reader.u8() - 1];
  if (value === undefined) reader.fail(`its ${what} is unknown`);
  return value;
}

function readSlots(reader: ByteReader): (Slot | UnknownSlot)[] {
  const count = reader.u8();
  if (count > MAX_SLOTS) reader.fail('it has too many slots');
  const slots = Array.from({ length: count }, () => decodeSlot(reader.view(reader.u16())));
  if (passphrases(slots) > MAX_PASSPHRASE_SLOTS) reader.fail('it has too many passphrase slots');
  const ids = slots.flatMap((slot) => ('raw' in slot ? [] : [asBuffer(slot.id).toString('latin1')]));
  if (new Set(ids).size !== ids.length) reader.fail('two of its slots have one id');
  return slots;
}

/**
 * Parses a head. Nothing of it may take effect before the signature verifies.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeHead(bytes: Uint8Array): SignedHead {
  if (bytes.length > MAX_HEAD_BYTES) new ByteReader('the head', bytes).fail('it is too long');
  const reader = new ByteReader('the head', bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_LENGTH)));
  reader.magic(HEAD_MAGIC, FORMAT);
  const ids = {
    lineage: reader.copy(ID_LENGTH),
    instance: reader.copy(ID_LENGTH),
    parent: { instance: reader.copy(ID_LENGTH), generation: reader.u53() },
  };
  const generation = reader.u53();
  const fixed = {
    ...ids,
    generation,
    ancestors: readAncestors(reader, generation),
    time: reader.time(),
    identity: reader.copy(PUBLIC_KEY_LENGTH),
    rootNumber: reader.u32(),
    state: oneOf(reader, STATES, 'state'),
    naming: oneOf(reader, NAMINGS, 'naming'),
    suites: readSuites(reader),
    versionFloor: reader.u53(),
    history: { versions: reader.u32(), days: reader.u32() },
    journal: oneOf(reader, JOURNALS, 'journal mode'),
    rotationDays: reader.u32(),
    ...readRotation(reader),
    references: readReferences(reader),
    slots: readSlots(reader),
  };
  const { optional, references } = readOptional(reader, ids.instance);
  const length = reader.position;
  reader.end();
  const whole = new ByteReader('the head', bytes);
  const signedBytes = whole.copy(length);
  return {
    head: { ...fixed, references: { ...fixed.references, ...references }, ...optional },
    signedBytes,
    signature: whole.copy(SIGNATURE_LENGTH),
  };
}
