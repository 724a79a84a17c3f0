import type { Change } from '../make/bytes.ts';
import { spliced, u16 } from '../make/bytes.ts';

/** H with other optional fields, and its length. */
export const withFields =
  (fields: Uint8Array): Change =>
  (header) => {
    const length = 106 + fields.length;
    return Buffer.concat([spliced(header.subarray(0, 106), { at: 8, remove: 2, insert: u16(length) }), fields]);
  };

export const field = (tag: number, critical: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag, critical]), u16(value.length), value]);
export const ZEROS = (count: number): Buffer => Buffer.alloc(count);

/** A time that is a millisecond too late. */
export const LATE: Buffer = Buffer.from('001eb208c2dc0001', 'hex');

/** A number that is too large by one. */
export const TOO_LARGE: Buffer = Buffer.from('0020000000000000', 'hex');
