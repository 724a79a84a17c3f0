import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { failure } from '../../objects/test/support/stores.ts';
import type { HealthSource } from '../src/index.ts';
import { Health } from '../src/index.ts';
import { checkOf, world } from './support/world.ts';

describe('health', () => {
  it('refuses options and thresholds that there are not, and wrong ones', async () => {
    const { health, store } = await world();
    const wrong: unknown[] = [
      null,
      [],
      { deep: true },
      { timeout: 0 },
      { timeout: 'x' },
      { signal: {} },
      { names: 'all' },
      { thresholds: [] },
      { thresholds: { slow: 1 } },
      { thresholds: { slowAfter: -1 } },
      { thresholds: { slowAfter: Number.NaN } },
      { thresholds: { slowAfter: '1' } },
      { thresholds: { maxErrorRate: 2 } },
    ];
    for (const options of wrong) await failure(health.check(options as never), 'INVALID_ARGUMENT');
    expect(() => new Health(store, { thresholds: { minFreeShare: 7 } })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('can be aborted, and refuses a store that has been closed', async () => {
    const { health, store, injector, clock } = await world();
    injector.plan(() => ({ type: 'delay', until: clock.sleep(1000, undefined, { ref: false }) }));
    const controller = new AbortController();
    const checking = health.check({ signal: controller.signal });
    controller.abort();
    await failure(checking, 'ABORTED');
    injector.plan(undefined);
    clock.advance(10_000);
    await store.close();
    await failure(health.check(), 'UNAVAILABLE');
  });

  it('goes on without a source that throws or never answers, and says so', async () => {
    const throwing: HealthSource = {
      names: ['thrown'],
      check: async () => {
        throw new SecureStoreError('ACCESS_DENIED', 'not for you');
      },
    };
    const broken: HealthSource = {
      names: ['broken'],
      check: async () => {
        throw new Error('a secret of somebody');
      },
    };
    const silent: HealthSource = { names: ['one', 'another'], check: () => new Promise(() => undefined) };
    const silentToo: HealthSource = { names: ['backend'], check: () => new Promise(() => undefined) };
    const { health, clock } = await world({ sources: [throwing, broken, silent, silentToo] });
    const checking = health.check();
    for (let step = 0; step < 20; step++) {
      await new Promise(setImmediate);
      clock.advance(1000);
    }
    const report = await checking;
    expect(checkOf(report, 'thrown')).toMatchObject({
      status: 'failing',
      reason: 'the check failed (ACCESS_DENIED): not for you',
      advice: expect.stringContaining('credentials'),
    });
    expect(checkOf(report, 'broken')).toMatchObject({ status: 'failing', reason: expect.stringContaining('INTERNAL') });
    expect(JSON.stringify(report)).not.toContain('secret of somebody');
    for (const name of ['one', 'another']) {
      const [reason, advice] = ['there was no answer within 10 s', 'see the check "backend", or allow more time'];
      expect(checkOf(report, name)).toMatchObject({ status: 'failing', reason, advice });
    }
    const ofBackend = report.checks.filter(({ name }) => name === 'backend');
    expect(ofBackend.map(({ status }) => status)).toEqual(['ok', 'failing']);
    // It does not advise to look at itself.
    expect(ofBackend[1]?.advice).toMatch(/^see whether the server is overloaded.*; or allow more time$/);
  });
});
