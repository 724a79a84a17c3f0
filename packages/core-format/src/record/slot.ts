import { ByteReader, ByteWriter, copyOf } from '../bytes/bytes.ts';
import { ID_LENGTH, KEY_LENGTH } from './record.ts';

const SALT_LENGTH = 16;
/** The share tag of each share, in bytes. */
export const SHARE_TAG_LENGTH = 8;
/** The longest name of a key wrapper in bytes of UTF-8. */
export const MAX_WRAPPER_ID_BYTES = 255;
/** The longest wrapped seed in bytes: room for every key encapsulation in use, and for tens of them in a head. */
export const MAX_WRAPPED_SEED_BYTES = 2048;
export const BINDING_LENGTH = 32;

/** The sealed root is an anonymous box of {@link SLOT_BOX_LENGTH} bytes: 48 bytes more than its plaintext. */
const BOX_PLAINTEXT_LENGTH: number = ID_LENGTH + ID_LENGTH + 4 + KEY_LENGTH;
export const SLOT_BOX_LENGTH: number = BOX_PLAINTEXT_LENGTH + 48;

/** How a slot's secret becomes its seed. */
export type SlotMethod =
  | {
      readonly type: 'passphrase';
      readonly salt: Uint8Array;
      /** Argon2id: memory in KiB, passes, lanes. */
      readonly memory: number;
      readonly passes: number;
      readonly parallelism: number;
    }
  | { readonly type: 'keyFile'; readonly salt: Uint8Array }
  | { readonly type: 'rawKey'; readonly salt: Uint8Array }
  | { readonly type: 'recoveryCode'; readonly salt: Uint8Array }
  | {
      readonly type: 'shares';
      readonly salt: Uint8Array;
      /** How many shares are needed, and how many there are. */
      readonly threshold: number;
      readonly count: number;
      /** The share tags, {@link SHARE_TAG_LENGTH} bytes for each of the shares, one after the other. */
      readonly tags: Uint8Array;
    }
  /** The public key is that of somebody's identity, who need not be there when the slot is made. */
  | { readonly type: 'recipient' }
  | {
      readonly type: 'keyWrapper';
      /** Which key wrapper it is, as it names itself. */
      readonly wrapperId: string;
      /** The seed, as the key wrapper wrapped it. */
      readonly wrappedSeed: Uint8Array;
    };

export type SlotType = SlotMethod['type'];

const METHODS: Readonly<Record<SlotType, number>> = {
  passphrase: 1,
  keyFile: 2,
  rawKey: 3,
  recoveryCode: 4,
  shares: 5,
  recipient: 6,
  keyWrapper: 7,
};

/** Methods of whose slots no secret is known when they are made, so that nothing binds them to the store. */
const UNBOUND: ReadonlySet<SlotType> = new Set(['recipient', 'keyWrapper']);

/**
 * Whether a slot of a method authenticates the store to the holder of its secret. To open one that does not, the store must be
 * known from elsewhere: anybody can seal a root key of their own to a public key.
 */
export function isBound(type: SlotType): boolean {
  return !UNBOUND.has(type);
}

/** What a slot says of itself; all of it but the sealed root is covered by the binding tag, where there is one. */
export interface SlotFields {
  readonly id: Uint8Array;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** The X25519 public key to which the root key is sealed. */
  readonly publicKey: Uint8Array;
  readonly method: SlotMethod;
}

/** One way of unlocking a store. */
export interface Slot extends SlotFields {
  /** Authenticates the store to the holder of the secret; there where {@link isBound} says so. */
  readonly binding?: Uint8Array | undefined;
  /** The root key, sealed to {@link SlotFields.publicKey}. */
  readonly sealedRoot: Uint8Array;
}

/** A slot of a method that this release doesn't know: kept as it is, and never used. */
export interface UnknownSlot {
  readonly method: { readonly type: 'unknown' };
  readonly raw: Uint8Array;
}

export function encodeSlotFields(slot: SlotFields): Buffer {
  const { method } = slot;
  const writer = new ByteWriter(96)
    .u8(METHODS[method.type])
    .fixed(slot.id, ID_LENGTH)
    .u53(slot.created)
    .fixed(slot.publicKey, KEY_LENGTH);
  writeMethod(writer, method);
  return writer.finish();
}

