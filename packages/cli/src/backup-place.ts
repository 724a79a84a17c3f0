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

const FOLLOWED =
  'another process backs up continuously to this destination (backup --follow), and what this would copy it ships by itself. ' +
  'For a snapshot of its own, with a label, stop that process first';
const UNDER_WAY = 'another process is backing up to this destination now; wait until it is done. Nothing was changed';

/** `error` of a backup, with who is at it where another process is. */
export async function whoIsAtIt(store: SecureStore, error: unknown): Promise<unknown> {
  const [, id] = SecureStoreError.is(error, 'LOCKED')
    ? (/^(?:.*: )?job (backup-\S+) is being run/.exec(error.message) ?? [])
    : [];
  if (id === undefined || !SecureStoreError.is(error)) return error;
  const jobs = await store.jobs.list().catch(() => []);
  const found = jobs.find((job) => job.id === id);
  const message = found?.kind === 'continuous-backup' ? FOLLOWED : UNDER_WAY;
  return new SecureStoreError('LOCKED', message, { retryable: error.retryable, operation: error.operation });
}
