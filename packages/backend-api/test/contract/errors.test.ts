import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import {
  abortedError,
  checkParameters,
  closedError,
  conflictError,
  damagedError,
  failedError,
  layoutError,
  storeUrlError,
  optionError,
  timeoutError,
} from '../../src/index.ts';

const site = { backend: 'probe', operation: 'write', key: 'o/a' } as const;
const init = { backend: 'probe', operation: 'init' } as const;

const refuse = (problem: string, parameter?: string): never => {
  throw new SecureStoreError('INVALID_ARGUMENT', problem, { option: parameter });
};

const check =
  (query: string, known = ['region', 'endpoint']) =>
  (): void =>
    checkParameters(new URLSearchParams(query), known, refuse);

describe('the error of a call', () => {
  const failure = { code: 'UNAUTHENTICATED', reason: 'the server refuses the user', advice: [] } as const;

  it.each([
    ['init', 'probe: cannot open the store: the server refuses the user'],
    ['read', 'probe: cannot read: the server refuses the user'],
    ['batch', 'probe: cannot write: the server refuses the user'],
    ['deleteMany', 'probe: cannot delete: the server refuses the user'],
  ])('of %s says what could not be done, and why', (operation, message) => {
    expect(failedError({ backend: 'probe', operation }, failure)).toMatchObject({ message, operation });
  });

  it('has the code, the advice and the cause, and the sentence about the change if that may have been made', () => {
    const cause = new Error('reset');
    const advice = [{ id: 'try-again' }] as const;
    const error = failedError(
      { ...site },
      { code: 'UNAVAILABLE', reason: 'the server cannot be reached', retryable: false, advice },
      { outcome: 'unknown', cause },
    );
    expect(error.message).toBe('probe: cannot write: the server cannot be reached. The change may have been made.');
    expect(error).toMatchObject({ ...site, code: 'UNAVAILABLE', retryable: false, advice, outcome: 'unknown', cause });
  });

  it.each([
    [conflictError(site), 'probe: the condition on o/a does not hold. Nothing was changed.', ['read-again']],
    [
      conflictError(site, 2),
      'probe: the condition on o/a does not hold (operation 2 of the batch). Nothing was changed.',
      ['read-again'],
    ],
    [abortedError(site, 'enough'), 'probe: write was aborted. Nothing was changed.', []],
    [abortedError(site, 'enough', 'unknown'), 'probe: write was aborted. The change may have been made.', []],
    [closedError(init), 'probe: cannot open the store: the backend is not open', ['reopen-store']],
    [timeoutError(init, 50), 'probe: init took over 50 ms', []],
    [timeoutError(site, 50, 'unknown'), 'probe: write of o/a took over 50 ms. The change may have been made.', []],
    [damagedError(site), 'probe: the body of o/a is incomplete', ['repair-object', 'restore-store']],
    [
      layoutError(init, 3, 2, '@securestore/probe'),
      'probe: the store has layout 3, but this release of @securestore/probe reads layout 2',
      ['use-newer-release'],
    ],
  ])('%s', (error, message, advice) => {
    expect(error.message).toBe(message);
    expect((error.advice ?? []).map(({ id }) => id)).toEqual(advice);
  });
});

describe('the error of a setting', () => {
  it('names the option, and never begins with anything else', () => {
    expect(optionError('probe', 'timeout', 'be a number')).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'the option "timeout" of probe must be a number',
      option: 'timeout',
      operation: 'init',
    });
  });

  it('of a store URL advises its form, and names the parameter', () => {
    expect(storeUrlError('probe', 'the store URL must name a host', 'probe://host')).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'probe: the store URL must name a host',
      advice: [{ id: 'give-store-url', form: 'probe://host' }],
    });
    expect(storeUrlError('probe', 'x', 'probe://host', 'region').option).toBe('region');
  });

  it('of parameters names what is known, and never a parameter that is not', () => {
    expect(check('region=a&endpoint=b')).not.toThrow();
    expect(check('canary-7731=x')).toThrow(
      expect.objectContaining({
        message: 'unknown parameter in the store URL, which may have region and endpoint',
      }),
    );
    expect(check('region=a&region=b')).toThrow(
      expect.objectContaining({
        message: 'the parameter "region" of the store URL must be given once',
        option: 'region',
      }),
    );
    expect(check('canary-7731=x', 'abcdefghi'.split(''))).toThrow(/^unknown parameter in the store URL$/);
  });
});
