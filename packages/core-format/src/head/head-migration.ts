import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import type { Field } from '../bytes/fields.ts';
import { ID_LENGTH } from '../record/record.ts';

/** The largest sealed location in bytes. */
export const MAX_SEALED_LOCATION_BYTES: number = 8 * 1024;

const STAGES = ['copying', 'announced'] as const;

/** A store that moves to another location, or has moved. */
export interface HeadMigration {
  /** The instance that it becomes there, decided when it begins to move; 16 bytes. */
  readonly instance: Uint8Array;
  /** `announced`: whoever works with the store looks at its head much more often, since it is about to close. */
  readonly stage: (typeof STAGES)[number];
  /** Whether everything is sealed anew there, by another store with an identity and keys of its own. */
  readonly resealed: boolean;
  /** The sealed object of the purpose `migration` that says where to. */
  readonly location: Uint8Array;
}

export function encodeHeadMigration({ instance, stage, resealed, location }: HeadMigration): Buffer {
  return new ByteWriter(ID_LENGTH + 2 + location.length)
    .fixed(instance, ID_LENGTH)
    .u8(STAGES.indexOf(stage) + 1)
    .u8(resealed ? 1 : 0)
    .bytes(location)
    .finish();
}

/** @param own the instance of the head @throws SecureStoreError `INTEGRITY` */
export function readHeadMigration(reader: ByteReader, { critical, value }: Field, own: Uint8Array): HeadMigration {
  if (!critical) reader.fail('its field of a migration may be ignored, which no writer says');
  const field: ByteReader = new ByteReader(reader.what, value);
  const instance = field.copy(ID_LENGTH);
  if (instance.equals(own)) field.fail('it moves to become itself');
  const stage = STAGES[field.u8() - 1];
  if (stage === undefined) field.fail('its migration is at an unknown stage');
  const resealed = field.u8();
  if (resealed > 1) field.fail('its migration is of an unknown kind');
  const { remaining } = field;
  if (remaining === 0 || remaining > MAX_SEALED_LOCATION_BYTES) field.fail('where it moves to is malformed');
  return { instance, stage, resealed: resealed === 1, location: field.copy(remaining) };
}
