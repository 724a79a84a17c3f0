import { SecureStoreError } from '@securestore/core-format';

/** A location taken apart. */
export interface Location {
  /** In lower case, without the colon. */
  readonly scheme: string;
  /** Everything after the first colon, as it was written. */
  readonly rest: string;
}

const MAX_LOCATION_LENGTH = 4096;
const SCHEME = /^[a-z][a-z0-9+-]{0,31}$/;
const SECRET_NAME = /key|secret|token|pass|pwd|sig|credential|auth/i;

/** Whether `scheme` has the form `[a-z][a-z0-9+-]*`, at most 32 characters. */
export function isScheme(scheme: unknown): scheme is string {
  return typeof scheme === 'string' && SCHEME.test(scheme);
}

/**
 * Splits `scheme:rest` at the first colon. `URL` is not used: it turns `file:./vault` into `/vault`.
 *
 * @throws `INVALID_ARGUMENT`; the message never holds what might be a credential
 */
export function parseLocation(location: string): Location {
  if (typeof location !== 'string') throw invalidLocation(`it is ${typeof location}, not a string`);
  if (location.length > MAX_LOCATION_LENGTH) throw invalidLocation(`it is over ${MAX_LOCATION_LENGTH} characters`);
  if (/[\u0000-\u001f\u007f]/.test(location)) throw invalidLocation('it has control characters');
  const colon = location.indexOf(':');
  const scheme = location.slice(0, Math.max(colon, 0));
  if (!isScheme(scheme)) throw invalidLocation('it does not start with a scheme, [a-z][a-z0-9+-]*, and a colon');
  return { scheme, rest: location.slice(colon + 1) };
}

/**
 * A location fit for messages and logs: user name and password before a host, and query values whose name hints at a
 * secret, are replaced by `***`. What can't be taken apart is hidden altogether.
 */
export function redactLocation(location: string): string {
  if (typeof location !== 'string' || !/^[a-z][a-z0-9+-]{0,31}:/.test(location)) return '***';
  return redactQuery(redactUserInfo(location));
}

function redactUserInfo(location: string): string {
  const authority = location.indexOf('//');
  // The last @ counts, since a password may itself hold any of / ? # @ unescaped, and none of it may show.
  const at = location.lastIndexOf('@');
  if (authority < 0 || at < authority) return location;
  return `${location.slice(0, authority + 2)}***${location.slice(at)}`;
}

function redactQuery(location: string): string {
  return location.replaceAll(/([?&#;])([^?&#;=]*)=([^&#;]*)/g, (whole: string, separator: string, name: string) =>
    SECRET_NAME.test(name) ? `${separator}${name}=***` : whole,
  );
}

function invalidLocation(problem: string): SecureStoreError {
  return new SecureStoreError(
    'INVALID_ARGUMENT',
    `Not a location: ${problem}. Locations look like file:./vault or sqlite:./vault.db.`,
  );
}
