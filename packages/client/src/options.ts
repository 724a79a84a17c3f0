import { isLoopback, SecureStoreError } from '@securestore/core-format';
import type { RemoteOptions } from '@securestore/protocol';

const KNOWN: ReadonlySet<string> = new Set(['credentials', 'tls', 'fingerprint', 'connections', 'signal', 'timeout']);

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRemoteOptions(options: unknown): asserts options is RemoteOptions {
  if (typeof options !== 'object' || options === null)
    invalid('options are needed: at least { credentials: { token } }');
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    invalid(
      `unknown option "${unknown}" for a store that is served elsewhere: what unlocks it the server has. Known here: ${[...KNOWN].toSorted().join(', ')}`,
    );
  }
  const { credentials, tls } = options as Partial<RemoteOptions>;
  const token: unknown = credentials?.token;
  if (token === undefined && tls?.cert !== undefined) return;
  if ((typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) || typeof token === 'function') return;
  invalid(
    'the option "credentials" must be { token }, with a token or a function that gives one; or {} beside tls: { cert, key }',
  );
}

/**
 * Scheme, host and port of a location.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is no location of a server; without what may be a credential
 */
export function originOf(location: string): string {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    return invalid('the location of a server looks like https://vault.example.com');
  }
  if (url.username !== '' || url.password !== '') {
    return invalid('the location of a server holds no user and password: give a token as { credentials: { token } }');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return invalid('the location of a server is scheme, host and port alone, such as https://vault.example.com:8420');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return invalid(
      'without TLS everybody on the way reads the token and the data: write https:, unless the server is on this machine',
    );
  }
  return url.origin;
}
