import { isServed, parseLocation, redactLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Call } from './call.ts';
import { environmentSecret } from './secret.ts';
import { environmentCredential } from './served.ts';

/** Schemes whose backends take no credentials from the environment or the home folder. */
const LOCAL: ReadonlySet<string> = new Set(['file', 'sqlite', 'memory']);

/**
 * Refuses what the environment would give to a location that a file names. Whoever wrote the file, in a folder that somebody else only works in,
 * would get a token, or a store that is made with a passphrase which they can then guess at.
 *
 * @param file what names the location
 * @throws `INVALID_ARGUMENT`
 */
export async function checkFromFile(call: Call, location: string, file: string): Promise<void> {
  const { scheme } = parseLocation(location);
  const served = isServed(location);
  const where = redactLocation(location);
  const secret = served ? await environmentCredential(call) : await environmentSecret(call);
  if (secret !== undefined) refuse(`${secret} is not used for ${where}, since ${file} names that store and not you`);
  if (served || LOCAL.has(scheme)) return;
  refuse(`${where} is not opened with the credentials of your environment, since ${file} names that store and not you`);
}

function refuse(problem: string): never {
  const advice = 'if it is the right one, give the same location by --store LOCATION or in $SECURESTORE_URL';
  throw new SecureStoreError('INVALID_ARGUMENT', `${problem}; ${advice}`);
}
