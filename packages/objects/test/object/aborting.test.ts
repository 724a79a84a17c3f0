import type { FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace, PLACES } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

type Options = { readonly signal?: AbortSignal; readonly timeout?: number };

const READS: readonly (readonly [string, (store: ObjectStore, options: Options) => Promise<unknown>])[] = [
  ['retrieve', (store, options) => store.retrieve('k', options)],
  ['retrieveStream', (store, options) => store.retrieveStream('k', options)],
  ['info', (store, options) => store.info('k', options)],
  ['has', (store, options) => store.has('k', options)],
  ['matches', (store, options) => store.matches('k', 'x', options)],
  ['history', (store, options) => store.history('k', options)],
  ['list', (store, options) => store.list('', options)],
  ['keys', (store, options) => Array.fromAsync(store.keys('', options))],
  ['entries', (store, options) => Array.fromAsync(store.entries('', options))],
];

const MUTATIONS: readonly (readonly [string, (store: ObjectStore, options: Options) => Promise<unknown>])[] = [
  ['store', (store, options) => store.store('k', 'after', options)],
  ['store (large)', (store, options) => store.store('k', patterned(200_000), options)],
  ['setMetadata', (store, options) => store.setMetadata('k', { a: 1 }, options)],
  ['delete', (store, options) => store.delete('k', options)],
  ['purge', (store, options) => store.purge('k', options)],
  ['restoreVersion', async (store, options) => store.restoreVersion('k', (await store.info('k')).version, options)],
];

/** A store whose backend never answers once `hang` was called, and ignores signals. */
async function hanging(place: Place): Promise<{ store: ObjectStore; hang: () => void; injector: FaultInjector }> {
  const first = await createAt(place);
  await first.store('k', 'before');
  await first.close();
  const injector = createFaultInjector();
  const store = await openAt(place, { layers: [injector.layer] });
  const until = new Promise<void>(() => undefined);
  return { store, injector, hang: () => injector.plan(() => ({ type: 'delay', until })) };
}

describe('a signal that has aborted already', () => {
  it.each([...READS, ...MUTATIONS])('ends %s before anything is sent', async (_name, call) => {
    const place = usePlace(memoryPlace);
    const { store, injector } = await hanging(place);
    const version = (await store.info('k')).version;
    const before = injector.calls;
    const error = await failure(call(store, { signal: AbortSignal.abort() }), 'ABORTED');
    expect(error.outcome).toBeUndefined();
    expect(injector.calls - before).toBeLessThanOrEqual(_name === 'restoreVersion' ? 1 : 0);
    expect((await store.info('k')).version).toBe(version);
  });

  it('whose reason is of any kind ends the call', async () => {
    const store = await createAt(usePlace(memoryPlace));
    for (const reason of ['text', 0, null, new Error('why'), { name: 'Odd' }]) {
      const signal = AbortSignal.abort(reason);
      expect((await failure(store.retrieve('k', { signal }), 'ABORTED')).cause).toBe(reason);
      expect((await failure(store.store('k', 'x', { signal }), 'ABORTED')).cause).toBe(reason);
      expect((await failure(store.storeMany([{ key: 'k', data: 'x' }], { signal }), 'ABORTED')).cause).toBe(reason);
    }
  });
});

describe.concurrent('a backend that never answers', () => {
  it.for([...READS, ...MUTATIONS])('does not hold %s beyond its timeout', async ([name, call], context) => {
    const place = memoryPlace();
    const { store, hang } = await hanging(place);
    const version = (await store.info('k')).version;
    hang();
    const running =
      name === 'restoreVersion' ? store.restoreVersion('k', version, { timeout: 30 }) : call(store, { timeout: 30 });
    const error = await failure(running, 'TIMEOUT');
    context.expect(error.retryable).toBe(true);
    context.expect(error.cause).toMatchObject({ name: 'TimeoutError' });
    // Nothing is known of a mutation that never got an answer.
    const mutates = MUTATIONS.some(([other]) => other === name);
    context.expect(error.outcome).toBe(mutates ? 'unknown' : undefined);
  });

  it('does not hold a stream that is being read', async (context) => {
    const place = memoryPlace();
    const { store, hang } = await hanging(place);
    await store.store('large', patterned(300_000));
    const controller = new AbortController();
    const { stream } = await store.retrieveStream('large', { signal: controller.signal });
    hang();
    const reading = Array.fromAsync(stream);
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await failure(reading, 'ABORTED');
    context.expect(error).toMatchObject({ key: 'large', operation: 'retrieveStream' });
    context.expect(error.cause).toBe(reason);
  });

  it('does not hold storeMany', async (context) => {
    const { store, hang } = await hanging(memoryPlace());
    hang();
    const results = await store.storeMany([{ key: 'a', data: 'x' }], { timeout: 30 });
    context.expect(results).toMatchObject([{ ok: false, error: { code: 'TIMEOUT', outcome: 'unknown' } }]);
  });
});

