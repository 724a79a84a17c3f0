import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SecureStoreError } from '../../src/index.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

/** A structure with its encoder and decoder. */
export interface Codec<T> {
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  /** Whether the encoding ends with bytes of no fixed length, so that more of them are as good. */
  readonly openEnded?: boolean;
}

type Mutation = (bytes: Buffer) => Buffer;

const position = fc.nat({ max: 0xffff });

const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([at, mask]): Mutation => (bytes) => {
    const changed = Buffer.from(bytes);
    if (changed.length === 0) return changed;
    const index = at % changed.length;
    changed.writeUInt8(changed.readUInt8(index) ^ mask, index);
    return changed;
  }),
  fc.tuple(position, fc.integer({ min: 1, max: 40 })).map(([at, count]): Mutation => (bytes) => {
    const start = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + count)]);
  }),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, more]): Mutation => (bytes) => {
    const start = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, start), more, bytes.subarray(start)]);
  }),
  fc.tuple(position, position).map(([from, to]): Mutation => (bytes) => {
    const start = from % (bytes.length + 1);
    return Buffer.concat([bytes, bytes.subarray(start, start + (to % 64))]);
  }),
);

/** The structure, if the bytes are one; anything but a refusal with the right code fails the test. */
function decoded<T>(codec: Codec<T>, bytes: Uint8Array): { value: T } | undefined {
  try {
    return { value: codec.decode(bytes) };
  } catch (error) {
    const refused = SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION');
    if (!refused) throw error;
    return undefined;
  }
}

function expectOneEncoding<T>(codec: Codec<T>, bytes: Uint8Array): void {
  const parsed = decoded(codec, bytes);
  if (parsed === undefined) return;
  expect(hex(codec.encode(parsed.value))).toBe(hex(bytes));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A structure with all its bytes as text, so that views and copies compare as equal. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

/** What holds for every encoding of the format. */
export function itObeysTheCodecLaws<T>(
  codec: Codec<T>,
  { numRuns = sized({ short: 80, full: 200, torture: 200 }) } = {},
): void {
  it('parses what it serialises', () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        expect(plain(codec.decode(codec.encode(value)))).toEqual(plain(value));
      }),
      { numRuns },
    );
  });

  it('[G-01] serialises what it parses to the same bytes, also after mutations', () => {
    fc.assert(
      fc.property(codec.values, fc.array(mutations, { minLength: 1, maxLength: 3 }), (value, changes) => {
        let bytes: Buffer = Buffer.from(codec.encode(value));
        for (const change of changes) bytes = change(bytes);
        expectOneEncoding(codec, bytes);
      }),
      { numRuns: numRuns * 3 },
    );
  });

  it('refuses arbitrary bytes, or gives them back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectOneEncoding(codec, bytes)),
      { numRuns },
    );
  });

  it('refuses each flipped byte, or parses something else', () => {
    const [sample] = fc.sample(codec.values, { numRuns: 1, seed: 7 });
    if (sample === undefined) throw new Error('no sample');
    const bytes = Buffer.from(codec.encode(sample));
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(at) ^ mask, at);
        expectOneEncoding(codec, flipped);
      }
    }
  });

  it('[G-03] refuses each truncation and extension', () => {
    fc.assert(
      fc.property(codec.values, fc.uint8Array({ minLength: 1, maxLength: 9 }), (value, more) => {
        const bytes = codec.encode(value);
        if (codec.openEnded === true) return;
        for (let length = 0; length < bytes.length; length++) {
          expect(decoded(codec, bytes.subarray(0, length))).toBeUndefined();
        }
        expect(decoded(codec, Buffer.concat([bytes, more]))).toBeUndefined();
      }),
      // Each of them is cut at every byte.
      { numRuns: sized({ short: 6, full: 20, torture: 20 }) },
    );
  });
}
