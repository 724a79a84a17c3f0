import type { ErrorDetails } from '@securestore/core-format';
import { isLoopback, SecureStoreError } from '@securestore/core-format';
import type { RemoteOptions } from '@securestore/protocol';

const CREDENTIALS = [{ id: 'give-credentials' }] as const;
const KNOWN: ReadonlySet<string> = new Set(['credentials', 'tls', 'fingerprint', 'connections', 'signal', 'timeout']);

function invalid(message: string, details: Pick<ErrorDetails, 'option' | 'advice'> = {}): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, details);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRemoteOptions(options: unknown): asserts options is RemoteOptions {
  if (typeof options !== 'object' || options === null)
    invalid('the option "credentials" must be given', { option: 'credentials', advice: CREDENTIALS });
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    const known = [...KNOWN].toSorted().join(', ');
    invalid(`unknown option ${JSON.stringify(unknown)} for a remote store, which takes ${known}`, { option: unknown });
  }
  const { credentials, tls } = options as Partial<RemoteOptions>;
  const token: unknown = credentials?.token;
  if (token === undefined && tls?.cert !== undefined) return;
  if ((typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) || typeof token === 'function') return;
  invalid('the option "credentials" must be { token }, or {} with a client certificate', {
    option: 'credentials',
    advice: CREDENTIALS,
  });
}

/**
 * Scheme, host and port of a store URL.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is no store URL of a server; without what may be a credential
 */
export function originOf(storeUrl: string): string {
  const url = URL.canParse(storeUrl) ? new URL(storeUrl) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    return invalid('the URL of a server must be like https://vault.example.com');
  }
  if (url.username !== '' || url.password !== '') {
    return invalid('the URL of a server must not have a user or a password', { advice: CREDENTIALS });
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return invalid('the URL of a server must be scheme, host and port, such as https://vault.example.com:8420');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return invalid('the URL of a server must begin with https:, unless the server is on this machine');
  }
  return url.origin;
}
