import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import type { MigrateStoreOptions } from '../src/index.ts';
import { mover } from './support/moves.ts';

const gone = (): never => {
  throw new SecureStoreError('UNAVAILABLE', 'the test has no connection');
};

function places(clock: EagerClock): readonly [Place, Place] {
  return [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
}

/** What is looked at while everybody comes to know that the store is closed is the same each time. */
const isCounted = (name: string): boolean => !name.startsWith(AREAS.work);

/** Counts what is done with the backends from the moment on that the store is closed, and calls `at` when so much was. */
function sinceClosed(n: number, at: () => void): { readonly layer: Layer; readonly done: () => number } {
  let [closed, done] = [false, 0];
  const count = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    if (closed && isCounted(name)) done += 1;
    if (closed && isCounted(name) && done === n) at();
    return call();
  };
  const layer: Layer = (inner) =>
    withoutBatch(
      forwardTo(inner, {
        read: (key, options) => count(key, () => inner.read(key, options)),
        list: (prefix, options) => count(prefix, () => inner.list(prefix, options)),
        write(key, body, options) {
          closed ||= key === HEAD_NAME && decodeHead(body).head.state === 'closing';
          return count(key, () => inner.write(key, body, options));
        },
      }),
    );
  return { layer, done: () => done };
}

describe.each<readonly [string, MigrateStoreOptions]>([
  ['moves as it is', {}],
  ['is sealed anew', { reencrypt: { unlock: rawKey(Buffer.alloc(32, 9)) } }],
])('a store that %s is interrupted while it is closed', (_, options) => {
  it('and is open at once, where it was or where it has moved', async () => {
    const ends = new Set<string>();
    for (let n = 1, done = n; done >= n; n++) {
      const clock = new EagerClock();
      const [from, to] = places(clock);
      await (await createAt(from, { clock })).store('a', 'one');
      const given = new AbortController();
      const counted = sinceClosed(n, () => given.abort());
      const layers = [counted.layer];
      const movement = { clock, fromLayers: layers, toLayers: layers, signal: given.signal, ...options };
      const { job, store: source } = await mover(from, to, movement);
      const moved = await job.then(
        (report) => report.migrated,
        (error: unknown) => (SecureStoreError.is(error, 'ABORTED') ? false : Promise.reject(error)),
      );
      await source.close();
      done = counted.done();
      const before = clock.now();
      const unlock = moved ? options.reencrypt?.unlock : undefined;
      const store = await openAt(moved ? to : from, { clock, ...(unlock && { unlock }) });
      expect((await store.retrieve('a')).text(), `call ${n}`).toBe('one');
      await store.store('a', 'two');
      expect(clock.now() - before, `call ${n}`).toBeLessThan(1000);
      ends.add(moved ? 'moved' : 'stayed');
    }
    expect([...ends].toSorted()).toEqual(['moved', 'stayed']);
  });
});

it('a store that was closed without an answer is open again at once', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  await (await createAt(from, { clock })).store('a', 'one');
  let answers = true;
  const silent: Layer = (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async write(key, body, options) {
          const written = await inner.write(key, body, options);
          const isClosing = key === HEAD_NAME && decodeHead(body).head.state === 'closing';
          if (!isClosing) return written;
          answers = false;
          return gone();
        },
        read: async (key, options) => {
          if (answers) return inner.read(key, options);
          answers = true;
          return gone();
        },
      }),
    );
  const { job } = await mover(from, to, { clock, fromLayers: [silent] });
  await failure(job, 'UNAVAILABLE');
  const before = clock.now();
  const store = await openAt(from, { clock });
  await store.store('a', 'two');
  expect(clock.now() - before).toBeLessThan(1000);
});
