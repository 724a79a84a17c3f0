import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileError, SecureStoreError } from '@securestore/core-format';
import type { ServerOptions } from '@securestore/server';
import type { Authenticator, JwtOptions, Logger } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import { loggerFor, withOpenStore } from '../open.ts';
import { formatTime } from '../terminal-text.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly behindProxy?: boolean;
  readonly oidc?: readonly string[];
  readonly limit?: readonly string[];
  readonly logRequests?: boolean;
}

type ServeCall = Call<ServeOptions>;

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function wholeNumber(option: string, text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse(`${option} must be a whole number from 0`);
}

function limitsOf(given: readonly string[] = []): NonNullable<ServerOptions['limits']> {
  const entries = given.map((text) => {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) refuse('--limit must be NAME=NUMBER, such as concurrency=100');
    return [name, wholeNumber(`--limit ${name}`, value)] as const;
  });
  return Object.fromEntries(entries);
}

function tlsOf({ tlsCert: cert, tlsKey: key, tlsClientCa: clientCa }: ServeOptions): ServerOptions['tls'] {
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) return refuse('--tls-cert and --tls-key go together');
  return { cert, key, clientCa };
}

const OIDC_SETTINGS: ReadonlySet<string> = new Set([
  'name',
  'keys',
  'issuer',
  'audience',
  'algorithms',
  'clockTolerance',
  'claim',
  'roles',
]);

/** An issuer, as a file has it; what its settings must be the library says. */
async function issuerIn(file: string): Promise<JwtOptions> {
  const wrong = (problem: string): never => refuse(`--oidc ${JSON.stringify(file)}: ${problem}`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fileError(error, `cannot read the file ${JSON.stringify(file)}`);
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return wrong('it is no JSON');
  }
  if (typeof found !== 'object' || found === null) return wrong('it must hold an object');
  const unknown = Object.keys(found).find((name) => !OIDC_SETTINGS.has(name));
  if (unknown !== undefined) return wrong(`there is no setting "${unknown}"`);
  const { name, keys, issuer, audience, algorithms } = found as Record<string, unknown>;
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
  return { ...found, keys: isSet ? keys : new URL(keys) } as JwtOptions;
}

async function authenticatorsOf({ oidc = [], tlsClientCa }: ServeOptions): Promise<Authenticator[]> {
  const { jwt } = await import('securestore');
  const issuers = await Promise.all(oidc.map(async (file) => jwt(await issuerIn(file))));
  if (tlsClientCa === undefined) return issuers;
  const { clientCertificates } = await import('@securestore/server');
  return [...issuers, clientCertificates()];
}

/** What a server says of each request, as a line. */
function requestsOf(call: ServeCall): Logger['info'] {
  return (fields, message) => {
    const { cli, out } = call;
    // Jobs that are gone on with are told of as well, and are no requests.
    if (!('method' in fields)) return out.note(message);
    const { requestId, method, route = '-', status, took, principal = '-' } = fields as Record<string, unknown>;
    const time = cli.now();
    const line = (): string =>
      `${formatTime(time)} ${String(status)} ${String(method)} ${String(route)} ${String(took)} ms ${String(principal)} ${String(requestId)}`;
    void out.result({ time, ...fields }, line);
  };
}

/** `securestore serve`. */
export async function serve(call: ServeCall): Promise<ExitCode> {
  const { cli, options, out } = call;
  const logger: Logger = { ...loggerFor(call), ...(options.logRequests === true && { info: requestsOf(call) }) };
  const settings: ServerOptions = {
    host: options.host,
    port: wholeNumber('--port', options.port),
    tls: tlsOf(options),
    behindProxy: options.behindProxy,
    limits: limitsOf(options.limit),
    logger,
  };
  const authenticators = await authenticatorsOf(options);
  return withOpenStore<ExitCode>(call, { authenticators, upkeep: true }, async (store) => {
    const { serve: start } = await import('@securestore/server');
    await using server = await start(store, settings);
    await out.result({ serving: server.url, fingerprint: store.fingerprint }, () => {
      return `serving ${store.location} at ${server.url}`;
    });
    if (!cli.signal.aborted) await once(cli.signal, 'abort');
    out.note('stopping: what is under way ends first');
  });
}
