import { redactLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import type { Call } from './call.ts';
import { discoveryOf } from './discovery.ts';

/**
 * @param instead what to do with another location
 * @throws `INVALID_ARGUMENT` for a location of which nothing would be left when the command has ended
 */
export function refuseMemory(location: string, instead = 'back up to another location'): void {
  if (!/^memory:/i.test(location)) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `what is in memory: is gone when this command ends; ${instead}`);
}

/** @throws `NOT_FOUND` where no backups lie at a location; what its backend throws */
export async function requireBackup(call: Call, source: string): Promise<void> {
  const { hasBackup } = await import('securestore');
  if (await hasBackup(source, { signal: call.cli.signal, discovery: discoveryOf(call) })) return;
  throw new SecureStoreError('NOT_FOUND', `${redactLocation(source)}: there is no backup here; nothing was changed`);
}

/** The job that `error` says another process runs. */
function runningJob(error: unknown): string | undefined {
  if (!SecureStoreError.is(error, 'LOCKED') || error.reason !== 'job-running') return undefined;
  return error.advice?.find((one) => one.id === 'wait-for-job')?.job;
}

/** `error` of a backup, with what the other process does if one backs up to the same destination. */
export async function whoIsAtIt(store: SecureStore, error: unknown): Promise<unknown> {
  const id = runningJob(error);
  if (id === undefined || !SecureStoreError.is(error)) return error;
  const jobs = await store.jobs.list().catch(() => []);
  const isContinuous = jobs.find((job) => job.id === id)?.kind === 'continuous-backup';
  const message = isContinuous
    ? 'another process backs up continuously to this destination (backup --follow), which ships what this would copy. ' +
      'For a snapshot of its own, with a label, stop that process first.'
    : 'another process is backing up to this destination. Nothing was changed.';
  return SecureStoreError.from(error, { message });
}
