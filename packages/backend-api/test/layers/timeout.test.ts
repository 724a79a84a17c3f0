import { describe, expect, it } from 'vitest';
import { type StorageBackend, createFaultInjector, timeoutLayer } from '../../src/index.ts';
import { type FakeTime, createFakeTime, settle } from './fake-time.ts';
import { BODY, layeredMemory } from './memory.ts';

/** A backend that answers only when released, and a time limit of a second. */
async function subject(): Promise<{ backend: StorageBackend; time: FakeTime; release: () => void }> {
  const time = createFakeTime();
  const held = Promise.withResolvers<void>();
  const faults = createFaultInjector(() => ({ type: 'delay', until: held.promise }));
  const backend = await layeredMemory(faults.layer, timeoutLayer({ milliseconds: 1000, sleep: time.sleep }));
  return { backend, time, release: held.resolve };
}

describe('timeoutLayer', () => {
  it('ends a read after its time, without an outcome', async () => {
    const { backend, time } = await subject();
    const late = backend.read('key').catch((error: unknown) => error);
    await time.advance(999);
    await time.advance(1);
    expect(await late).toMatchObject({ code: 'TIMEOUT', retryable: true, operation: 'read', key: 'key' });
    expect(await late).not.toHaveProperty('outcome');
  });

  it('ends writes, deletions and batches with an unknown outcome', async () => {
    const { backend, time } = await subject();
    const late = [
      backend.write('key', BODY),
      backend.write('key', BODY, { ifAbsent: true }),
      backend.delete('key'),
      backend.batch?.([{ type: 'delete', key: 'key' }]),
      backend.deleteMany?.(['key']),
    ].map(async (call) => call?.catch((error: unknown) => error));
    await time.advance(1000);
    for (const error of await Promise.all(late)) expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  it('aborts what is under way, so that a write which was not sent never lands', async () => {
    const { backend, time, release } = await subject();
    const late = backend.write('key', BODY).catch((error: unknown) => error);
    await time.advance(1000);
    expect(await late).toMatchObject({ code: 'TIMEOUT' });
    release();
    await settle();
    expect(await backend.read('key')).toBeUndefined();
  });

  it('leaves no timer behind', async () => {
    const { backend, time, release } = await subject();
    release();
    await backend.write('key', BODY);
    await expect(backend.write('Key', BODY)).rejects.toMatchObject({ code: 'INVALID_KEY' });
    expect(time.sleeping()).toBe(0);
  });

  it('passes the signal of the caller on', async () => {
    const { backend, release } = await subject();
    const controller = new AbortController();
    const aborted = backend.write('key', BODY, { signal: controller.signal }).catch((error: unknown) => error);
    await settle();
    controller.abort(new Error('enough'));
    release();
    expect(await aborted).toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
  });
});