function writeMethod(writer: ByteWriter, method: SlotMethod): void {
  if (method.type === 'recipient') return;
  if (method.type === 'keyWrapper') {
    const id = Buffer.from(method.wrapperId, 'utf8');
    writer.u8(id.length).bytes(id).u16(method.wrappedSeed.length).bytes(method.wrappedSeed);
    return;
  }
  writer.fixed(method.salt, SALT_LENGTH);
  if (method.type === 'passphrase') writer.u32(method.memory).u8(method.passes).u8(method.parallelism);
  if (method.type === 'shares') {
    writer
      .u8(method.threshold)
      .u8(method.count)
      .fixed(method.tags, method.count * SHARE_TAG_LENGTH);
  }
}

export function encodeSlot(slot: Slot | UnknownSlot): Buffer {
  if ('raw' in slot) return copyOf(slot.raw);
  const writer = new ByteWriter(256).bytes(encodeSlotFields(slot));
  if (isBound(slot.method.type)) writer.fixed(slot.binding ?? new Uint8Array(), BINDING_LENGTH);
  return writer.fixed(slot.sealedRoot, SLOT_BOX_LENGTH).finish();
}

function readWrapped(reader: ByteReader): SlotMethod {
  const idLength = reader.u8();
  if (idLength === 0) reader.fail('a slot has a key wrapper without a name');
  const wrapperId = reader.text(idLength);
  const length = reader.u16();
  if (length === 0 || length > MAX_WRAPPED_SEED_BYTES) reader.fail('a wrapped seed has an impossible length');
  return { type: 'keyWrapper', wrapperId, wrappedSeed: reader.copy(length) };
}

function readMethod(reader: ByteReader, type: SlotType): SlotMethod {
  if (type === 'recipient') return { type };
  if (type === 'keyWrapper') return readWrapped(reader);
  const salt = reader.copy(SALT_LENGTH);
  if (type === 'passphrase') {
    return { type, salt, memory: reader.u32(), passes: reader.u8(), parallelism: reader.u8() };
  }
  if (type !== 'shares') return { type, salt };
  const [threshold, count] = [reader.u8(), reader.u8()];
  if (threshold < 2 || count < threshold) reader.fail('a slot needs an impossible number of shares');
  return { type, salt, threshold, count, tags: reader.copy(count * SHARE_TAG_LENGTH) };
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeSlot(bytes: Uint8Array): Slot | UnknownSlot {
  const reader = new ByteReader('the head', bytes);
  const code = reader.u8();
  const type = (Object.keys(METHODS) as SlotType[]).find((name) => METHODS[name] === code);
  if (type === undefined) return { method: { type: 'unknown' }, raw: copyOf(bytes) };
  const fields = {
    id: reader.copy(ID_LENGTH),
    created: reader.time(),
    publicKey: reader.copy(KEY_LENGTH),
    method: readMethod(reader, type),
  };
  const bound = isBound(type) ? { binding: reader.copy(BINDING_LENGTH) } : {};
  const slot = { ...fields, ...bound, sealedRoot: reader.copy(SLOT_BOX_LENGTH) };
  reader.end();
  return slot;
}

/** What the box of a slot holds; its fields bind it to one slot of one store. */
export interface SlotBox {
  readonly lineage: Uint8Array;
  readonly slotId: Uint8Array;
  readonly rootNumber: number;
  readonly root: Uint8Array;
}

export function encodeSlotBox(box: SlotBox): Buffer {
  return new ByteWriter(BOX_PLAINTEXT_LENGTH)
    .fixed(box.lineage, ID_LENGTH)
    .fixed(box.slotId, ID_LENGTH)
    .u32(box.rootNumber)
    .fixed(box.root, KEY_LENGTH)
    .finish();
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeSlotBox(bytes: Uint8Array): SlotBox {
  const reader = new ByteReader('the slot', bytes);
  const box = {
    lineage: reader.view(ID_LENGTH),
    slotId: reader.view(ID_LENGTH),
    rootNumber: reader.u32(),
    root: reader.view(KEY_LENGTH),
  };
  reader.end();
  return box;
}
