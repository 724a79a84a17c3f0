import type { ErrorCode, ErrorDetails, LockReason } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { unopened } from '../../src/index.ts';

const TIME = new Date(0);
const RESTORE =
  'cannot be repaired in place: restore it to a URL with nothing there, by "securestore restore <backup> --to';
const CHECK_STORE_URL = 'see that the store URL is the right one';

function adviceOf(code: ErrorCode, reason?: string, more: ErrorDetails = {}): string | undefined {
  const details = { ...more, reason: reason as LockReason | undefined };
  const report = unopened(new SecureStoreError(code, 'no store is here yet; ask the message', details), TIME);
  return report?.checks[0]?.advice;
}

describe('a store that cannot be opened', () => {
  it.each<[ErrorCode, string | undefined, string]>([
    ['NOT_FOUND', undefined, CHECK_STORE_URL],
    ['ROLLBACK', 'missing', CHECK_STORE_URL],
    ['ROLLBACK', undefined, 'find out who put it back'],
    ['INTEGRITY', 'incomplete', 'nothing is damaged'],
    ['INTEGRITY', undefined, RESTORE],
    ['LOCKED', 'incomplete', 'nothing is damaged'],
    ['LOCKED', 'restoring', '"securestore restore" resumes it'],
    ['LOCKED', 'migrating', '"securestore migrate" resumes it'],
    ['LOCKED', 'rotating', '"securestore rotate --resume" resumes it'],
    ['LOCKED', 'job-running', '"securestore job"'],
    ['LOCKED', 'scratch', 'made for a drill'],
    ['LOCKED', 'backend', 'which other program holds it'],
    ['LOCKED', undefined, 'which other program holds it'],
    ['LOCKED', 'reason-of-a-newer-release', 'which other program holds it'],
  ])('is advised by its code and reason, whatever its message says: %s %s', (code, reason, advice) => {
    expect(adviceOf(code, reason)).toContain(advice);
  });

  it('that has moved is advised to be opened at its new URL', () => {
    const advice = [{ id: 'open-at', url: 'file:./there' }] as const;
    expect(adviceOf('LOCKED', 'migrated', { advice })).toBe('open the store at file:./there');
    expect(adviceOf('LOCKED', 'migrated')).toBe('open the store at the URL that it has moved to');
  });

  it('says why in the words of its error', () => {
    const report = unopened(new SecureStoreError('LOCKED', 'the store is being restored.'), TIME, 7);
    expect(report).toMatchObject({ status: 'failing', time: TIME, took: 7 });
    expect(report?.checks).toMatchObject([
      { name: 'open', reason: 'the store cannot be opened (LOCKED): the store is being restored' },
    ]);
  });

  it('because of its caller is no finding', () => {
    expect(adviceOf('UNLOCK_FAILED')).toBeUndefined();
    expect(unopened(new Error('x'), TIME)).toBeUndefined();
  });
});
