import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSidecar, MAX_SIDECAR_BYTES, parseSidecar } from '../../src/folder/sidecar.ts';

describe('sidecars', () => {
  it('read back as they were written', () => {
    const metadata = fc.dictionary(fc.string(), fc.jsonValue());
    const expires = fc.option(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(metadata, expires, (fields, moment) => {
        const sidecar = { metadata: fields, ...(moment === undefined ? {} : { expires: moment }) };
        // JSON has neither -0 nor properties without prototypes.
        const expected: unknown = { ...sidecar, metadata: JSON.parse(JSON.stringify(fields)) };
        expect(parseSidecar(formatSidecar(sidecar))).toEqual(expected);
      }),
    );
  });

  it('are never longer than what import reads, however deep the metadata', () => {
    let metadata: Record<string, unknown> = { numbers: Array.from({ length: 30_000 }, () => 1) };
    for (let depth = 0; depth < 8; depth++) metadata = { deeper: metadata };
    const text = formatSidecar({ metadata });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_SIDECAR_BYTES);
    expect(parseSidecar(text)).toEqual({ metadata });
  });

  it.each(['', 'not JSON', '[]', 'null', '"x"', '{}', '{"metadata":{}}', '\u0000'])(
    'takes %j for a file like any other',
    (text) => {
      expect(parseSidecar(text)).toBeUndefined();
    },
  );

  it.each([
    '{"securestore":"metadata/2","metadata":{}}',
    '{"securestore":"metadata/1"}',
    '{"securestore":"metadata/1","metadata":[]}',
    '{"securestore":"metadata/1","metadata":null}',
    '{"securestore":"metadata/1","metadata":{},"expires":"soon"}',
    '{"securestore":"metadata/1","metadata":{},"expires":5}',
    '{"securestore":"metadata/1","metadata":{},"category":"x"}',
  ])('refuses %s, which claims to be one', (text) => {
    expect(() => parseSidecar(text)).toThrow(SecureStoreError);
  });
});
