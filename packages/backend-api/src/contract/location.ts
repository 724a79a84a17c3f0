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
/** What is a path and nothing else: no credential, and no URL that may hold one. */
const PLAIN_PATH = /^(?:\.{0,2}\/(?!\/)[\p{L}\p{N} ._/-]*|[\p{L}\p{N} ._/-]+\.(?:db|sqlite3?))$/u;
/** Its folder would be named `~`, in the working directory. */
const HOME = /^(?:file|sqlite):~(?:\/|$)/;
const EXAMPLES: readonly string[] = ['sqlite:./vault.db', 'file:./vault'];
const SECRET_NAME = /key|secret|token|pass|pwd|sig|credential|auth/i;

/** Whether `scheme` has the form `[a-z][a-z0-9+-]*`, at most 32 characters. */
export function isScheme(scheme: unknown): scheme is string {
  return typeof scheme === 'string' && SCHEME.test(scheme);
}

/**
 * Splits `scheme:rest` at the first colon. `URL` is not used: it turns `file:./vault` into `/vault`.
 *
 * @param setting - what an error calls the location, such as the name of the setting that it comes from
 * @throws `INVALID_ARGUMENT`; the message never holds what might be a credential
 */
export function parseLocation(location: string, setting = 'the location'): Location {
  const problem = problemOf(location);
  if (problem !== undefined) {
    throw new SecureStoreError('INVALID_ARGUMENT', `${setting} ${problem.says}`, {
      advice: problem.forms?.map((form) => ({ id: 'give-location', form }) as const),
    });
  }
  const colon = location.indexOf(':');
  return { scheme: location.slice(0, colon), rest: location.slice(colon + 1) };
}

/** Whether a location is that of a server, which has the store open. @throws `INVALID_ARGUMENT` for an invalid location */
export function isServed(location: string): boolean {
  const { scheme } = parseLocation(location);
  return scheme === 'https' || scheme === 'http';
}

/** What is wrong with a location, as it follows what the location is called, and forms that would be right. */
interface Problem {
  readonly says: string;
  readonly forms?: readonly string[];
}

function problemOf(location: unknown): Problem | undefined {
  if (typeof location !== 'string') return { says: `must be a string, got ${typeof location}`, forms: EXAMPLES };
  if (location.length > MAX_LOCATION_LENGTH) {
    return { says: `must have at most ${MAX_LOCATION_LENGTH} characters, got ${location.length}` };
  }
  if (/[\u0000-\u001f\u007f]/.test(location)) return { says: 'must not have control characters' };
  const scheme = location.slice(0, Math.max(location.indexOf(':'), 0));
  if (!isScheme(scheme)) return schemeProblem(location, scheme);
  return HOME.test(location)
    ? { says: 'must have a path without ~, which only a shell replaces by the home folder' }
    : undefined;
}

function schemeProblem(location: string, start: string): Problem {
  if (location === '') return { says: 'must not be empty', forms: EXAMPLES };
  if (PLAIN_PATH.test(location)) {
    return { says: `must begin with a scheme, got "${location}"`, forms: [`sqlite:${location}`, `file:${location}`] };
  }
  if (/^\s/.test(location)) return { says: 'must not begin with white space' };
  // A single letter is a drive of Windows.
  if (start.length > 1 && isScheme(start.toLowerCase())) return { says: 'must have its scheme in lower case' };
  return { says: 'must begin with a scheme', forms: EXAMPLES };
}

/**
 * A location fit for messages and logs: user name and password before a host, and query values whose name hints at a
 * secret, are replaced by `***`. A location that can't be taken apart is hidden altogether.
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
