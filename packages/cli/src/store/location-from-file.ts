import { isServed, parseLocation, redactLocation } from '@securestore/backend-api';
import type { Call } from '../call/call.ts';
import { refusal } from '../errors/refuse.ts';
import { environmentSecret } from '../secret/secret.ts';
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
  if (secret !== undefined) refuse(`${secret} is not used for ${where}: ${file} names that store, not you`);
  if (served || LOCAL.has(scheme)) return;
  refuse(`your credentials are not sent to ${where}: ${file} names that store, not you`);
}

/**
 * Refuses what the environment would give to a destination of a store that a file names: whoever made the store has named its destinations, too. One
 * that the command line names is reached.
 *
 * @param file what names the store
 * @throws `INVALID_ARGUMENT`
 */
export function checkDestination({ args }: Pick<Call, 'args'>, location: string, file: string): void {
  if (LOCAL.has(parseLocation(location).scheme) || args.some((arg) => arg === location || arg.endsWith(`=${location}`)))
    return;
  refuse(`your credentials are not sent to ${redactLocation(location)}: ${file} names its store, not you`, 'the store');
}

function refuse(problem: string, what = 'it'): never {
  const text = `if ${what} is the right one, give the same location by --store LOCATION or in $SECURESTORE_URL`;
  throw refusal('INVALID_ARGUMENT', problem, { hints: [{ text }] });
}
