import { SecureStoreError } from '@securestore/core-format';
import type { OpenBackupOptions } from 'securestore';
import type { Call } from './call.ts';
import { discoveryOf } from './discovery.ts';
import { invitationOf, loggerFor } from './open.ts';
import { findSecret } from './secret.ts';
import { oneFingerprint, unlockWith } from './unlocking.ts';

/**
 * Uses what opens the backups at a location: the secret of the store that they are of, which need not be there.
 *
 * @throws `UNLOCK_FAILED` where it is the secret of another store, or one from before a rotation
 */
export async function withBackupSecret<T>(
  call: Call,
  location: string,
  use: (options: OpenBackupOptions & { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { cli, options } = call;
  const invitation = await invitationOf(call);
  using unlock = await unlockWith(await findSecret(call, 'open'));
  const fingerprint = oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]);
  try {
    return await use({
      unlock: unlock.method,
      fingerprint,
      logger: loggerFor(call),
      discovery: discoveryOf(call),
      signal: cli.signal,
    });
  } catch (error) {
    if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    const { redactLocation } = await import('@securestore/backend-api');
    // Every rotation brings the backups that it reaches under the new secret.
    const advice = 'the backups open by the secrets that the store had when they were last reached';
    throw new SecureStoreError(error.code, `${redactLocation(location)}: ${error.message}; ${advice}`, error);
  }
}
