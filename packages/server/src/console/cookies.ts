import type { IncomingMessage } from 'node:http';

/** What is 256 random bits in base64url. */
const VALUE = /^[A-Za-z0-9_-]{43}$/;

/** A cookie of this server. */
export interface CookieSettings {
  readonly name: string;
  readonly isSecure: boolean;
  readonly sameSite: 'Strict' | 'Lax';
}

/**
 * What a cookie is called. Over TLS browsers take a name with `__Host-` from this very host alone, with `Secure` and for all paths; so no
 * neighbour can set it. Without TLS, on this machine, other servers have the same cookies, and each takes its port as a name.
 */
export function cookieSettings(
  name: string,
  isSecure: boolean,
  port: number,
  sameSite: 'Strict' | 'Lax',
): CookieSettings {
  return { name: isSecure ? `__Host-${name}` : `${name}-${port}`, isSecure, sameSite };
}

/** The value of a cookie; `undefined` where there is none, more than one, or one that is none of ours. */
export function cookieIn({ headers }: IncomingMessage, { name }: CookieSettings): string | undefined {
  const values = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at !== -1 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
  const [value] = values;
  // Of two nobody knows which one the server has set.
  return values.length === 1 && value !== undefined && VALUE.test(value) ? value : undefined;
}

/**
 * The header that sets a cookie.
 *
 * @param maxAge in seconds; 0 removes it. Without it the cookie goes with the browser, which does not write it to the disk
 */
export function setCookie({ name, isSecure, sameSite }: CookieSettings, value: string, maxAge?: number): string {
  const age = maxAge === undefined ? [] : [`Max-Age=${maxAge}`];
  const parts = [`${name}=${value}`, 'Path=/', ...age, 'HttpOnly', `SameSite=${sameSite}`];
  return [...parts, ...(isSecure ? ['Secure'] : [])].join('; ');
}
