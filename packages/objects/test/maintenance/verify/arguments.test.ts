import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { VerifyProgress } from '../../../src/index.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../../support/stores.ts';

async function opened() {
  const clock = new EagerClock();
  const injector = createFaultInjector();
  const store = await createAt(
    usePlace(() => memoryPlace(() => clock.now())),
    { clock, layers: [injector.layer] },
  );
  return { store, injector };
}

function throwing(): never {
  throw new Error('enough');
}

describe('verify', () => {
  it('refuses options that it does not know, and wrong ones', async () => {
    const { store } = await opened();
    for (const options of [{ deep: true }, { payloads: 1 }, { onProgress: 'x' }, { timeout: -1 }, null, 'x']) {
      await failure(store.verify(options as never), 'INVALID_ARGUMENT');
    }
    await store.close();
    await failure(store.verify(), 'UNAVAILABLE');
  });

  it('tells how far it is', async () => {
    const { store } = await opened();
    await store.store('a', 'x');
    await store.store('large', patterned(200_000));
    const seen: VerifyProgress[] = [];
    await store.verify({ payloads: true, onProgress: (progress) => void seen.push(progress) });
    expect(seen.at(-1)).toEqual({ done: 2, bytes: 200_000 });
    await store.checkpoint();
    await store.verify({ onProgress: (progress) => void seen.push(progress) });
    expect(seen.at(-1)).toEqual({ done: 2, total: 2, bytes: 0 });
  });

  it('ends with what the callback throws, and reads no further', async () => {
    const { store, injector } = await opened();
    await store.storeMany(Array.from({ length: 200 }, (_, n) => ({ key: `k${n}`, data: '' })));
    const before = injector.calls;
    const { cause } = await failure(store.verify({ onProgress: throwing }), 'INTERNAL');
    expect(cause).toMatchObject({ message: 'enough' });
    expect(injector.calls - before).toBeLessThan(60);
  });

  it('can be aborted, and ends with the store', async () => {
    const { store } = await opened();
    await store.storeMany(Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, data: '' })));
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const aborted = await failure(store.verify({ onProgress, signal: controller.signal }), 'ABORTED');
    expect(aborted.outcome).toBeUndefined();
    const closing = failure(store.verify({ onProgress: () => void store.close() }), 'UNAVAILABLE');
    await closing;
  });

  it('is UNAVAILABLE where the backend is, and writes nothing', async () => {
    const { store, injector } = await opened();
    await store.store('a', 'x');
    injector.plan(({ effect }) => (effect === 'none' ? undefined : { type: 'fail' }));
    expect(await store.verify()).toMatchObject({ ok: true });
    injector.plan(({ key }) => (key?.startsWith('o/') === true ? { type: 'fail' } : undefined));
    await failure(store.verify(), 'UNAVAILABLE');
  });
});

describe('checkpoint', () => {
  it('refuses options that it does not know, and wrong ones', async () => {
    const { store } = await opened();
    for (const options of [{ deep: true }, { afresh: 1 }]) {
      expect(() => store.checkpoint(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it('tells how far it is, and is a job that can be cancelled', async () => {
    const { store } = await opened();
    await store.storeMany(Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, data: '' })));
    const job = store.checkpoint();
    expect(job.id).toBe('checkpoint');
    job.cancel();
    await failure(job, 'ABORTED');
    expect((await store.verify()).baseline).toBeUndefined();
    const again = store.checkpoint();
    const phases = new Set<string>();
    for await (const { phase } of again.progress) phases.add(phase);
    expect(await again).toMatchObject({ objects: 50 });
    expect([...phases]).toContain('reading objects');
    expect(await store.jobs.list()).toEqual([]);
  });
});
