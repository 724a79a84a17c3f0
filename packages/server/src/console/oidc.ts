import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { unauthenticated } from '@securestore/acl';
import { fileError, isLoopback, SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { CONSOLE_PATHS } from '@securestore/protocol';
import type { Configuration } from 'openid-client';
import type { Logger } from 'securestore';

/** How long a person may take at the provider, in milliseconds, and how many may at once. */
const LIFETIME = 600_000;
const MAX_BEGUN = 10_000;
/** How long a provider may take to answer, in seconds. */
const ANSWER_WITHIN = 10;
/** How long what a provider says of itself is believed, in milliseconds. */
const KNOWN_FOR = 3_600_000;

/** How people sign in to the console with an OpenID Connect provider. Its identity tokens must be such as the store knows, by `jwt`. */
export interface ConsoleProvider {
  /** As that of the authenticator that knows its tokens. */
  readonly name: string;
  /** The text of the button. Default the name. */
  readonly title?: string | undefined;
  /** What `/.well-known/openid-configuration` is looked for under: the `iss` of its tokens. */
  readonly issuer: string;
  /** Of the console at the provider: the `audience` of the authenticator. */
  readonly clientId: string;
  /** The client secret. Without it, and without a file, only PKCE protects the exchange. */
  readonly clientSecret?: string | undefined;
  /** A file with the client secret. Default the systemd credential `oidc-NAME`, if there is one. */
  readonly clientSecretFile?: string | undefined;
  /** The URL to which the provider sends people back: the origin of the console with `/console/oidc/callback`. */
  readonly redirect: string;
  /** Scopes that are requested in addition to `openid`. Default none. */
  readonly scopes?: readonly string[] | undefined;
}

interface Begun {
  readonly provider: ConsoleProvider;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** In milliseconds since the machine started. */
  readonly until: number;
}

type Client = typeof import('openid-client');

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `provider of the console: ${message}`);
}

function isSafe(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function check({ name, issuer, clientId, redirect, clientSecret, clientSecretFile }: ConsoleProvider): void {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) refuse('its name must have 1 to 32 characters of a-z, 0-9 and -');
  if (!isSafe(issuer)) refuse('its issuer must begin with https:, unless it is on this machine');
  if (typeof clientId !== 'string' || clientId === '') refuse('its client ID must be given');
  if (!isSafe(redirect) || new URL(redirect).pathname !== CONSOLE_PATHS.callback || new URL(redirect).search !== '') {
    refuse(`its redirect must be the origin of the console and ${CONSOLE_PATHS.callback}`);
  }
  if (clientSecret !== undefined && clientSecretFile !== undefined)
    refuse('its client secret and the file of it exclude each other');
}

