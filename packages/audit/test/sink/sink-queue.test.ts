import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AuditEvent, AuditMode } from '../../src/index.ts';
import { closeOf, endOf, openLog, testSink } from '../support/logs.ts';
import { audit, newAuditor, newStore, short } from '../support/world.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const MODES: readonly AuditMode[] = ['batched', 'fail-closed'];
const store = await newStore(await newAuditor());

const read = (object: string): AuditEvent => ({ action: 'read', outcome: 'allowed', object });
const full = async (): Promise<never> => {
  throw new SecureStoreError('NO_SPACE', 'the disk is full');
};

it('a sink gets each entry once and in its order, or it is counted, whatever happens to it (property)', async () => {
  const step = fc.oneof(
    fc.constant('fine' as const),
    fc.constant('fails' as const),
    fc.integer({ min: 1, max: 3000 }).map((late) => ({ late })),
  );
  const steps = fc.array(step, { maxLength: 12 });
  const counts = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(steps, counts, fc.constantFrom(...MODES), async (behaviours, records, mode) => {
      const left = [...behaviours];
      const sink = testSink('odd', async () => {
        const next = left.shift() ?? 'fine';
        if (next === 'fails') return full();
        return next === 'fine' ? undefined : clock.sleep(next.late);
      });
      const { log, clock } = await openLog(store, [{ sink: sink.sink, queue: 8, timeout: 500 }], { mode });
      const ends: Promise<string>[] = [];
      for (const count of records) {
        for (let index = 0; index < count; index++) ends.push(endOf(log.record(read(`a/${index}`))));
        await clock.pass(1000, 50);
      }
      // Everybody has an answer in bounded time.
      await clock.pass(10_000);
      const answers = await Promise.all(ends);
      await clock.pass(60_000);
      // Also a write that is given up may still end meanwhile.
      const closed = await closeOf({ log, clock });
      const [stats] = log.stats;
      if (stats?.lost !== 0) expect(closed).toBe('UNAVAILABLE');
      expect(sink.most).toBeLessThanOrEqual(1);
      const numbers = sink.lines.slice(1).map((line) => (JSON.parse(line) as { sequence: number }).sequence);
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      expect(numbers).toHaveLength(stats?.written ?? -1);
      expect(numbers.length + (stats?.lost ?? 0)).toBe(log.end.count);
      if (mode === 'fail-closed')
        expect(answers.filter((end) => end === 'done').length).toBeLessThanOrEqual(numbers.length);
      else expect(new Set(answers).size).toBeLessThanOrEqual(1);
      const problems = short(await audit(store, sink.lines));
      expect(problems.every((problem) => problem.startsWith('deleted'))).toBe(true);
      expect(problems.length === 0).toBe(stats?.lost === 0 || (numbers.at(-1) ?? 0) === numbers.length);
    }),
    { numRuns: TORTURE ? 3000 : 60 },
  );
});
