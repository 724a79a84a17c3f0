import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { assertBytes, bytes, etagOf, mustRead, race, rejection, scan, turns, utf8 } from '../support/checks.ts';
import type { Concern, TestContext } from '../support/types.ts';

/** The largest body that the suite writes: more than a store ever does. */
const LARGEST_TRIED = 8 * 1024 * 1024 + 65_536;

async function roundTrip({ backend }: TestContext, length: number): Promise<void> {
  const body = bytes(length, 7);
  await backend.write('body', body);
  const read = await mustRead(backend, 'body');
  assertBytes(read.body, body, `a body of ${length} bytes`);
  assert.equal(read.size, length);
  const [entry] = await scan(backend, 'body');
  assert.equal(entry?.size, length, 'list gives another size');
}

/** Bodies come back whole, whatever their size, and belong to whom the contract says. */
export const bodies: Concern = {
  name: 'bodies',
  tests: [
    ...[0, 1, 65_536].map((length) => ({
      name: `${length} bytes`,
      run: async (context: TestContext): Promise<void> => roundTrip(context, length),
    })),
    {
      name: 'the largest body',
      run: async (context) => roundTrip(context, Math.min(context.capabilities.maxBodyBytes, LARGEST_TRIED)),
    },
    {
      name: 'a larger body than the limit is TOO_LARGE and changes nothing',
      skip: ({ capabilities: { maxBodyBytes } }) =>
        maxBodyBytes > LARGEST_TRIED * 8 ? `its limit of ${maxBodyBytes} bytes is too large to exceed` : undefined,
      run: async ({ backend, capabilities }) => {
        await backend.write('body', utf8('before'));
        const error = await rejection(
          backend.write('body', new Uint8Array(capabilities.maxBodyBytes + 1)),
          'TOO_LARGE',
        );
        assert.equal(error.retryable, false);
        assertBytes((await mustRead(backend, 'body')).body, utf8('before'), 'the body after the refusal');
      },
    },
    {
      name: 'every byte value, and no text conversion',
      run: async ({ backend }) => {
        const body = Uint8Array.from({ length: 1024 }, (_, index) => (index * 7) & 0xff);
        await backend.write('binary', body);
        assertBytes((await mustRead(backend, 'binary')).body, body, 'the body');
      },
    },
    {
      name: 'an overwrite replaces the whole body, also by a shorter one',
      run: async ({ backend }) => {
        await backend.write('body', bytes(5000, 1));
        await backend.write('body', bytes(10, 2));
        const read = await mustRead(backend, 'body');
        assertBytes(read.body, bytes(10, 2), 'the body');
        assert.equal(read.size, 10);
      },
    },
    {
      name: 'a reader without use for the etag gets the same',
      run: async ({ backend }) => {
        for (const length of [0, 1000, Math.min(backend.capabilities.maxBodyBytes, 1_000_000)]) {
          await backend.write('body', bytes(length, 3));
          const { body, size, modified } = await mustRead(backend, 'body');
          const read = await backend.read('body', { etag: false });
          assert.ok(read, 'the key is said to be missing');
          assertBytes(read.body, body, `a body of ${length} bytes`);
          assert.deepEqual([read.size, read.modified], [size, modified]);
        }
        assert.equal(await backend.read('none', { etag: false }), undefined);
      },
    },
    {
      name: 'a body that comes with its digest has the same etag when it is read',
      run: async ({ backend }) => {
        for (const length of [0, 1000, Math.min(backend.capabilities.maxBodyBytes, 1_000_000)]) {
          const body = bytes(length, 4);
          const sha256 = createHash('sha256').update(body).digest();
          const { etag } = await backend.write('body', body, { sha256 });
          const read = await mustRead(backend, 'body');
          assertBytes(read.body, body, `a body of ${length} bytes`);
          assert.equal(read.etag, etag, 'write and read give different etags');
        }
      },
    },
    {
      name: 'a body that its reader has given away takes no other along',
      run: async ({ backend }) => {
        const keys = ['first', 'second', 'third'];
        await Promise.all(keys.map(async (key, index) => backend.write(key, bytes(100, index))));
        const [given, ...others] = await Promise.all(keys.map(async (key) => mustRead(backend, key)));
        try {
          structuredClone(given?.body, { transfer: given === undefined ? [] : [given.body.buffer as ArrayBuffer] });
        } catch (error) {
          // Node lets nobody give away memory that it shares among small buffers.
          if (!(error instanceof Error && error.name === 'DataCloneError')) throw error;
        }
        for (const [index, { body }] of others.entries())
          assertBytes(body, bytes(100, index + 1), keys[index + 1] ?? '');
        for (const [index, key] of keys.entries()) {
          assertBytes((await mustRead(backend, key)).body, bytes(100, index), `${key}, read again`);
        }
      },
    },
    {
      name: 'readers beside writers see one whole body or another',
      run: async ({ backend, open }) => {
        const other = await open();
        const variants = [bytes(200_000, 1).fill(1), bytes(100_000).fill(2), bytes(150_000).fill(3)];
        await backend.write('body', variants[0] ?? bytes(0));
        const readers = Array.from({ length: 12 }, (_, index) => async () => {
          const { body, size } = await mustRead(index % 2 === 0 ? backend : other, 'body');
          assert.equal(body.byteLength, size);
          const whole = variants.some((variant) => Buffer.compare(variant, body) === 0);
          assert.ok(whole, 'a body that nobody wrote as a whole');
        });
        const writers = variants.map((variant, index) => async () => {
          await (index % 2 === 0 ? other : backend).write('body', variant);
        });
        for (const outcome of await race([...readers.slice(0, 6), ...writers, ...readers.slice(6)])) {
          if (outcome.status === 'rejected') throw outcome.reason;
        }
      },
    },
    {
      name: 'a body that the caller changes after the write stays as it was written',
      run: async ({ backend }) => {
        const body = bytes(3000, 3);
        await backend.write('owned', body);
        body.fill(0);
        assertBytes((await mustRead(backend, 'owned')).body, bytes(3000, 3), 'the stored body');
      },
    },
    {
      name: 'a body that the caller changes once its aborted write has ended is not stored as changed',
      run: async ({ backend }) => {
        const [before, after] = [bytes(150_000, 1), bytes(200_000, 2)];
        for (let delay = 0; delay < 6; delay += 1) {
          const key = `owned/${delay}`;
          await backend.write(key, before);
          const controller = new AbortController();
          const given = after.slice();
          const write = Promise.allSettled([backend.write(key, given, { signal: controller.signal })]);
          await turns(delay);
          controller.abort();
          const [{ status }] = await write;
          given.fill(0);
          // What was already sent may still arrive.
          await turns(50);
          const { body } = await mustRead(backend, key);
          const isNew = status === 'fulfilled' || body.byteLength === after.byteLength;
          assertBytes(body, isNew ? after : before, 'the body after the abort');
        }
      },
    },
    {
      name: 'a body in a batch that the caller changes afterwards stays as it was written',
      needs: 'atomicBatch',
      run: async ({ backend }) => {
        const body = bytes(3000, 3);
        await backend.batch?.([{ type: 'write', key: 'owned', body }]);
        body.fill(0);
        assertBytes((await mustRead(backend, 'owned')).body, bytes(3000, 3), 'the stored body');
      },
    },
    {
      name: 'the backend leaves the caller its body unchanged',
      run: async ({ backend }) => {
        const body = bytes(3000, 4);
        await backend.write('owned', body);
        await backend.read('owned');
        assertBytes(body, bytes(3000, 4), "the caller's body");
      },
    },
    {
      name: 'a body that was read may be changed without changing what is stored',
      run: async ({ backend }) => {
        await backend.write('owned', bytes(3000, 5));
        const first = await mustRead(backend, 'owned');
        first.body.fill(0);
        assertBytes((await mustRead(backend, 'owned')).body, bytes(3000, 5), 'the stored body');
      },
    },
    {
      name: 'a view into a larger buffer is stored as the view alone',
      run: async ({ backend }) => {
        const buffer = Buffer.from(bytes(100, 6));
        await backend.write('view', buffer.subarray(10, 20));
        assertBytes((await mustRead(backend, 'view')).body, bytes(100, 6).slice(10, 20), 'the view');
      },
    },
    {
      name: 'a body that is no Uint8Array is INVALID_ARGUMENT',
      run: async ({ backend }) => {
        for (const body of ['text', undefined, null, [1, 2], new ArrayBuffer(2), {}]) {
          // Callers without types do this.
          await rejection(backend.write('wrong', body as Uint8Array), 'INVALID_ARGUMENT');
        }
        assert.equal(await backend.read('wrong'), undefined);
      },
    },
    {
      name: 'the etag changes with the bytes, also at the same length',
      run: async ({ backend }) => {
        const seen = new Set<string>();
        for (let seed = 0; seed < 5; seed += 1) {
          const { etag } = await backend.write('body', bytes(64, seed));
          assert.equal(etag, await etagOf(backend, 'body'), 'write and read give different etags');
          assert.ok(!seen.has(etag), 'two different bodies had one etag');
          seen.add(etag);
        }
      },
    },
    {
      name: 'an etag is never given to other bytes of its key, not even after a deletion',
      run: async ({ backend }) => {
        const seen = new Set<string>();
        for (let seed = 0; seed < 5; seed += 1) {
          const { etag } = await backend.write('body', bytes(64, seed));
          assert.ok(!seen.has(etag), 'an etag came back with other bytes');
          seen.add(etag);
          await backend.delete('body');
        }
      },
    },
    {
      name: 'the etag stays while nothing is written',
      run: async ({ backend }) => {
        const { etag } = await backend.write('body', bytes(64));
        await backend.write('another', bytes(65));
        assert.equal(await etagOf(backend, 'body'), etag);
      },
    },
  ],
};
