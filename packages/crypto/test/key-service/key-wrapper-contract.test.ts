import { describe, expect, it } from 'vitest';
import { checkKeyWrapper, describeKeyWrapper, FAULTY_KEY_WRAPPERS, memoryKeyService } from '../../src/testing.ts';

describeKeyWrapper({ describe, it }, memoryKeyService());

const noticed = new Set<string>();

describe('the contract of key wrappers', () => {
  it.each(FAULTY_KEY_WRAPPERS)('notices a wrapper that $name', async ({ make, noticedBy }) => {
    const results = await checkKeyWrapper(make());
    const failed = results.filter(({ status }) => status === 'failed').map(({ test }) => test);
    for (const begin of noticedBy)
      expect(
        failed.filter((test) => test.startsWith(begin)),
        begin,
      ).toHaveLength(1);
    for (const test of failed) noticed.add(test);
  });

  it('has no test that no faulty wrapper fails', async () => {
    const all = await checkKeyWrapper(memoryKeyService());
    expect(all.map(({ test }) => test).filter((test) => !noticed.has(test))).toEqual([]);
    expect(all.every(({ status }) => status === 'passed')).toBe(true);
  });

  it('says what it could not test, and why', async () => {
    const { name, open } = memoryKeyService();
    const results = await checkKeyWrapper({ name, open });
    expect(results.filter(({ status }) => status === 'skipped')).toEqual([
      expect.objectContaining({ reason: 'unreachable() is not given' }),
      expect.objectContaining({ reason: 'refused() is not given' }),
      expect.objectContaining({ reason: 'unreachable() is not given' }),
    ]);
  });
});
