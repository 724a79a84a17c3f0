import type { OpenBackupOptions } from 'securestore';
import type { Call } from './call.ts';
import { invitationOf, loggerFor } from './open.ts';
import { findSecret } from './secret.ts';
import { oneFingerprint, unlockWith } from './unlocking.ts';

/** Uses what opens the backups at a location: the secret of the store that they are of, which need not be there. */
export async function withBackupSecret<T>(
  call: Call,
  use: (options: OpenBackupOptions & { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { cli, options } = call;
  const invitation = await invitationOf(options);
  using unlock = await unlockWith(await findSecret(call, 'open'));
  const fingerprint = oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]);
  return await use({ unlock: unlock.method, fingerprint, logger: loggerFor(call), signal: cli.signal });
}
