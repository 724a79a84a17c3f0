import { isServed, parseStoreUrl, redactStoreUrl } from '@securestore/backend-api';
import type { Call } from '../call/call.ts';
import { refusal } from '../errors/refuse.ts';
import { environmentSecret } from '../secret/secret.ts';
import { environmentCredential } from './served.ts';

/** Schemes whose backends take no credentials from the environment or the home folder. */
const LOCAL: ReadonlySet<string> = new Set(['file', 'sqlite', 'memory']);

/**
 * Refuses what the environment would give to a store URL that a file names. Whoever wrote the file, in a folder that somebody else only works in,
 * would get a token, or a store that is made with a passphrase which they can then guess at.
 *
 * @param file what names the store URL
 * @throws `INVALID_ARGUMENT`
 */
export async function checkFromFile(call: Call, url: string, file: string): Promise<void> {
  const { scheme } = parseStoreUrl(url);
  const served = isServed(url);
  const where = redactStoreUrl(url);
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
export function checkDestination({ args }: Pick<Call, 'args'>, url: string, file: string): void {
  if (LOCAL.has(parseStoreUrl(url).scheme) || args.some((arg) => arg === url || arg.endsWith(`=${url}`))) return;
  refuse(`your credentials are not sent to ${redactStoreUrl(url)}: ${file} names its store, not you`, 'the store');
}

function refuse(problem: string, what = 'it'): never {
  const text = `if ${what} is the right one, give the same store URL by --store URL or in $SECURESTORE_URL`;
  throw refusal('INVALID_ARGUMENT', problem, { hints: [{ text }] });
}