describe.each(PLACES)('aborting midway over %s', (_name, make) => {
  it.each(MUTATIONS)('%s leaves the old or the new object, and says what it can', async (_call, call) => {
    const place = usePlace(make);
    await createAt(place).then((store) => store.close());
    for (let after = 0; after < 6; after += LONG ? 1 : 2) {
      const controller = new AbortController();
      const injector = createFaultInjector();
      const store = await openAt(place, { layers: [injector.layer] });
      const { version } = await store.store('k', 'before');
      const start = injector.calls;
      injector.plan(({ index }) => {
        if (index === start + after) controller.abort();
        return undefined;
      });
      const error = await call(store, { signal: controller.signal }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      injector.plan(undefined);
      const now = (await store.history('k')).find(({ current }) => current)?.version;
      if (error === undefined) expect(now).not.toBe(version);
      else expect(error).toMatchObject({ code: 'ABORTED', cause: controller.signal.reason });
      if (error !== undefined && (error as { outcome?: unknown }).outcome === undefined) expect(now).toBe(version);
      await store.close();
    }
  });
});

async function* silent(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(100_000);
  await new Promise(() => undefined);
}

describe('a source that never gives anything', () => {
  it.each(['store', 'matches'] as const)('does not hold %s beyond its timeout', async (method) => {
    const store = await createAt(usePlace(memoryPlace));
    await store.store('k', 'before');
    const error = await failure(store[method]('k', silent(), { timeout: 20 }), 'TIMEOUT');
    expect(error.outcome).toBeUndefined();
    const stream = new ReadableStream<Uint8Array>({});
    await failure(store[method]('k', stream, { timeout: 20 }), 'TIMEOUT');
    expect((await store.retrieve('k')).text()).toBe('before');
  });
});

describe('closing', () => {
  it('waits for calls under way, then refuses others', async () => {
    const place = usePlace(memoryPlace);
    const store = await createAt(place);
    const storing = Promise.all([
      store.store('a', 'A'),
      store.store('b', patterned(5_000_000)),
      store.retrieve('c').catch(() => undefined),
    ]);
    const closing = store.close();
    for (const [, call] of [...READS, ...MUTATIONS]) {
      const error = await failure(call(store, {}), 'UNAVAILABLE');
      expect(error.retryable).toBe(false);
    }
    expect((await storing).slice(0, 2)).toMatchObject([{ key: 'a' }, { size: 5_000_000 }]);
    await closing;
    const again = await openAt(place);
    expect(await again.list()).toEqual(['a', 'b']);
  });

  it('happens once however often it is asked for', async () => {
    const place = usePlace(memoryPlace);
    let closed = 0;
    const store = await createAt(place, {
      wrap: (backend) =>
        new Proxy(backend, {
          get(target, property) {
            if (property === 'close') return async () => void closed++;
            const value: unknown = Reflect.get(target, property, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
    });
    await Promise.all([store.close(), store.close(), store[Symbol.asyncDispose]()]);
    await store.close();
    expect(closed).toBe(1);
  });

  it('comes with the end of an `await using` block', async () => {
    const place = usePlace(memoryPlace);
    let kept: ObjectStore;
    {
      // oxlint-disable-next-line typescript/await-thenable -- the linter's library lacks asynchronous disposal
      await using store = await createAt(place);
      kept = store;
      await store.store('k', 'x');
    }
    await failure(kept.retrieve('k'), 'UNAVAILABLE');
  });

  it('ends a stream that is still read with an error', async () => {
    const store = await createAt(usePlace(memoryPlace));
    await store.store('k', patterned(20_000_000));
    const { stream } = await store.retrieveStream('k');
    const reader = stream.getReader();
    await reader.read();
    await store.close();
    const rest = (async () => {
      while (!(await reader.read()).done);
    })();
    await failure(rest, 'UNAVAILABLE');
  });
});
