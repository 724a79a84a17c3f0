import type { ByteReader, ByteWriter } from './bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';

/**
 * An optional field: one byte tag from 1, one byte critical (0 or 1), a 16-bit length, the value; in ascending order of
 * tags, each once.
 * A reader refuses a critical field that it doesn't know, and keeps any other as it is.
 */
export interface Field {
  readonly tag: number;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export function fieldsLength(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + 4 + field.value.length, 0);
}

export function writeFields(writer: ByteWriter, fields: readonly Field[]): void {
  let last = 0;
  for (const field of fields) {
    if (field.tag <= last) throw new RangeError('optional fields must be in ascending order of their tags, from 1');
    last = field.tag;
    writer
      .u8(field.tag)
      .u8(field.critical ? 1 : 0)
      .u16(field.value.length)
      .bytes(field.value);
  }
}

/** Reads fields up to `end`, the reader's position after the last one. `known` tags may be critical. */
export function readFields(reader: ByteReader, end: number, known: ReadonlySet<number>): Field[] {
  const fields: Field[] = [];
  let last = 0;
  while (reader.position < end) {
    const tag = reader.u8();
    if (tag <= last) reader.fail('its optional fields are out of order');
    last = tag;
    const critical = reader.u8();
    if (critical > 1) reader.fail('an optional field is neither critical nor not');
    if (critical === 1 && !known.has(tag)) {
      throw new SecureStoreError(
        'FORMAT_VERSION',
        `${reader.what} has the unknown field ${tag}, which must not be ignored`,
        { advice: [{ id: 'use-newer-release' }] },
      );
    }
    const length = reader.u16();
    if (length > end - reader.position) reader.fail('an optional field is longer than what holds it');
    fields.push({ tag, critical: critical === 1, value: reader.copy(length) });
  }
  if (reader.position !== end) reader.fail('its optional fields have the wrong length');
  return fields;
}

/** A field area that is preceded by its 16-bit length. */
export function writeFieldArea(writer: ByteWriter, fields: readonly Field[]): void {
  writer.u16(fieldsLength(fields));
  writeFields(writer, fields);
}

export function readFieldArea(reader: ByteReader, known: ReadonlySet<number>): Field[] {
  const length = reader.u16();
  if (length > reader.remaining) reader.fail('it ends too early');
  return readFields(reader, reader.position + length, known);
}
