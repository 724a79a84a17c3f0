import { redactStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';

/**
 * @param role what the store URL was to be, such as a destination
 * @throws `INVALID_ARGUMENT` for a store URL of which nothing would be left when the command has ended
 */
export function refuseMemory(url: string, role = 'destination'): void {
  if (!/^memory:/i.test(url)) return;
  refuse(`memory: cannot be the ${role}: its content is lost when the command ends`, {
    text: 'choose a folder, a database or a bucket, such as file:/backup',
  });
}

/** @throws `NOT_FOUND` if a destination has no backups; what its backend throws */
export async function requireBackup(call: Call, source: string): Promise<void> {
  const { hasBackup } = await import('securestore');
  if (await hasBackup(source, { signal: call.cli.signal, discovery: discoveryOf(call) })) return;
  throw refusal('NOT_FOUND', `${redactStoreUrl(source)} has no backup. Nothing was changed.`, {
    hints: [{ text: 'to list the destinations of the store', on: ['destination', 'list'] }],
  });
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
  if (!isContinuous) {
    return SecureStoreError.from(error, {
      message: 'another process is backing up to this destination. Nothing was changed.',
    });
  }
  const message = 'another process backs up continuously to this destination. Nothing was changed.';
  return withHints(SecureStoreError.from(error, { message }), {
    text: 'it copies the same data; for a snapshot with a label, stop that process first',
  });
}
