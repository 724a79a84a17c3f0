import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { expect, it } from 'vitest';
import { resumeJobs } from '../../src/work/resume-jobs.ts';

const nothing = (): void => undefined;

it('a job that is begun again and never resumed is no reason to warn, and others are', async () => {
  const ids = ['backup-0', 'restore', 'scrub', 'collection'];
  const codes: Readonly<Record<string, 'UNSUPPORTED' | 'LOCKED' | 'INTEGRITY'>> = {
    'backup-0': 'UNSUPPORTED',
    restore: 'UNSUPPORTED',
    scrub: 'LOCKED',
    collection: 'INTEGRITY',
  };
  const jobs = {
    list: async () => ids.map((id) => ({ id, kind: id, state: 'interrupted' })),
    resume: async (id: string) => {
      throw new SecureStoreError(codes[id] ?? 'INTERNAL', 'it does not go on', { advice: [{ id: 'verify-store' }] });
    },
  } as unknown as SecureStore['jobs'];
  const warned: [object, string | undefined][] = [];
  const warn = (fields: object, message?: string): void => void warned.push([fields, message]);
  const logger = { debug: nothing, info: nothing, error: nothing, warn };
  await resumeJobs({ jobs }, logger);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).toEqual([
    [
      { job: 'collection', code: 'INTEGRITY', advice: [{ id: 'verify-store' }] },
      'job collection, which was interrupted, has failed (INTEGRITY): it does not go on',
    ],
  ]);
});
