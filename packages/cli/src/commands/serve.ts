import { once } from 'node:events';
import type { ConsoleProvider, ServerOptions } from '@securestore/server';
import type { Authenticator, JwtOptions } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import type { Issuer } from '../store/issuer-file.ts';
import { issuerIn } from '../store/issuer-file.ts';
import { withServedStore } from '../store/open.ts';
import { refuse } from '../errors/refuse.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { whileOpen } from '../call/while-open.ts';
import { serveLogger } from './serve-logger.ts';
import { startServer, workersOf, workFor } from './serve-workers.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly behindProxy?: boolean;
  readonly oidc?: readonly string[];
  readonly followTo?: readonly string[];
  readonly console?: boolean;
  readonly consoleOrigin?: string;
  readonly limit?: readonly string[];
  readonly logRequests?: boolean;
  readonly workers?: string;
}

type ServeCall = Call<ServeOptions>;

/** What stands before the names of those who bring a certificate. */
const CERTIFICATES = 'tls';

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

async function tlsOf(call: ServeCall): Promise<ServerOptions['tls']> {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa } = call.options;
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) return refuse('--tls-cert and --tls-key must be given together');
  await warnIfShared(call, key, 'TLS key');
  if (clientCa !== undefined) await warnIfShared(call, clientCa, 'authority');
  return { cert, key, clientCa };
}

/** Principals of two issuers of one name would be the same, and of two of the same tokens only the first would be asked. @throws `INVALID_ARGUMENT` */
function checkIssuers(issuers: readonly Issuer[], { oidc = [], tlsClientCa }: ServeOptions): void {
  const taken = new Map([['api-tokens', 'the tokens of the store']]);
  if (tlsClientCa !== undefined) taken.set(CERTIFICATES, 'client certificates (--tls-client-ca)');
  const files = new Map<string, string>();
  for (const [at, { issuer }] of issuers.entries()) {
    const file = JSON.stringify(oidc[at]);
    const other = taken.get(issuer.name);
    if (other !== undefined) refuse(`--oidc ${file}: the name "${issuer.name}" is taken by ${other}`);
    taken.set(issuer.name, `the issuer in ${file}`);
    const tokens = JSON.stringify([issuer.issuer, issuer.audience]);
    const twin = files.get(tokens);
    if (twin !== undefined) refuse(`--oidc ${file}: ${twin} has the same issuer and audience`);
    files.set(tokens, file);
  }
}

/** Whose tokens are accepted, and how people sign in to the console with them. */
interface People {
  readonly issuers: readonly JwtOptions[];
  readonly providers: readonly ConsoleProvider[];
}

async function peopleOf(call: ServeCall): Promise<People> {
  const { options } = call;
  const { oidc = [] } = options;
  const issuers = await Promise.all(oidc.map((file) => issuerIn(call, file)));
  checkIssuers(issuers, options);
  const providers = issuers.flatMap(({ provider }) => (provider === undefined ? [] : [provider]));
  return { issuers: issuers.map(({ issuer }) => issuer), providers };
}

/** Accepts tokens of issuers, and client certificates if there are authorities for them. */
export async function authenticatorsOf(
  { options: { tlsClientCa } }: ServeCall,
  issuers: readonly JwtOptions[],
): Promise<Authenticator[]> {
  const { jwt } = await import('securestore');
  const authenticators = issuers.map((issuer) => jwt(issuer));
  if (tlsClientCa === undefined) return authenticators;
  const { clientCertificates } = await import('@securestore/server');
  return [...authenticators, clientCertificates({ name: CERTIFICATES })];
}

/** `securestore serve`. */
export async function serve(call: ServeCall): Promise<ExitCode> {
  const { cli, options, out } = call;
  if (cli.isWorker === true) return workFor(call, (issuers) => authenticatorsOf(call, issuers));
  const logger = serveLogger(call);
  const workers = workersOf(call);
  const { issuers, providers } = await peopleOf(call);
  const settings: ServerOptions = {
    host: options.host,
    port: wholeNumber('--port', options.port),
    tls: await tlsOf(call),
    behindProxy: options.behindProxy,
    ...(options.console === false && { console: false as const }),
    consoleOrigin: options.consoleOrigin,
    providers,
    limits: limitsOf(options.limit),
    logger,
  };
  const { followTo = [] } = options;
  const opening = { authenticators: await authenticatorsOf(call, issuers), maintenance: true, logger, followTo };
  return withServedStore<ExitCode>(call, opening, workers.count > 1, async (served) => {
    const { store } = served;
    await using server = await startServer(call, served, { settings, workers, issuers });
    const { url, console, failed } = server;
    await out.result({ serving: url, fingerprint: store.fingerprint, ...(console && { console }) }, () => [
      `serving ${store.url} at ${url}`,
      ...(console === undefined ? [] : [`the console is at ${console}`]),
    ]);
    const ended = AbortSignal.any([cli.signal, failed]);
    await whileOpen(store, ended, async (signal) => void (signal.aborted || (await once(signal, 'abort'))));
    failed.throwIfAborted();
    out.note('stopping: requests in progress end first');
  });
}
