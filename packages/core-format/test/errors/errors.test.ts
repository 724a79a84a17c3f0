import { describe, expect, it } from 'vitest';
import { exitCodeOf, isDamage, SecureStoreError } from '../../src/index.ts';

describe('SecureStoreError', () => {
  it('carries its code, exit code and what is known', () => {
    const cause = new Error('disk');
    const error = new SecureStoreError('CONFLICT', 'changed', {
      key: 'a',
      operation: 'store',
      currentVersion: 'v',
      cause,
    });
    expect(error).toMatchObject({
      code: 'CONFLICT',
      exitCode: 6,
      key: 'a',
      operation: 'store',
      currentVersion: 'v',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('SecureStoreError');
    expect(Object.keys(new SecureStoreError('INTERNAL', 'x'))).toEqual(['code', 'retryable']);
  });

  it('has its message without the call and the key, if it is told that, and keeps both in a copy', () => {
    const bare = new SecureStoreError('NOT_FOUND', 'no such object');
    expect(bare.detail).toBe('no such object');
    const details = { operation: 'info', key: 'a', detail: 'no such object' };
    const error = new SecureStoreError('NOT_FOUND', 'info "a": no such object', details);
    expect(Object.keys(error)).not.toContain('detail');
    expect(SecureStoreError.from(error, { key: 'b' })).toMatchObject({
      message: error.message,
      detail: 'no such object',
    });
    const other = SecureStoreError.from(error, { message: 'nothing is there' });
    expect([other.message, other.detail]).toEqual(['nothing is there', 'nothing is there']);
    const both = SecureStoreError.from(error, { message: 'get "a": nothing', detail: 'nothing' });
    expect([both.message, both.detail]).toEqual(['get "a": nothing', 'nothing']);
  });

  it('is retryable by its code, unless it says otherwise', () => {
    expect(new SecureStoreError('THROTTLED', 'x').retryable).toBe(true);
    expect(new SecureStoreError('UNAVAILABLE', 'x', { retryable: false }).retryable).toBe(false);
    expect(new SecureStoreError('INTEGRITY', 'x').retryable).toBe(false);
  });

  it('is recognised across copies of the package, by code if one is given', () => {
    const copy = Object.assign(Object.create({ [Symbol.for('securestore.error')]: true }), { code: 'NOT_FOUND' });
    expect(SecureStoreError.is(copy)).toBe(true);
    expect(SecureStoreError.is(copy, 'NOT_FOUND')).toBe(true);
    expect(SecureStoreError.is(copy, 'CONFLICT')).toBe(false);
    for (const other of [undefined, null, 'NOT_FOUND', new Error('x'), { code: 'NOT_FOUND' }]) {
      expect(SecureStoreError.is(other)).toBe(false);
    }
  });

  it('says damage where something is not as it was written, or can not be read by this release', () => {
    expect(isDamage(new SecureStoreError('INTEGRITY', 'x'))).toBe(true);
    expect(isDamage(new SecureStoreError('FORMAT_VERSION', 'x'))).toBe(true);
    for (const other of ['ROLLBACK', 'UNAVAILABLE', 'KEY_DESTROYED'] as const) {
      expect(isDamage(new SecureStoreError(other, 'x'))).toBe(false);
    }
    expect(isDamage(new Error('INTEGRITY'))).toBe(false);
  });

  it('has the documented exit codes', () => {
    expect(exitCodeOf('NOT_FOUND')).toBe(3);
    expect(exitCodeOf('ABORTED')).toBe(130);
    expect(exitCodeOf('UNLOCK_FAILED')).toBe(9);
  });
});
