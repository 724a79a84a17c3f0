import { once } from 'node:events';
import type { ConsoleProvider, ServerOptions } from '@securestore/server';
import type { Authenticator, Logger } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import type { Issuer } from '../store/issuer-file.ts';
import { issuerIn } from '../store/issuer-file.ts';
import { loggerFor, withOpenStore } from '../store/open.ts';
import { refuse } from '../errors/refuse.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { formatTime, jsonLine, printable } from '../terminal/terminal-text.ts';
import { whileOpen } from '../call/while-open.ts';

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

/** Whose tokens are taken, and how people sign in to the console with them. */
async function peopleOf(call: ServeCall): Promise<{
  readonly authenticators: readonly Authenticator[];
  readonly providers: readonly ConsoleProvider[];
}> {
  const { options } = call;
  const { oidc = [], tlsClientCa } = options;
  const { jwt } = await import('securestore');
  const issuers = await Promise.all(oidc.map((file) => issuerIn(call, file)));
  checkIssuers(issuers, options);
  const authenticators = issuers.map(({ issuer }) => jwt(issuer));
  const providers = issuers.flatMap(({ provider }) => (provider === undefined ? [] : [provider]));
  if (tlsClientCa === undefined) return { authenticators, providers };
  const { clientCertificates } = await import('@securestore/server');
  return { authenticators: [...authenticators, clientCertificates({ name: CERTIFICATES })], providers };
}

/** Says what happens to a server as it runs, with `--json` too, and with `--log-requests` each request. */
function loggerOf(call: ServeCall): Logger {
  const { cli, options, out } = call;
  const said = loggerFor(call);
  const request = requestsOf(call);
  const asJson = (level: string, fields: object, message: string): void =>
    void cli.stderr.write(`${jsonLine({ time: cli.now(), level, message, ...fields })}\n`);
  return {
    debug: () => {},
    info: (fields, message) => {
      if ('method' in fields) return options.logRequests === true ? request(fields, message) : undefined;
      if (out.json) return asJson('info', fields, message);
      out.note(printable(message));
    },
    warn: (fields, message) => (out.json ? asJson('warn', fields, message) : said.warn(fields, message)),
    error: (fields, message) => (out.json ? asJson('error', fields, message) : said.error(fields, message)),
  };
}

/** What a server says of each request, as a line. */
function requestsOf({ cli, out }: ServeCall): Logger['info'] {
  return (fields) => {
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
  const logger = loggerOf(call);
  const { authenticators, providers } = await peopleOf(call);
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
  return withOpenStore<ExitCode>(call, { authenticators, maintenance: true, logger, followTo }, async (store) => {
    const { serve: start } = await import('@securestore/server');
    await using server = await start(store, settings);
    const { url, console } = server;
    await out.result({ serving: url, fingerprint: store.fingerprint, ...(console && { console }) }, () => [
      `serving ${store.url} at ${url}`,
      ...(console === undefined ? [] : [`the console is at ${console}`]),
    ]);
    await whileOpen(store, cli.signal, async (signal) => void (signal.aborted || (await once(signal, 'abort'))));
    out.note('stopping: requests in progress end first');
  });
}
