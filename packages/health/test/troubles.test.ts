import type { Layer, NumberedCall } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { World } from './support/world.ts';
import { Health } from '../src/index.ts';
import { checkOf, DAY, troubles, world } from './support/world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';
import { extensionsOf } from '@securestore/objects/internal';

function failing(
  { injector }: Pick<World, 'injector'>,
  code: ErrorCode,
  when: (call: NumberedCall) => boolean = () => true,
) {
  injector.plan((call) =>
    when(call) ? { type: 'fail', error: new SecureStoreError(code, `planned: ${code}`) } : undefined,
  );
}

const isWrite = ({ operation }: NumberedCall): boolean => operation === 'write';

const LOOKS = sized({ short: 60, full: 1000, torture: 1000 });

/** A backend whose clock is a record of its own. */
const recorded: Layer = (inner) => Object.assign(forwardTo(inner, {}), { resetClock: async () => 0 });

describe('the health of a store', () => {
  it('is ok where nothing is wrong, and says so of each thing', async () => {
    const { health } = await world();
    const report = await health.check();
    expect(report.status).toBe('ok');
    const names = ['backend', 'latency', 'errors', 'head', 'clock', 'keys', 'capacity', 'scrub'];
    expect(report.checks.map(({ name }) => name)).toEqual(names);
    for (const { reason, advice } of report.checks) {
      expect(reason).not.toBe('');
      expect(advice).toBe('');
    }
    expect(health.last).toBe(report);
  });

  it('leaves nothing behind', async () => {
    const { health, place } = await world();
    await health.check();
    const backend = await place.open();
    expect((await backend.list('g/')).entries).toEqual([]);
  });

  it('fails where the server is stopped', async () => {
    const target = await world();
    failing(target, 'UNAVAILABLE');
    const report = await target.health.check();
    expect(report.status).toBe('failing');
    expect(checkOf(report, 'backend')).toMatchObject({
      status: 'failing',
      reason: 'it cannot be reached (UNAVAILABLE)',
      advice: expect.stringContaining('see that the server, or the disk, is there'),
    });
    expect(checkOf(report, 'head')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('UNAVAILABLE'),
    });
    expect(target.injector.calls).toBeLessThan(40);
    target.injector.plan(undefined);
    target.clock.advance(DAY);
    expect((await target.health.check()).status).toBe('ok');
  });

  it('fails where something else holds the backend, and says nothing of jobs', async () => {
    const target = await world();
    failing(target, 'LOCKED');
    const report = await target.health.check();
    expect(checkOf(report, 'backend')).toMatchObject({
      status: 'failing',
      reason: 'another program holds it (LOCKED)',
      advice: expect.stringContaining('which other program holds it'),
    });
    expect(JSON.stringify(report)).not.toContain('jobs');
    expect(checkOf(report, 'head').reason).toContain('planned: LOCKED');
  });

  it('ends in time where the server never answers', async () => {
    const { health, injector, clock } = await world();
    injector.plan(() => ({ type: 'delay', until: new Promise(() => undefined) }));
    const begun = clock.now();
    const checking = health.check({ timeout: 3000 });
    for (let step = 0; step < 40; step++) {
      await new Promise(setImmediate);
      clock.advance(100);
    }
    const report = await checking;
    expect(report.took).toBeLessThanOrEqual(3000);
    expect(clock.now() - begun).toBe(4000);
    expect(checkOf(report, 'backend')).toMatchObject({
      status: 'failing',
      reason: 'it does not answer in time (TIMEOUT)',
      advice: expect.stringContaining('overloaded'),
    });
    expect(checkOf(report, 'head')).toMatchObject({ status: 'failing' });
    // What was given up has failed, though nobody was told so.
    expect(checkOf(report, 'errors')).toMatchObject({
      status: expect.not.stringMatching('ok'),
      reason: expect.stringMatching(/\d+ of \d+ calls.* failed \(\d+ × TIMEOUT\)/),
      advice: expect.stringContaining('overloaded'),
    });
  });

  it.each([true, false])('has no failure by what it had no time for (with a meter: %s)', async (isMetered) => {
    const { health, injector, clock, store } = await world();
    const looking = isMetered ? health : new Health(store, { monotonic: () => clock.uptime() });
    injector.plan(() => ({ type: 'delay', until: clock.sleep(330) }));
    for (let look = 0; look < 3; look++) expect(troubles(await looking.check())).toEqual({});
  });

  it('is not slow by a single call that was', async () => {
    const { health, injector, clock } = await world();
    const slow = (count: number): void => {
      let left = count;
      injector.plan(({ operation }) => {
        if (operation !== 'write' || left-- <= 0) return undefined;
        return { type: 'delay', until: clock.sleep(1500) };
      });
    };
    slow(1);
    expect(checkOf(await health.check(), 'latency').status).toBe('ok');
    slow(2);
    expect(checkOf(await health.check(), 'latency').status).toBe('degraded');
  });

  it('is degraded where it is slow, and failing where it is very slow', async () => {
    const { health, injector, clock } = await world();
    const slow = (milliseconds: number): void =>
      injector.plan(() => ({ type: 'delay', until: clock.sleep(milliseconds) }));
    slow(1200);
    const report = await health.check();
    expect(troubles(report)).toEqual({ latency: 'degraded' });
    expect(checkOf(report, 'latency')).toMatchObject({
      reason: expect.stringContaining('over 1000 ms'),
      advice: expect.stringContaining('how far away'),
      figures: { p50: 1200, p95: 1200, p99: 1200 },
    });
    slow(6000);
    const worse = await health.check({ timeout: 60_000 });
    const generous = { timeout: 60_000, thresholds: { slowAfter: 7000 } };
    expect(checkOf(await health.check(generous), 'latency').status).toBe('ok');
    expect(checkOf(worse, 'latency')).toMatchObject({ status: 'failing', reason: expect.stringContaining('over 5 s') });
    expect(
      checkOf(await health.check({ timeout: 60_000, thresholds: { slowAfter: 7000, failingAfter: 9000 } }), 'latency')
        .status,
    ).toBe('ok');
  });

  it('is degraded where every tenth call fails', async () => {
    const target = await world();
    failing(target, 'UNAVAILABLE', ({ index }) => index % 10 === 0);
    for (let round = 0; round < 5; round++) {
      const report = await target.health.check();
      expect(report.status).toBe('degraded');
      expect(checkOf(report, 'errors')).toMatchObject({
        status: 'degraded',
        reason: expect.stringMatching(/\d+ of \d+ calls.* failed \(\d+ × UNAVAILABLE\)/),
        advice: expect.stringContaining('network'),
      });
    }
  });

  it('is no more than degraded where most calls failed, and now none does', async () => {
    const target = await world();
    failing(target, 'UNAVAILABLE');
    for (let round = 0; round < 3; round++) await target.health.check();
    expect(checkOf(await target.health.check(), 'errors').status).toBe('failing');
    target.injector.plan(undefined);
    const report = await target.health.check();
    expect(troubles(report)).toEqual({ errors: 'degraded' });
    target.clock.advance(6 * 60_000);
    expect((await target.health.check()).status).toBe('ok');
  });

  it.each([
    ['ACCESS_DENIED', 'credentials'],
    ['NO_SPACE', 'make room'],
    ['TIMEOUT', 'overloaded'],
    ['UNAVAILABLE', 'the network on the way to it'],
  ] as const)('says what to do about calls of the program that fail with %s', async (code, advice) => {
    const target = await world();
    failing(target, code, ({ operation }) => operation === 'list');
    const backend = extensionsOf(target.store).health;
    for (let round = 0; round < 5; round++) await backend.count().catch(() => undefined);
    expect(checkOf(await target.health.check(), 'errors')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining(`5 × ${code}`),
      advice: expect.stringContaining(advice),
    });
  });

  it('fails where the disk is full', async () => {
    const target = await world();
    failing(target, 'NO_SPACE', isWrite);
    const report = await target.health.check();
    expect(checkOf(report, 'backend')).toMatchObject({
      status: 'failing',
      reason: 'there is no room left (NO_SPACE)',
      advice: expect.stringContaining('securestore gc'),
    });
    expect(checkOf(report, 'head').status).toBe('ok');
  });

  it('is degraded where there is little room left, and failing where there is next to none', async () => {
    const GIBIBYTE = 1024 ** 3;
    let free = 50 * GIBIBYTE;
    const telling: Layer = (inner) => Object.assign(inner, { capacity: async () => ({ free, total: 100 * GIBIBYTE }) });
    const { health } = await world({ layers: [telling] });
    expect(checkOf(await health.check(), 'capacity')).toMatchObject({
      status: 'ok',
      reason: '50.0 GiB of 100.0 GiB are free (50 %)',
    });
    free = 4 * GIBIBYTE;
    expect(checkOf(await health.check(), 'capacity')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('5.0 GiB should be'),
      advice: expect.stringContaining('securestore gc'),
    });
    free = 0.4 * GIBIBYTE;
    expect(checkOf(await health.check(), 'capacity').status).toBe('failing');
    free = 99 * GIBIBYTE;
    expect(checkOf(await health.check({ thresholds: { minFreeBytes: 200 * GIBIBYTE } }), 'capacity')).toMatchObject({
      status: 'degraded',
      reason: '99.0 GiB of 100.0 GiB are free (99 %): the disk is smaller than the 200.0 GiB that should be',
    });
    const thresholds = { minFreeShare: 0, minFreeBytes: 1 };
    expect(checkOf(await health.check({ thresholds }), 'capacity').status).toBe('ok');
  });

  it('is degraded where the backend takes no writes', async () => {
    const target = await world();
    failing(target, 'READ_ONLY', isWrite);
    const report = await target.health.check();
    expect(checkOf(report, 'backend')).toMatchObject({ status: 'degraded', reason: 'it takes no writes (READ_ONLY)' });
  });

  it('is degraded where the backend asks for less', async () => {
    const target = await world();
    failing(target, 'THROTTLED', ({ index }) => index % 4 === 0);
    const report = await target.health.check();
    expect(report.status).toBe('degraded');
    expect(checkOf(report, 'errors')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('THROTTLED'),
      advice: 'raise the limits of the account, or send it less',
    });
  });

  it('tells what is only repeated, too', async () => {
    const { health, meter } = await world();
    for (let retry = 0; retry < 10; retry++) meter.onRetry(new SecureStoreError('THROTTLED', 'slow down'));
    expect(checkOf(await health.check(), 'errors')).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(
        /10 attempts had to be repeated for \d+ calls of the last five minutes \(10 × THROTTLED\)/,
      ),
      advice: expect.stringContaining('raise the limits'),
    });
  });

  it.each(['ACCESS_DENIED', 'UNAUTHENTICATED'] as const)('fails where credentials have expired (%s)', async (code) => {
    const target = await world();
    failing(target, code);
    const report = await target.health.check();
    expect(checkOf(report, 'backend')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining(code),
      advice: expect.stringContaining('renew the credentials'),
    });
    expect(checkOf(report, 'head')).toMatchObject({
      status: 'failing',
      advice: expect.stringContaining('credentials'),
    });
  });

  it('is degraded where keys are older than the store says', async () => {
    const { health, clock } = await world({ rotation: { days: 30 } });
    clock.advance(30.9 * DAY);
    expect((await health.check()).status).toBe('ok');
    clock.advance(0.2 * DAY);
    const report = await health.check();
    expect(troubles(report)).toEqual({ keys: 'degraded' });
    expect(checkOf(report, 'keys')).toMatchObject({
      reason: expect.stringContaining('31 d old: a rotation is due'),
      advice: expect.stringContaining('securestore rotate'),
    });
    expect((await health.check({ thresholds: { maxKeyAge: Infinity } })).status).toBe('ok');
  });

  it('is degraded where the clocks are a little apart, and failing where writes are refused', async () => {
    let ahead = 0;
    const { health } = await world({ backendAhead: () => ahead });
    expect(checkOf(await health.check(), 'clock').status).toBe('ok');
    ahead = 3 * 60_000;
    expect(checkOf(await health.check(), 'clock')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('this machine is behind'),
      advice: expect.stringContaining('NTP'),
    });
    ahead = -11 * 60_000;
    const { health: other } = await world({ backendAhead: () => ahead });
    expect(checkOf(await other.check(), 'clock')).toMatchObject({
      status: 'failing',
      reason: expect.stringMatching(/this machine is ahead.*writes are refused/),
    });
  });

  it('tells a store whose record of the time is ahead from a machine that is behind', async () => {
    let ahead = 0;
    const { health } = await world({ backendAhead: () => ahead, layers: [recorded] });
    expect(checkOf(await health.check(), 'clock').status).toBe('ok');
    ahead = 3 * 60_000;
    expect(checkOf(await health.check(), 'clock')).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(/^the clock of the store is \d min ahead of this machine's/),
      advice: expect.stringContaining('nothing is to be done'),
    });
    ahead = 30 * DAY;
    expect(checkOf(await health.check(), 'clock')).toMatchObject({
      status: 'failing',
      reason: expect.stringMatching(/^the clock of the store is \d+ d ahead.*writes are refused/),
      advice: expect.stringContaining('securestore clock reset'),
    });
  });

  it('fails where the head does not advance', async () => {
    let isCached = false;
    const cache = new Map<string, unknown>();
    const caching: Layer = (inner) =>
      forwardTo(inner, {
        async read(key, options) {
          if (key !== 'store') return inner.read(key, options);
          const found = isCached ? cache.get(key) : await inner.read(key, options);
          cache.set(key, found);
          return found as Awaited<ReturnType<typeof inner.read>>;
        },
      });
    const { health, clock } = await world({ layers: [caching] });
    expect((await health.check()).status).toBe('ok');
    isCached = true;
    clock.advance(60_000);
    expect(checkOf(await health.check(), 'head')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('the manifest that the backend returns is out of date'),
      advice: expect.stringContaining('a cache, a proxy, a replica'),
    });
  });

  it('fails where an older head lies there, or none', async () => {
    const { health, place, store } = await world();
    const backend = await place.open();
    const before = await backend.read('store');
    await store.slots.add('another secret, that is long enough');
    await backend.write('store', before?.body ?? new Uint8Array());
    expect(checkOf(await health.check(), 'head')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('ROLLBACK'),
      advice: expect.stringContaining('who put it back'),
    });
    await backend.delete('store');
    expect(checkOf(await health.check(), 'head')).toMatchObject({
      status: 'failing',
      reason: 'the manifest of the store is gone',
    });
  });

  it('fails where other bytes come back than were written, or none', async () => {
    let answer: 'other' | 'gone' = 'other';
    const lying: Layer = (inner) =>
      forwardTo(inner, {
        async read(key, options) {
          const found = await inner.read(key, options);
          if (!key.startsWith('g/probe/') || found === undefined) return found;
          return answer === 'gone' ? undefined : { ...found, body: found.body.map((byte) => byte ^ 1) };
        },
      });
    const { health } = await world({ layers: [lying] });
    expect(checkOf(await health.check(), 'backend')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('INTEGRITY'),
    });
    answer = 'gone';
    expect(checkOf(await health.check(), 'backend')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('it was gone'),
    });
  });

  it(`is never other than ok in ${LOOKS} looks at a healthy store that is in use`, async () => {
    const { health, store, clock } = await world();
    for (let look = 0; look < LOOKS; look++) {
      await store.store(`k${look % 20}`, `${look}`);
      clock.advance(look % 7 === 0 ? 3_600_000 : 1000);
      const report = await health.check();
      expect(troubles(report), `look ${look}`).toEqual({});
    }
  });
});
