import { ADVICE_IDS, ERROR_CODES, SecureStoreError } from '@securestore/core-format';
import { inContext } from '@securestore/objects/surface';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromProblem, statusOf, toProblem } from '../../src/index.ts';

const fallback = new SecureStoreError('UNAVAILABLE', 'no error');
const travelled = (error: SecureStoreError): SecureStoreError =>
  fromProblem(JSON.parse(JSON.stringify(toProblem(error))), fallback);

describe('an error as it travels', () => {
  it('has a type, a title and a status of its own for each code', () => {
    const problems = ERROR_CODES.map((code) => toProblem(new SecureStoreError(code, 'x')));
    expect(new Set(problems.map(({ type }) => type)).size).toBe(ERROR_CODES.length);
    expect(new Set(problems.map(({ title }) => title)).size).toBe(ERROR_CODES.length);
    for (const { code, type, status } of problems) {
      expect(type).toMatch(new RegExp(`^https://\\S+/docs/errors\\.md#${code.toLowerCase()}$`));
      expect(status).toBe(statusOf(code));
    }
  });

  it('arrives with everything but its cause and a defect', () => {
    const details = {
      retryable: true,
      operation: 'store',
      key: 'a',
      outcome: 'unknown',
      currentVersion: 'v',
      approvals: ['restore'],
      reason: 'job-running',
      option: 'history.versions',
      advice: [{ id: 'resume-job', job: 'rotation' }],
    } as const;
    const error = new SecureStoreError('LOCKED', 'busy', { ...details, cause: new Error('a secret path') });
    expect(travelled(error)).toMatchObject({ code: 'LOCKED', message: 'busy', ...details });
    expect(JSON.stringify(toProblem(error))).not.toContain('secret path');
    const defect = new SecureStoreError('INTERNAL', 'a secret', { ...details });
    expect(JSON.stringify(toProblem(defect))).not.toMatch(/a secret|rotation/);
    expect(travelled(defect)).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
  });

  it('says what happened without the name of a call in JavaScript, which has a field of its own', () => {
    const details = { operation: 'retrieveStream', key: 'a "b"' };
    const found = new SecureStoreError('NOT_FOUND', 'no such object');
    const whole = inContext(found, details.operation, details.key, undefined);
    expect(whole.message).toBe('retrieveStream "a \\"b\\"": no such object');
    expect(toProblem(whole)).toMatchObject({ detail: 'no such object', ...details });
    const other = new SecureStoreError('TIMEOUT', 'write: too slow', { operation: 'list' });
    const listing = inContext(other, 'list', undefined, undefined);
    expect(toProblem(listing).detail).toBe('write: too slow');
    // The caller's own words begin the message on the other side.
    expect(travelled(whole as SecureStoreError)).toMatchObject({ message: 'no such object', detail: 'no such object' });
  });

  it('arrives without advice about the machine of whoever asks, such as to remove a file', () => {
    const advice = [
      { id: 'delete-anchor', path: '/home/ann/.ssh' },
      { id: 'install-package', package: 'evil' },
      { id: 'restrict-file', path: '/etc/passwd' },
      { id: 'accept-rollback' },
      { id: 'trust-first-use' },
      { id: 'try-again' },
    ];
    const sent = { ...toProblem(new SecureStoreError('ROLLBACK', 'x')), advice };
    expect(fromProblem(sent, fallback).advice).toEqual([{ id: 'try-again' }]);
  });

  it('arrives without advice about another store of whoever asks', () => {
    const source = 'file:/home/ann/vault';
    const advice = [
      { id: 'resume-migration', source, target: 's3://evil/bucket' },
      { id: 'cancel-migration', source },
      { id: 'reopen-source', source },
      { id: 'list-jobs' },
    ];
    const sent = { ...toProblem(new SecureStoreError('LOCKED', 'x')), advice };
    expect(fromProblem(sent, fallback).advice).toEqual([{ id: 'list-jobs' }]);
  });

  it('is the fallback if it is none, and never more than texts and known advice', () => {
    for (const odd of [null, undefined, 'x', [], {}, { code: 'LOCKED' }, { code: 1, detail: 'x' }]) {
      expect(fromProblem(odd, fallback)).toBe(fallback);
    }
    const sent = fc.record({ code: fc.string(), detail: fc.string() }, { requiredKeys: ['code', 'detail'] });
    fc.assert(
      fc.property(sent, fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (told, more, advice) => {
        const error = fromProblem({ ...more, ...told, advice }, fallback);
        expect(ERROR_CODES).toContain(error.code);
        for (const { id } of error.advice ?? []) expect(ADVICE_IDS).toContain(id);
        for (const field of ['operation', 'key', 'reason', 'option', 'currentVersion'] as const) {
          expect(['string', 'undefined']).toContain(typeof error[field]);
        }
      }),
    );
  });
});
