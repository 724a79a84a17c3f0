import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import {
  type Fault,
  type FaultPlan,
  type RetryOptions,
  createCallCounter,
  createFaultInjector,
  retryLayer,
} from '../../src/index.ts';
import { createFakeTime, noSleep, settle } from './fake-time.ts';
import { BODY, layeredMemory } from './memory.ts';

const FAIL: Fault = { type: 'fail' };
const LOSE: Fault = { type: 'lose-acknowledgement' };

function first(count: number, fault: Fault): FaultPlan {
  return ({ index }) => (index < count ? fault : undefined);
}

async function subject(plan: FaultPlan, options: RetryOptions = {}) {
  const counter = createCallCounter();
  const faults = createFaultInjector(plan);
  const retry = retryLayer({ sleep: noSleep, random: () => 0.5, ...options });
  const backend = await layeredMemory(counter.layer, faults.layer, retry);
  return { backend, faults, counter };
}

describe('retryLayer', () => {
  it('repeats what never reached the backend, also under a condition', async () => {
    const { backend, faults } = await subject(first(3, FAIL));
    await backend.write('key', BODY, { ifAbsent: true });
    expect(faults.calls).toBe(4);
    expect((await backend.read('key'))?.body).toEqual(BODY);
  });

  it('gives up after its attempts with the error of the last one', async () => {
    const { backend, faults } = await subject(() => FAIL, { attempts: 3 });
    await expect(backend.read('key')).rejects.toMatchObject({ code: 'UNAVAILABLE', operation: 'read' });
    expect(faults.calls).toBe(3);
  });

  it.each(['CONFLICT', 'TOO_LARGE', 'READ_ONLY', 'INTERNAL'] as const)('does not repeat %s', async (code) => {
    const { backend, faults } = await subject(() => ({ type: 'fail', error: new SecureStoreError(code, 'no') }));
    await expect(backend.write('key', BODY)).rejects.toMatchObject({ code });
    expect(faults.calls).toBe(1);
  });

  it('does not repeat an error of an unknown kind', async () => {
    const { backend, faults } = await subject(() => ({
      type: 'fail',
      error: new TypeError('bug') as SecureStoreError,
    }));
    await expect(backend.read('key')).rejects.toThrowError(TypeError);
    expect(faults.calls).toBe(1);
  });

  it('never repeats a conditional write, deletion or batch that may have taken place', async () => {
    const { backend, faults, counter } = await subject(() => undefined);
    const { etag } = await backend.write('key', BODY);
    counter.reset();
    faults.plan(() => LOSE);
    const unknown = { code: 'UNAVAILABLE', outcome: 'unknown' };
    await expect(backend.write('new', BODY, { ifAbsent: true })).rejects.toMatchObject(unknown);
    await expect(backend.delete('key', { ifMatch: etag })).rejects.toMatchObject(unknown);
    const newer = { type: 'write', key: 'newer', body: BODY, ifAbsent: true } as const;
    await expect(backend.batch?.([newer])).rejects.toMatchObject(unknown);
    expect(counter.calls.map(({ operation }) => operation)).toEqual(['write', 'delete', 'batch']);
  });

  it('never repeats a conditional write that timed out, whatever its error says of the outcome', async () => {
    const timedOut = new SecureStoreError('TIMEOUT', 'too slow');
    const { backend, faults } = await subject(() => ({ type: 'fail', error: timedOut }));
    await expect(backend.write('key', BODY, { ifAbsent: true })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(faults.calls).toBe(1);
    await expect(backend.read('key')).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(faults.calls).toBe(5);
  });

  it('repeats an unconditional write whose acknowledgement was lost', async () => {
    const { backend, counter } = await subject(first(1, LOSE));
    await backend.write('key', BODY);
    expect(counter.count('write')).toBe(2);
  });

  it('remembers that an earlier attempt may have taken place', async () => {
    const { backend } = await subject(({ index }) => (index === 0 ? LOSE : FAIL), { attempts: 3 });
    const failed = backend.write('key', BODY);
    await expect(failed).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
  });

  it('leaves the outcome known where no attempt reached the backend', async () => {
    const { backend } = await subject(() => FAIL);
    const error: unknown = await backend.write('key', BODY).catch((reason: unknown) => reason);
    expect(error).not.toHaveProperty('outcome');
  });

  it('pauses for a random part of a bound that doubles up to a limit', async () => {
    const time = createFakeTime();
    const options = { attempts: 6, baseDelay: 100, maxDelay: 500, sleep: time.sleep, random: () => 0.5 };
    const { backend } = await subject(() => FAIL, options);
    const failed = backend.read('key').catch((error: unknown) => error);
    for (let turn = 0; turn < 6; turn += 1) {
      await settle();
      await time.advance(1000);
    }
    expect(SecureStoreError.is(await failed, 'UNAVAILABLE')).toBe(true);
    expect(time.slept).toEqual([50, 100, 200, 250, 250]);
  });

  it('stops retrying when the budget is spent, and earns it back by successes', async () => {
    let broken = true;
    const { backend, faults } = await subject(() => (broken ? FAIL : undefined), { attempts: 3, budget: 4 });
    const failing = async (): Promise<number> => {
      const before = faults.calls;
      await backend.read('key').catch(() => undefined);
      return faults.calls - before;
    };
    expect([await failing(), await failing(), await failing()]).toEqual([3, 3, 1]);
    broken = false;
    for (let turn = 0; turn < 11; turn += 1) await backend.read('key');
    broken = true;
    expect([await failing(), await failing()]).toEqual([2, 1]);
  });

  it('repeats all calls that fail at once because a server closes all connections', async () => {
    const { backend } = await subject(({ index }) => (index < 64 ? FAIL : undefined), { sleep: async () => undefined });
    const reads = Array.from({ length: 64 }, async (_, index) => backend.read(`key-${index}`));
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 64 }, () => undefined));
  });

  it('ends a pause at once when the caller aborts', async () => {
    const time = createFakeTime();
    const { backend, faults } = await subject(() => FAIL, { sleep: time.sleep });
    const controller = new AbortController();
    const failed = backend.write('key', BODY, { signal: controller.signal }).catch((error: unknown) => error);
    await settle();
    controller.abort(new Error('enough'));
    expect(await failed).toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
    expect(await failed).not.toHaveProperty('outcome');
    expect([faults.calls, time.sleeping()]).toEqual([1, 0]);
  });

  it('says that the outcome is unknown when the caller aborts after an attempt that may have taken place', async () => {
    const time = createFakeTime();
    const { backend } = await subject(() => LOSE, { sleep: time.sleep });
    const controller = new AbortController();
    const failed = backend.write('key', BODY, { signal: controller.signal }).catch((error: unknown) => error);
    await settle();
    controller.abort();
    expect(await failed).toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
  });
});