async function secretOf({ clientSecret, clientSecretFile }: ConsoleProvider): Promise<string | undefined> {
  if (clientSecretFile === undefined) return clientSecret;
  try {
    return (await readFile(clientSecretFile, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw fileError(error, `cannot read the file ${JSON.stringify(clientSecretFile)}`);
  }
}

/** Signing in by authorization code, with PKCE, `state` and `nonce`: what is secret of it stays here. */
export class Oidc {
  readonly #providers: ReadonlyMap<string, ConsoleProvider>;
  readonly #clock: Pick<Clock, 'uptime'>;
  readonly #logger: Logger | undefined;
  readonly #begun = new Map<string, Begun>();
  readonly #known = new Map<string, { readonly at: number; readonly configuration: Promise<Configuration> }>();

  /** @throws SecureStoreError `INVALID_ARGUMENT` */
  constructor(providers: readonly ConsoleProvider[], clock: Pick<Clock, 'uptime'>, logger: Logger | undefined) {
    for (const provider of providers) check(provider);
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]));
    if (this.#providers.size < providers.length) refuse('two providers have the same name');
    this.#clock = clock;
    this.#logger = logger;
  }

  /** How long a person may take, in milliseconds. */
  get lifetime(): number {
    return LIFETIME;
  }

  get providers(): { name: string; title: string }[] {
    return [...this.#providers.values()].map(({ name, title = name }) => ({ name, title }));
  }

  /**
   * Begins signing in.
   *
   * @returns where the browser has to go, and the id of what was begun, for a cookie
   * @throws SecureStoreError `NOT_FOUND` for a provider that there is not; `UNAVAILABLE` if it does not answer; `THROTTLED`
   */
  async begin(name: string): Promise<{ readonly url: string; readonly id: string }> {
    const provider = this.#providers.get(name);
    if (provider === undefined) throw new SecureStoreError('NOT_FOUND', 'the provider does not exist');
    this.#makeRoom();
    const client = await import('openid-client');
    const configuration = await this.#configurationOf(client, provider);
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
    const url = this.#authorizationUrl(client, configuration, provider, {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const id = randomBytes(32).toString('base64url');
    this.#begun.set(id, { provider, state, nonce, verifier, until: this.#clock.uptime() + LIFETIME });
    return { url, id };
  }

  /** Where a page goes: whatever a provider says, it must not be a script. @throws SecureStoreError `UNAVAILABLE` */
  #authorizationUrl(
    client: Client,
    configuration: Configuration,
    { name, redirect, scopes = [] }: ConsoleProvider,
    parameters: Readonly<Record<string, string>>,
  ): string {
    try {
      const scope = ['openid', ...scopes].join(' ');
      const { href } = client.buildAuthorizationUrl(configuration, { redirect_uri: redirect, scope, ...parameters });
      if (isSafe(href)) return href;
    } catch {
      // It says none, or none that is an address.
    }
    this.#logger?.warn({ provider: name }, 'the provider gives no valid address to sign in');
    throw unavailable(name);
  }

  /**
   * Ends signing in, once for what was begun.
   *
   * @param id of what was begun, from the cookie @param url the path and query that the provider sent the browser to
   * @returns the identity token
   * @throws SecureStoreError `UNAUTHENTICATED`; `UNAVAILABLE` if the provider does not answer
   */
  async end(id: string | undefined, url: string): Promise<string> {
    const begun = id === undefined ? undefined : this.#begun.get(id);
    if (id !== undefined) this.#begun.delete(id);
    if (begun === undefined || begun.until <= this.#clock.uptime()) throw unauthenticated();
    const { provider, state, nonce, verifier } = begun;
    const client = await import('openid-client');
    const configuration = await this.#configurationOf(client, provider);
    // Where it came back to is what was asked for, whatever the request says of its host.
    const back = new URL(provider.redirect);
    back.search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    try {
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
      const { id_token: token } = await client.authorizationCodeGrant(configuration, back, checks);
      if (token !== undefined) return token;
    } catch (error) {
      throw this.#refusal(provider, error);
    }
    throw unauthenticated();
  }

  /** The log has the code of what is wrong; the person who signs in learns only that it failed. */
  #refusal({ name }: ConsoleProvider, error: unknown): SecureStoreError {
    const { code = 'unknown' } = error as { readonly code?: string };
    this.#logger?.warn({ provider: name, code }, 'a person could not be signed in');
    const isAway = code === 'OAUTH_TIMEOUT' || error instanceof TypeError;
    return isAway ? unavailable(name) : unauthenticated();
  }

  #configurationOf(client: Client, provider: ConsoleProvider): Promise<Configuration> {
    const known = this.#known.get(provider.name);
    const now = this.#clock.uptime();
    if (known !== undefined && now - known.at < KNOWN_FOR) return known.configuration;
    const configuration = this.#discover(client, provider);
    this.#known.set(provider.name, { at: now, configuration });
    configuration.catch(() => this.#known.delete(provider.name));
    return configuration;
  }

  async #discover(client: Client, provider: ConsoleProvider): Promise<Configuration> {
    const { name, issuer, clientId } = provider;
    const secret = await secretOf(provider);
    const authentication = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
    const insecure = new URL(issuer).protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};
    try {
      return await client.discovery(new URL(issuer), clientId, {}, authentication, {
        timeout: ANSWER_WITHIN,
        ...insecure,
      });
    } catch (error) {
      const { code = 'unknown' } = error as { readonly code?: string };
      this.#logger?.warn({ provider: name, code }, 'the provider gives no valid configuration');
      throw unavailable(name);
    }
  }

  #makeRoom(): void {
    const now = this.#clock.uptime();
    for (const [id, { until }] of this.#begun) if (until <= now) this.#begun.delete(id);
    if (this.#begun.size < MAX_BEGUN) return;
    throw new SecureStoreError('THROTTLED', 'too many people are signing in', { advice: [{ id: 'try-again' }] });
  }
}

function unavailable(name: string): SecureStoreError {
  const message = `provider ${name} cannot be reached, or gives no valid configuration`;
  return new SecureStoreError('UNAVAILABLE', message, { retryable: true, advice: [{ id: 'try-again' }] });
}
