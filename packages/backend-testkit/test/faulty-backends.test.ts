import { describe, expect, it } from 'vitest';
import { FAULTY_BACKENDS, runConformance } from '../src/index.ts';
import { memoryFixture, withEverything, withoutOptional } from './fixtures.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

/** In a short run one that each concern finds. */
const TRIED = FAULTY_BACKENDS.filter(
  ({ foundBy }, at) => LONG || FAULTY_BACKENDS.findIndex((other) => other.foundBy === foundBy) === at,
);

describe('the suite passes', () => {
  it('on a backend that has every capability it tests, skipping nothing', async () => {
    const { results } = await runConformance({ name: 'sound', createFixture: () => memoryFixture(withEverything) });
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });

  it('on a backend that has no optional capability, saying for each skip why', async () => {
    const { results } = await runConformance({ name: 'plain', createFixture: () => memoryFixture(withoutOptional) });
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
    const reasons = results.map((result) => (result.status === 'skipped' ? result.reason : ''));
    const expected = [
      '',
      'atomicBatch is absent',
      'conditionalDelete is absent',
      'deleteMany is absent',
      'it has no localPath',
      'now is absent',
    ];
    expect([...new Set(reasons)].toSorted()).toEqual(expected);
  });
});

describe('the suite fails on a backend that breaks one promise', () => {
  const proven = new Set<string>();

  for (const { name, breaks, foundBy, wrap } of TRIED) {
    it(`${name}: ${breaks}`, async () => {
      const { results } = await runConformance({ name, operations: 250, createFixture: () => memoryFixture(wrap) });
      const failed = results.filter(({ status }) => status === 'failed');
      expect(failed.map(({ concern }) => concern)).toContain(foundBy);
      for (const { concern, test } of failed) proven.add(`${concern}: ${test}`);
    });
  }

  it.runIf(LONG)(onlyLong('and each of its tests has failed on one of them'), async () => {
    const sound = [withEverything, withoutOptional];
    const reports = sound.map(async (wrap) =>
      runConformance({ name: 'sound', createFixture: () => memoryFixture(wrap) }),
    );
    const results = (await Promise.all(reports)).flatMap((report) => report.results);
    const all = new Set(results.map(({ concern, test }) => `${concern}: ${test}`));
    expect([...all.difference(proven)]).toEqual([]);
  });
});
