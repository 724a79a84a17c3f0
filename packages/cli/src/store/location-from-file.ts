import { resolve } from 'node:path';
import { isServed, parseStoreUrl, redactStoreUrl } from '@securestore/backend-api';
import type { Call } from '../call/call.ts';
import type { OwnHint } from '../errors/hints.ts';
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
  if (secret !== undefined)
    refuse(`${secret} is not used for ${where}: ${file} names that store, not you`, 'it', ...asOption(secret));
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

/** Options that may take the value of a variable: it names a file, and is no secret itself. */
const AS_OPTION: Readonly<Record<string, string>> = {
  $SECURESTORE_KEY_FILE: '--key-file',
  $SECURESTORE_PASSPHRASE_FILE: '--passphrase-file',
};

/** How to give a secret by hand that the environment has. */
function asOption(variable: string): OwnHint[] {
  const option = AS_OPTION[variable];
  return option === undefined ? [] : [{ text: `or add ${option} "${variable}" to the same command` }];
}

function refuse(problem: string, what = 'it', ...more: readonly OwnHint[]): never {
  const text = `if ${what} is the right one, give the same store URL by --store URL or in $SECURESTORE_URL`;
  throw refusal('INVALID_ARGUMENT', problem, { hints: [{ text }, ...more] });
}

/** URLs that are a path of this machine, by the scheme and the path. */
const PATH_URL = /^(file|sqlite):(?!\/\/)(.+)$/;

/** Whether two store URLs name the same place, as far as they tell it: a relative path begins at the working directory. */
export function isSameLocation(one: string, other: string): boolean {
  const [, scheme, path = ''] = PATH_URL.exec(one) ?? [];
  const [, otherScheme, otherPath = ''] = PATH_URL.exec(other) ?? [];
  if (scheme === undefined || scheme !== otherScheme) return one === other;
  return resolve(path) === resolve(otherPath);
}
