import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { atStoreUrl, inCall, inContext, SourceError } from '../../src/api/call-boundary.ts';

const found = new SecureStoreError('NOT_FOUND', 'no such object');

describe('the detail of an error of a call', () => {
  it.each([
    ['with a key', inContext(found, 'info', 'a', undefined), 'info "a": no such object', 'no such object'],
    ['without one', inContext(found, 'list', undefined, undefined), 'list: no such object', 'no such object'],
    [
      'of the source of the data',
      inContext(new SourceError('x', { cause: new Error('y') }), 'store', 'a', undefined),
      'store "a": the data to store could not be read',
      'the data to store could not be read',
    ],
    [
      'of a defect',
      inContext(new Error('x'), 'info', 'a', undefined),
      'info "a": unexpected error',
      'unexpected error',
    ],
    ['of an abort', inContext(new Error('x'), 'info', 'a', AbortSignal.abort()), 'info "a": aborted', 'aborted'],
    // No field has the store URL.
    [
      'of a store URL',
      atStoreUrl(new SecureStoreError('NOT_FOUND', 'no store is there'), 'open', 'file:/a', undefined),
      'open file:/a: no store is there',
      'file:/a: no store is there',
    ],
    [
      'of a path that the message begins with',
      atStoreUrl(new SecureStoreError('NOT_FOUND', '/a: no store is there'), 'open', 'file:/a', undefined),
      'open file:/a: no store is there',
      'file:/a: no store is there',
    ],
  ])('%s is its message without the call and the key', (_, error, message, detail) => {
    expect([error.message, (error as SecureStoreError).detail]).toEqual([message, detail]);
  });

  it('stays if the error passes through another call', async () => {
    const inner = inCall(
      'info',
      'a',
      () => undefined,
      () => Promise.reject(found),
    );
    const outer = inCall(
      'copy',
      undefined,
      () => undefined,
      () => inner,
    );
    await expect(outer).rejects.toMatchObject({
      message: 'copy: info "a": no such object',
      detail: 'no such object',
      operation: 'copy',
      key: 'a',
    });
  });
});
