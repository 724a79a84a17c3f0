import { SecureStoreError } from '@securestore/core-format';
import type { OpenBackupOptions } from 'securestore';
import type { Call } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { whileMistyped } from '../secret/mistyped.ts';
import { invitationOf, loggerFor } from '../store/open.ts';
import { ownHintsOf, withHints } from '../errors/refuse.ts';
import { findSecret } from '../secret/secret.ts';
import { oneFingerprint, unlockWith } from '../secret/unlocking.ts';

/**
 * Uses what opens the backups at a destination: the secret of the store that they are of, which need not be there.
 *
 * @param use begins once more if a passphrase was mistyped: it has done nothing if it throws `UNLOCK_FAILED`
 * @throws `UNLOCK_FAILED` if it is the secret of another store, or one from before a rotation
 */
export async function withBackupSecret<T>(
  call: Call,
  url: string,
  use: (options: OpenBackupOptions & { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { cli, options } = call;
  const invitation = await invitationOf(call);
  using unlock = await unlockWith(await findSecret(call));
  const fingerprint = oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]);
  try {
    const opening = {
      unlock: unlock.method,
      fingerprint,
      logger: loggerFor(call),
      discovery: discoveryOf(call),
      signal: cli.signal,
    };
    return await whileMistyped(call, unlock, () => use(opening));
  } catch (error) {
    if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    const { redactStoreUrl } = await import('@securestore/backend-api');
    const message = `${redactStoreUrl(url)}: ${error.message}`;
    // Every rotation brings the backups that it reaches under the new secret.
    const last = { text: 'backups open by the secrets that the store had when they were last reached' };
    throw withHints(SecureStoreError.from(error, { message }), ...ownHintsOf(error), last);
  }
}
