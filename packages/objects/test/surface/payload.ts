import { openAsBlob, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { StoreData } from '../../src/index.ts';
import { memoryPlace } from '../support/places.ts';
import { atEnd, failure, patterned, readRange, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Data and metadata of every kind and length. */
export function describePayloads(surface: Surface): void {
  // In a short run over memory, and one of the others.
  describe.each(surface.places.filter(([name]) => LONG || name !== 'file'))('payloads over %s', (_name, make) => {
    it('of every length around a boundary come back as they were', async () => {
      const store = await surface.createAt(usePlace(make));
      const lengths = [
        0,
        1,
        64 * KIB - 1,
        64 * KIB,
        64 * KIB + 1,
        128 * KIB,
        MIB - 1,
        MIB,
        MIB + 1,
        3 * MIB,
        3 * MIB + 7,
      ];
      for (const length of lengths) {
        const data = patterned(length);
        const info = await store.store('k', data);
        expect(info.size).toBe(length);
        const retrieved = await store.retrieve('k');
        expect(data.equals(retrieved.data), `length ${length}`).toBe(true);
        expect(data.equals(await readRange(store, 'k')), `length ${length}`).toBe(true);
        expect(await store.matches('k', data)).toBe(true);
        expect(await store.matches('k', Buffer.concat([data, Buffer.from([0])]))).toBe(false);
        if (length > 0) expect(await store.matches('k', data.subarray(1))).toBe(false);
      }
    });

    it('of several parts come back as they were', async () => {
      const place = usePlace(make);
      const store = await surface.createAt(place);
      const backend = await place.open();
      const data = patterned(9 * MIB);
      await store.store('probe', data);
      const [first] = (await backend.list('b/')).entries;
      // What the first part holds of the payload, from its size: a header, then chunks with a tag each.
      const perPart = Math.floor((first?.size ?? 0) / (64 * KIB + 16)) * 64 * KIB;
      expect(perPart).toBeGreaterThan(MIB);
      const lengths = [perPart - 1, perPart, perPart + 1, 2 * perPart, 9 * MIB];
      for (const length of LONG ? lengths : lengths.slice(1, 4)) {
        const part = data.subarray(0, length);
        await store.store('k', chunksOf(part, 700_001));
        expect(part.equals((await store.retrieve('k')).data), `length ${length}`).toBe(true);
        for (const at of [0, perPart - 1, perPart, length - 1].filter((start) => start <= length)) {
          const range = await readRange(store, 'k', { start: at, end: at + 2 });
          expect(range.equals(part.subarray(at, at + 2)), `${at} of ${length}`).toBe(true);
        }
      }
      await backend.close();
    });
  });

  describe('data', () => {
    const text = 'naïve 🔑 text';
    const bytes = Buffer.from(text);
    const KINDS: readonly (readonly [string, () => StoreData | Promise<StoreData>])[] = [
      ['a string', () => text],
      ['a Buffer', () => bytes],
      ['a Uint8Array', () => Uint8Array.from(bytes)],
      [
        'a view into a larger buffer',
        () => Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]).subarray(2, -2),
      ],
      [
        'a Uint8Array of another realm',
        () => runInNewContext('Uint8Array.from(bytes)', { bytes: [...bytes] }) as Uint8Array,
      ],
      [
        'shared memory',
        () => {
          const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
          shared.set(bytes);
          return shared;
        },
      ],
      ['a Blob', () => new Blob([bytes.subarray(0, 3), bytes.subarray(3)])],
      [
        'a file',
        () => {
          const folder = mkdtempSync(join(tmpdir(), 'securestore-payload-'));
          atEnd(() => rmSync(folder, { recursive: true }));
          const file = join(folder, 'data');
          writeFileSync(file, bytes);
          return openAsBlob(file);
        },
      ],
      ['an async generator', () => chunksOf(bytes, 3)],
      ['a ReadableStream', () => new Blob([bytes]).stream()],
      ['a ReadableStream of an iterable', () => ReadableStream.from(chunksOf(bytes, 1))],
      ['a stream with empty chunks', () => ReadableStream.from([new Uint8Array(), bytes, new Uint8Array()])],
    ];

    it.each(KINDS)('may be %s', async (_what, data) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const info = await store.store('k', await data());
      expect(info.size).toBe(bytes.length);
      expect((await store.retrieve('k')).text()).toBe(text);
      expect(await store.matches('k', await data())).toBe(true);
    });

    it('that is small is copied before the call returns', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const data = Buffer.from('before');
      const storing = store.store('k', data);
      data.fill(0);
      await storing;
      expect((await store.retrieve('k')).text()).toBe('before');
    });

    it('may come in one buffer that is filled again and again', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const whole = patterned(400_000);
      async function* reused(): AsyncGenerator<Uint8Array> {
        const buffer = Buffer.alloc(10_000);
        for (let at = 0; at < whole.length; at += buffer.length) {
          whole.copy(buffer, 0, at);
          yield buffer;
        }
      }
      await store.store('k', reused());
      expect(whole.equals((await store.retrieve('k')).data)).toBe(true);
    });

    it('that is retrieved belongs to the caller', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', 'text');
      (await store.retrieve('k')).data.fill(0);
      expect((await store.retrieve('k')).text()).toBe('text');
    });

    it('with a lone surrogate is refused', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const error = await failure(store.store('k', 'secret\ud800'), 'INVALID_ARGUMENT');
      expect(error.message).not.toContain('secret');
      expect(await store.has('k')).toBe(false);
    });

    it('that is no text or no JSON is refused without quoting it', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('binary', Buffer.from([0x73, 0xff]));
      await store.store('text', '{"secret": hunter2}');
      await store.store('json', '\ufeff{}');
      const binary = await store.retrieve('binary');
      expect(() => binary.text()).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      const textual = await store.retrieve('text');
      let thrown: unknown;
      try {
        textual.json();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(String((thrown as Error).stack) + String((thrown as Error).cause)).not.toContain('hunter2');
      expect((await store.retrieve('json')).text()).toBe('\ufeff{}');
    });
  });

  describe('a backend with small bodies', () => {
    it('holds large objects in more parts, and says what does not fit', async () => {
      const place = usePlace(memoryPlace);
      const maxBodyBytes = 64 * KIB;
      let largest = 0;
      const store = await surface.createAt(place, {
        wrap: (backend) => {
          const outer = forwardTo(backend, {
            declare: (capabilities) => ({ ...capabilities, maxBodyBytes, atomicBatch: false, maxBatch: 0 }),
            write: async (key, body, options) => {
              largest = Math.max(largest, body.length);
              return backend.write(key, body, options);
            },
          });
          delete outer.batch;
          return outer;
        },
      });
      for (const length of [30_000, 40_000, 64 * KIB, 500_000]) {
        const data = patterned(length);
        await store.store('k', data, { metadata: { note: 'n'.repeat(20_000) } });
        expect(data.equals((await store.retrieve('k')).data)).toBe(true);
      }
      expect(largest).toBeLessThanOrEqual(maxBodyBytes);
      await failure(store.store('k', patterned(500_000), { metadata: { note: 'n'.repeat(65_400) } }), 'TOO_LARGE');
      expect((await store.retrieve('k')).info.size).toBe(500_000);
    });
  });

  describe('metadata', () => {
    it.each([
      ['empty', {}],
      ['nested', { a: { b: [1, null, 'x', { c: true }] } }],
      ['with odd names', { '': 1, ' ': 2, '\0': 3, 'é🔑': 4, constructor: 5 }],
      ['of exactly 64 KiB', { a: 'x'.repeat(64 * KIB - 8) }],
    ])('that is %s comes back', async (_what, metadata) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const info = await store.store('k', 'x', { metadata });
      expect(info.metadata).toEqual(metadata);
      expect((await store.retrieve('k')).metadata).toEqual(metadata);
      expect((await store.setMetadata('k', metadata)).metadata).toEqual(metadata);
    });

    it('of more than 64 KiB is TOO_LARGE', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', 'x');
      const metadata = { secret: 'y'.repeat(64 * KIB - 12) };
      const error = await failure(store.store('k', 'x', { metadata }), 'TOO_LARGE');
      expect(error.message).not.toContain('yyy');
      await failure(store.setMetadata('k', { e: 'é'.repeat(40_000) }), 'TOO_LARGE');
      expect((await store.info('k')).metadata).toEqual({});
    });
  });

  it('bytes that are taken away while they are stored are refused, and never stored in part', async () => {
    const data = new Uint8Array(patterned(sized({ short: 12, full: 40, torture: 40 }) * MIB));
    const store = await surface.createAt(usePlace(memoryPlace), {
      wrap: (backend) =>
        forwardTo(backend, {
          write: async (key, body, options) => {
            // The first part is written, and others are to come.
            if (key.startsWith('b/') && data.length > 0) structuredClone(undefined, { transfer: [data.buffer] });
            return backend.write(key, body, options);
          },
        }),
    });
    await failure(store.store('k', data), 'INVALID_ARGUMENT');
    expect(data).toHaveLength(0);
    expect(await store.has('k')).toBe(false);
  });

  it.each([100, 5 * MIB])(
    '%i bytes that are taken away before they are looked at are never stored as fewer',
    async (length) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', 'before');
      const transferred = new Uint8Array(patterned(length));
      const storing = store.store('k', transferred);
      structuredClone(undefined, { transfer: [transferred.buffer] });
      // What is small was copied at once.
      if (length < 64 * KIB) expect((await storing).size).toBe(length);
      else await failure(storing, 'INVALID_ARGUMENT');
      await failure(store.store('k', transferred), 'INVALID_ARGUMENT');
      await failure(store.matches('k', transferred), 'INVALID_ARGUMENT');
      expect((await store.info('k')).size).toBe(length < 64 * KIB ? length : 'before'.length);
    },
  );
}
