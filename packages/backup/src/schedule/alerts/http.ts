import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { RunEnd } from '../index.ts';
import type { AlertSink } from './alerts.ts';
import { deliver, limited } from './deliver.ts';

const TIMEOUT = 10_000;

export interface HttpOptions {
  readonly clock: Clock;
  /** `https:`. It may hold a secret, as many services have it, so no message shows more than the host. */
  readonly url: string;
  /** Whether `http:` will do too, where all that is told may be read on the way. Default `false`. */
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
    new SecureStoreError('INVALID_ARGUMENT', `the address of the ${what} ${message}`);
  if (address === null) throw invalid('is no URL');
  if (address.username !== '' || address.password !== '') throw invalid('holds a user or a password: use a header');
  if (address.protocol === 'http:' && !allowHttp)
    throw invalid('begins with http:, which others can read; allow that, or use https:');
  if (address.protocol !== 'https:' && address.protocol !== 'http:') throw invalid('does not begin with https:');
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
  const { clock, timeout = TIMEOUT } = options;
  const named = `the ${what} at ${address.host}`;
  const status = await limited(clock, timeout, named, signal, async (limit) => {
    let response: Response;
    try {
      response = await fetch(address, { ...init, redirect: 'manual', signal: limit });
    } catch (error) {
      if (limit.aborted) throw limit.reason;
      const { cause } = error as { cause?: { code?: unknown } };
      const why = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
      throw new SecureStoreError('UNAVAILABLE', `${named} can't be reached${why}`);
    }
    await response.body?.cancel().catch(() => undefined);
    return response.status;
  });
  if (status >= 200 && status < 300) return;
  if (status >= 300 && status < 400) {
    // It may lead anywhere, and what is sent isn't for everybody.
    throw new SecureStoreError(
      'UNSUPPORTED',
      `${named} sends elsewhere (status ${status}), which isn't followed: use the final address`,
    );
  }
  throw new SecureStoreError(codeOf(status), `${named} answered with status ${status}`);
}

/**
 * Sends each alert with a POST, as JSON.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the address won't do
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
 * Tells a dead man's switch, such as healthchecks.io, of each run that succeeded, with a GET: it raises the alarm itself
 * when it hasn't been told for a while. Of anything else it hears nothing, so it works where nothing of ours does.
 *
 * @returns what is to be called after each run. It never throws, and gives back why the service could not be told
 * @throws SecureStoreError `INVALID_ARGUMENT` if the address won't do
 */
export function deadManPing(
  options: HttpOptions,
): (end: RunEnd, signal?: AbortSignal) => Promise<SecureStoreError | undefined> {
  const address = addressOf('dead-man ping', options);
  return async (end, signal = new AbortController().signal) => {
    if (end !== 'success') return undefined;
    const send = (): Promise<void> => request('dead-man ping', address, options, signal, { method: 'GET' });
    return deliver(options.clock, signal, 'the dead-man ping', send);
  };
}
