import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { systemClock } from '@securestore/jobs';
import type { Clock } from '@securestore/jobs';
import type { RunEnd } from '../index.ts';
import type { AlertSink } from './alerts.ts';
import { deliver, limited } from './deliver.ts';

const TIMEOUT = 10_000;

export interface HttpOptions {
  /** Default that of the machine. */
  readonly clock?: Clock | undefined;
  /** `https:`. It may have a secret in it, as with many services, so that messages show only its host. */
  readonly url: string;
  /** Whether `http:` is allowed, which others on the network can read. Default `false`. */
  readonly allowHttp?: boolean | undefined;
  /** How long an answer may take, in milliseconds. Default ten seconds. */
  readonly timeout?: number | undefined;
}

export interface WebhookOptions extends HttpOptions {
  /** Of the sink. Default `webhook`. */
  readonly name?: string | undefined;
  /** Such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

function addressOf(what: string, { url, allowHttp = false }: HttpOptions): URL {
  const address = URL.parse(url);
  const invalid = (message: string): SecureStoreError =>
    new SecureStoreError('INVALID_ARGUMENT', `the address of the ${what} ${message}`, { option: 'url' });
  if (address === null) throw invalid('must be a URL');
  if (address.username !== '' || address.password !== '') throw invalid('must not have a user or a password');
  if (address.protocol === 'http:' && !allowHttp) throw invalid('must begin with https:, since http: is not encrypted');
  if (address.protocol !== 'https:' && address.protocol !== 'http:') throw invalid('must begin with https:');
  return address;
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'THROTTLED';
  if (status === 408 || status >= 500) return 'UNAVAILABLE';
  return status === 401 || status === 403 ? 'ACCESS_DENIED' : 'INVALID_ARGUMENT';
}

async function request(
  what: string,
  address: URL,
  options: HttpOptions,
  signal: AbortSignal,
  init: RequestInit,
): Promise<void> {
  const { clock = systemClock(), timeout = TIMEOUT } = options;
  const named = `the ${what} at ${address.host}`;
  const status = await limited(clock, timeout, named, signal, async (limit) => {
    let response: Response;
    try {
      response = await fetch(address, { ...init, redirect: 'manual', signal: limit });
    } catch (error) {
      if (limit.aborted) throw limit.reason;
      const { cause } = error as { cause?: { code?: unknown } };
      const why = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
      throw new SecureStoreError('UNAVAILABLE', `${named} cannot be reached${why}`);
    }
    await response.body?.cancel().catch(() => undefined);
    return response.status;
  });
  if (status >= 200 && status < 300) return;
  if (status >= 300 && status < 400) {
    // The alert must not be sent to an address that was not configured.
    throw new SecureStoreError('UNSUPPORTED', `${named} redirects (status ${status}). Redirects are not followed.`);
  }
  throw new SecureStoreError(codeOf(status), `${named} answered with status ${status}`);
}

/**
 * Sends each alert with a POST, as JSON.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for an invalid address
 */
export function webhook(options: WebhookOptions): AlertSink {
  const { name = 'webhook', headers = {} } = options;
  const address = addressOf('webhook', options);
  return {
    name,
    send: (alert, signal) =>
      request('webhook', address, options, signal, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(alert),
      }),
  };
}

/**
 * Pings a dead man's switch, such as healthchecks.io, after each run that succeeded, with a GET: the service sends an alert when
 * the pings stop. It gets nothing else, so that it works even if no process of the store does.
 *
 * @returns a function to call after each run. It never throws, and returns why the service could not be reached
 * @throws SecureStoreError `INVALID_ARGUMENT` for an invalid address
 */
export function deadManPing(
  options: HttpOptions,
): (end: RunEnd, signal?: AbortSignal) => Promise<SecureStoreError | undefined> {
  const address = addressOf('dead-man ping', options);
  return async (end, signal = new AbortController().signal) => {
    if (end !== 'success') return undefined;
    const send = (): Promise<void> => request('dead-man ping', address, options, signal, { method: 'GET' });
    return deliver(options.clock ?? systemClock(), signal, 'the dead-man ping', send);
  };
}
