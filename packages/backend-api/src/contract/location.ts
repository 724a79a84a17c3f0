import { SecureStoreError } from '@securestore/core-format';

/** A store URL taken apart. The destination of backups, and the source and target of a migration, are such URLs too. */
export interface StoreUrl {
  /** In lower case, without the colon. */
  readonly scheme: string;
  /** Everything after the first colon, as it was written. */
  readonly rest: string;
}

export const MAX_STORE_URL_LENGTH = 4096;
const SCHEME = /^[a-z][a-z0-9+-]{0,31}$/;
/** What is a path and nothing else: no credential, and no URL that may hold one. */
const PLAIN_PATH = /^(?:\.{0,2}\/(?!\/)[\p{L}\p{N} ._/-]*|[\p{L}\p{N} ._/-]+\.(?:db|sqlite3?))$/u;
/** Its folder would be named `~`, in the working directory. */
const HOME = /^(?:file|sqlite):~(?:\/|$)/;
const EXAMPLES: readonly string[] = ['sqlite:./vault.db', 'file:./vault'];
const SECRET_NAME = /key|secret|token|pass|pwd|sig|sas|credential|auth/i;
/** The rest of such a store URL is a path, in which nothing is a credential unless it looks like a query. */
const PATH_SCHEME = /^(?:file|sqlite|memory):/;

/** Whether `scheme` has the form `[a-z][a-z0-9+-]*`, at most 32 characters. */
export function isScheme(scheme: unknown): scheme is string {
  return typeof scheme === 'string' && SCHEME.test(scheme);
}

/**
 * Splits a store URL, `scheme:rest`, at the first colon; the destination of backups is such a URL too. `URL` is not used: it turns
 * `file:./vault` into `/vault`.
 *
 * @param setting - what an error calls the store URL, such as the name of the setting that it comes from
 * @throws `INVALID_ARGUMENT`; the message never holds what might be a credential
 */
export function parseStoreUrl(url: string, setting = 'the store URL'): StoreUrl {
  const problem = problemOf(url);
  if (problem !== undefined) {
    throw new SecureStoreError('INVALID_ARGUMENT', `${setting} ${problem.says}`, {
      advice: problem.forms?.map((form) => ({ id: 'give-store-url', form }) as const),
    });
  }
  const colon = url.indexOf(':');
  return { scheme: url.slice(0, colon), rest: url.slice(colon + 1) };
}

/** Whether a store URL is that of a server, which has the store open. @throws `INVALID_ARGUMENT` for an invalid store URL */
export function isServed(url: string): boolean {
  const { scheme } = parseStoreUrl(url);
  return scheme === 'https' || scheme === 'http';
}

/** What is wrong with a store URL, as it follows what the store URL is called, and forms that would be right. */
interface Problem {
  readonly says: string;
  readonly forms?: readonly string[];
}

function problemOf(url: unknown): Problem | undefined {
  if (typeof url !== 'string') return { says: `must be a string, got ${typeof url}`, forms: EXAMPLES };
  if (url.length > MAX_STORE_URL_LENGTH) {
    return { says: `must have at most ${MAX_STORE_URL_LENGTH} characters, got ${url.length}` };
  }
  if (/[\u0000-\u001f\u007f]/.test(url)) return { says: 'must not have control characters' };
  const scheme = url.slice(0, Math.max(url.indexOf(':'), 0));
  if (!isScheme(scheme)) return schemeProblem(url, scheme);
  return HOME.test(url)
    ? { says: 'must have a path without ~, which only a shell replaces by the home folder' }
    : undefined;
}

function schemeProblem(url: string, start: string): Problem {
  if (url === '') return { says: 'must not be empty', forms: EXAMPLES };
  if (PLAIN_PATH.test(url)) {
    return { says: `must begin with a scheme, got "${url}"`, forms: [`sqlite:${url}`, `file:${url}`] };
  }
  if (/^\s/.test(url)) return { says: 'must not begin with white space' };
  // A single letter is a drive of Windows.
  if (start.length > 1 && isScheme(start.toLowerCase())) return { says: 'must have its scheme in lower case' };
  return { says: 'must begin with a scheme', forms: EXAMPLES };
}

/**
 * A store URL, also that of a destination of backups, fit for messages and logs: user name and password before a host, and query values whose name hints at a
 * secret, are replaced by `***`. A store URL that can't be taken apart is hidden altogether.
 */
export function redactStoreUrl(url: string): string {
  if (typeof url !== 'string' || !/^[a-z][a-z0-9+-]{0,31}:/.test(url)) return '***';
  const redacted = redactQuery(redactUserInfo(url));
  return PATH_SCHEME.test(url) ? redacted : redactOtherForms(redacted);
}

/** Also in forms that other programs take, and no backend of ours: `scheme:user:password@host`, and settings between spaces. */
function redactOtherForms(url: string): string {
  return url
    .replace(/^([^:]*:)(?!\/\/)[^]*:[^]*@/, '$1***@')
    .replaceAll(/([:\s])([^:\s=?&#;]*)=(\S*)/g, (whole: string, separator: string, name: string) =>
      SECRET_NAME.test(name) ? `${separator}${name}=***` : whole,
    );
}

function redactUserInfo(url: string): string {
  const authority = url.indexOf('//');
  // The last @ counts, since a password may itself hold any of / ? # @ unescaped, and none of it may show.
  const at = url.lastIndexOf('@');
  if (authority < 0 || at < authority) return url;
  return `${url.slice(0, authority + 2)}***${url.slice(at)}`;
}

function redactQuery(url: string): string {
  return url.replaceAll(/([?&#;])([^?&#;=]*)=([^&#;]*)/g, (whole: string, separator: string, name: string) =>
    SECRET_NAME.test(name) ? `${separator}${name}=***` : whole,
  );
}
