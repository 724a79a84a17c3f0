import { readFile } from 'node:fs/promises';
import { fileError } from '@securestore/core-format';
import type { ConsoleProvider } from '@securestore/server';
import type { JwtOptions } from 'securestore';
import type { Call } from '../call/call.ts';
import { refuse } from '../errors/refuse.ts';
import { credentialFile } from '../secret/secret.ts';
import { warnIfShared } from '../secret/shared-file.ts';

/** The members of the file. */
export const ISSUER_SETTINGS: ReadonlySet<string> = new Set([
  'name',
  'keys',
  'issuer',
  'audience',
  'authorizedParties',
  'algorithms',
  'clockTolerance',
  'claim',
  'roles',
  'console',
]);
/** The members of its `console`, for signing in there. */
export const CONSOLE_SETTINGS: ReadonlySet<string> = new Set(['redirect', 'title', 'scopes', 'clientSecretFile']);

/** An issuer whose tokens are taken; and how people sign in to the console with it, where they do. */
export interface Issuer {
  readonly issuer: JwtOptions;
  readonly provider: ConsoleProvider | undefined;
}

type Settings = Readonly<Record<string, unknown>>;

function settingsIn(text: string, wrong: (problem: string) => never): Settings {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return wrong('the file must be JSON');
  }
  if (typeof found !== 'object' || found === null) return wrong('the file must hold an object');
  const unknown = Object.keys(found).find((name) => !ISSUER_SETTINGS.has(name));
  if (unknown !== undefined) return wrong(`unknown setting "${unknown}"`);
  return found as Settings;
}

function jwtOptionsOf(settings: Settings, wrong: (problem: string) => never): JwtOptions {
  const { name, keys, issuer, audience, algorithms } = settings;
  if (
    typeof name !== 'string' ||
    typeof issuer !== 'string' ||
    typeof audience !== 'string' ||
    !Array.isArray(algorithms)
  ) {
    return wrong('name, issuer and audience must be texts, and algorithms a list');
  }
  const isSet = typeof keys === 'object' && keys !== null && 'keys' in keys;
  if (!isSet && !(typeof keys === 'string' && URL.canParse(keys))) return wrong('keys must be a URL, or a key set');
  if (settings['authorizedParties'] !== undefined && !isTexts(settings['authorizedParties'])) {
    return wrong('authorizedParties must be a list of texts');
  }
  return { ...settings, keys: isSet ? keys : new URL(keys) } as JwtOptions;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** The secret of the client lies in a file, or is a credential of the service: `oidc-NAME`. */
async function providerOf(
  call: Pick<Call, 'cli' | 'out'>,
  { name, issuer, audience }: JwtOptions,
  given: unknown,
  wrong: (problem: string) => never,
): Promise<ConsoleProvider | undefined> {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null) return wrong('console must be an object');
  const unknown = Object.keys(given).find((setting) => !CONSOLE_SETTINGS.has(setting));
  if (unknown !== undefined) return wrong(`unknown setting "console.${unknown}"`);
  const { redirect, title, scopes, clientSecretFile } = given as Settings;
  if (typeof redirect !== 'string') return wrong('console.redirect must be a text');
  if (title !== undefined && typeof title !== 'string') return wrong('console.title must be a text');
  if (scopes !== undefined && !isTexts(scopes)) return wrong('console.scopes must be a list of texts');
  if (clientSecretFile !== undefined && typeof clientSecretFile !== 'string') {
    return wrong('console.clientSecretFile must be a text');
  }
  const secret = clientSecretFile ?? (await credentialFile(call.cli.env, `oidc-${name}`));
  if (secret !== undefined) await warnIfShared(call, secret, 'client secret');
  return { name, title, issuer, clientId: audience, redirect, scopes, clientSecretFile: secret };
}

/** An issuer, as a file has it; what its settings must be the library says. @throws `INVALID_ARGUMENT` */
export async function issuerIn(call: Pick<Call, 'cli' | 'out'>, file: string): Promise<Issuer> {
  const wrong = (problem: string): never => refuse(`--oidc ${JSON.stringify(file)}: ${problem}`);
  await warnIfShared(call, file, 'issuer');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fileError(error, `cannot read the file ${JSON.stringify(file)}`);
  }
  const settings = settingsIn(text, wrong);
  const { console: signIn, ...tokens } = settings;
  const issuer = jwtOptionsOf(tokens, wrong);
  return { issuer, provider: await providerOf(call, issuer, signIn, wrong) };
}
