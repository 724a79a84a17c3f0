import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADVICE_IDS, parseAdvice, SecureStoreError } from '../../src/index.ts';

describe('advice from another program', () => {
  it('stays as it is if its ids and parameters are known', () => {
    const advice = [
      { id: 'resume-job', job: 'rotation' },
      { id: 'restore-object', key: 'db/password' },
      { id: 'restore-object' },
      { id: 'try-again' },
    ];
    expect(parseAdvice(advice)).toEqual(advice);
  });

  it('loses ids that are not known, and what lacks a parameter or has one of another type', () => {
    const odd = [
      { id: 'format-disk' },
      { id: 'constructor' },
      { id: 'resume-job' },
      { id: 'resume-job', job: 1 },
      { id: 'restore-object', key: null },
      { id: 'open-at', url: 'x'.repeat(8193) },
      'try-again',
      null,
    ];
    for (const one of odd) expect(parseAdvice([one])).toEqual([]);
    expect(parseAdvice([{ id: 'resume-job', job: 'a', also: 'b' }])).toEqual([{ id: 'resume-job', job: 'a' }]);
    expect(parseAdvice({ id: 'try-again' })).toEqual([]);
  });

  it('is of known ids with texts alone, whatever comes', () => {
    const some = fc.record({ id: fc.constantFrom(...ADVICE_IDS), job: fc.jsonValue(), key: fc.jsonValue() });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(some)), (sent) => {
        const read = parseAdvice(sent);
        expect(read.length).toBeLessThanOrEqual(8);
        for (const one of read) {
          expect(ADVICE_IDS).toContain(one.id);
          expect(Object.values(one).every((value) => typeof value === 'string')).toBe(true);
        }
      }),
    );
  });
});

describe('a copy of an error', () => {
  it('has what the first one has, but for what is changed', () => {
    const cause = new Error('disk');
    const error = new SecureStoreError('LOCKED', 'busy', {
      reason: 'job-running',
      advice: [{ id: 'wait-for-job', job: 'rotation' }],
      key: 'a',
      retryable: true,
      cause,
    });
    const copy = SecureStoreError.from(error, { message: 'still busy', key: undefined });
    expect(copy).toMatchObject({
      code: 'LOCKED',
      message: 'still busy',
      reason: 'job-running',
      retryable: true,
      cause,
    });
    expect(copy.advice).toEqual(error.advice);
    expect(copy.key).toBeUndefined();
  });
});
