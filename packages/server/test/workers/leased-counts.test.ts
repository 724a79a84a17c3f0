import { asyncProperty, assert, array, constantFrom, integer, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { LocalCounts } from '../../src/limits/counts.ts';
import { LeasedCounts } from '../../src/limits/leased-counts.ts';
import { resolveLimits } from '../../src/limits/limits.ts';

/** Counts of two workers, whose questions are answered later. */
function workers(limits: object): {
  readonly central: LocalCounts;
  readonly all: readonly LeasedCounts[];
  readonly clock: FakeClock;
} {
  const clock = new FakeClock();
  const resolved = resolveLimits(limits);
  const central = new LocalCounts(resolved, clock);
  const owner = {
    grant: async (...asked: Parameters<LocalCounts['grant']>) => {
      await Promise.resolve();
      return central.grant(...asked);
    },
    free: (...given: Parameters<LocalCounts['free']>) => central.free(...given),
    grantRequests: async (name: string, wanted: number) => central.grantRequests(name, wanted),
  };
  return { central, clock, all: [0, 1].map(() => new LeasedCounts(owner, resolved, 2, clock)) };
}

const STEP = record({ worker: integer({ min: 0, max: 1 }), what: constantFrom('enter', 'enter', 'leave') });

describe('places that workers hold together', () => {
  it.each([1, 2, 3, 40, 200])('are never more than %i, and all come back', async (limit) => {
    await assert(
      asyncProperty(array(array(STEP, { maxLength: 20 }), { maxLength: 20 }), async (rounds) => {
        const { all, central } = workers({ concurrencyPerCaller: limit });
        const held = [0, 0];
        for (const round of rounds) {
          await Promise.all(
            round.map(async ({ worker, what }) => {
              const counts = all[worker];
              if (what === 'enter') {
                if ((await counts?.enter('caller', 'ann')) === true) held[worker] = (held[worker] ?? 0) + 1;
              } else if ((held[worker] ?? 0) > 0) {
                held[worker] = (held[worker] ?? 0) - 1;
                counts?.leave('caller', 'ann');
              }
              if ((held[0] ?? 0) + (held[1] ?? 0) > limit) throw new Error('more than there are');
            }),
          );
        }
        for (const [worker, counts] of all.entries()) {
          for (; (held[worker] ?? 0) > 0; held[worker] = (held[worker] ?? 0) - 1) counts.leave('caller', 'ann');
        }
        // What workers keep is less than a quarter of the limit, and nothing of a low one.
        const free = central.grant('caller', 'ann', limit);
        if (free < (limit < 64 ? limit : (limit * 3) / 4)) throw new Error(`only ${free} of ${limit} came back`);
      }),
      { numRuns: 100 },
    );
  });

  it('that are not used for a while are given back', async () => {
    const { all, central, clock } = workers({ concurrencyPerCaller: 320 });
    const [one] = all;
    expect(await one?.enter('caller', 'ann')).toBe(true);
    one?.leave('caller', 'ann');
    expect(central.grant('caller', 'ann', 320)).toBe(310);
    central.free('caller', 'ann', 310);
    await clock.pass(3000);
    expect(central.grant('caller', 'ann', 320)).toBe(320);
  });
});

describe('requests of a rate', () => {
  it('are never more than the rate allows, and do not last', async () => {
    const { all, clock } = workers({ ratePerCaller: 320 });
    const [one, other] = all;
    let passed = 0;
    while ((await one?.spend('ann')) === true || (await other?.spend('ann')) === true) passed += 1;
    expect(passed).toBe(640);
    await clock.pass(1000);
    expect(await one?.spend('ann')).toBe(true);
    // What the worker still has of that second is void a second later: it asks again.
    await clock.pass(60_000, 1000);
    for (passed = 0; (await other?.spend('ann')) === true;) passed += 1;
    expect(passed).toBe(640);
    expect(await one?.spend('ann')).toBe(false);
  });
});
