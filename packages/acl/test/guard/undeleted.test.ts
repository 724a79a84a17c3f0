import type { HistoryEntry, SecureStorage } from '@securestore/objects';
import { expect, it } from 'vitest';
import type { ObjectPlans } from '../../src/approval/object-plan.ts';
import { undeleted } from '../../src/guard/bound-calls.ts';

// An object of which the approved version is the newest that is left may be stored and deleted by another process meanwhile.
it('undeletes nothing but the approved version, although another one could be by now', async () => {
  const calls: string[] = [];
  const entry: HistoryEntry = {
    version: '1',
    modified: new Date(0),
    deleted: false,
    purged: false,
    expired: false,
    current: false,
    size: 1,
  };
  const storage = {
    history: async () => [entry],
    undelete: async () => void calls.push('undelete'),
    restoreVersion: async () => void calls.push('restoreVersion'),
  };
  const plans = { recovered: '1', conditions: () => ({ ifAbsent: true }) };
  const done = undeleted(storage as unknown as SecureStorage, 'a', plans as unknown as ObjectPlans, undefined);
  await expect(done).rejects.toMatchObject({
    code: 'INTEGRITY',
    key: 'a',
    message: expect.stringContaining('the newest version of the object is missing'),
  });
  expect(calls).toEqual([]);
});
