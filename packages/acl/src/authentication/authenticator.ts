import { SecureStoreError } from '@securestore/core-format';
import { parsePrincipalName } from '../rules/identity.ts';
import type { PrincipalName } from '../rules/identity.ts';

/** The name of the authenticator of API tokens, which every store has. */
export const API_TOKENS = 'api-tokens';

/** Whom an authenticator vouches for. */
export interface Authenticated {
  /** A name in the form that `parseIdentity` gives: two names that only it makes one are two people elsewhere. */
  readonly principal: string;
  /** Roles that whoever vouches says in addition to those that the policy grants. */
  readonly roles?: readonly string[];
  /** Until when it holds, in milliseconds since 1970; without it as long as the session. */
  readonly until?: number;
  /** Whether it still holds, asked at every step; absent if nothing can take it back. */
  readonly holds?: () => boolean;
}

/** What is known of a caller once the names have been checked. */
export interface Known extends Authenticated {
  readonly principal: PrincipalName;
  readonly roles?: readonly PrincipalName[];
}

export interface AuthenticationContext {
  /** The time in milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

/** A way of finding out who a caller is. */
export interface Authenticator {
  readonly name: string;
  /**
   * @returns `undefined` for credentials of another kind, which others are asked about. Whether they are of its kind shows by
   *   their form, never by whether they are right: what no authenticator answers for is refused in other words
   * @throws SecureStoreError `UNAUTHENTICATED` for credentials of its kind that prove nothing; `UNAVAILABLE` or `TIMEOUT`
   *   if it can't find out
   */
  authenticate(credentials: unknown, context: AuthenticationContext): Promise<Authenticated | undefined>;
}

/** What every refusal of credentials says, whatever is wrong with them: it must not help to guess. */
export function unauthenticated(cause?: unknown): SecureStoreError {
  return new SecureStoreError('UNAUTHENTICATED', 'the credentials are wrong, have expired or were revoked', {
    cause,
    advice: [{ id: 'give-credentials' }],
  });
}

function checkedName(name: string, { name: authenticator }: Authenticator): PrincipalName {
  const identity = parsePrincipalName(name);
  if (identity === name) return identity;
  const message = `the authenticator ${authenticator} must give names that are trimmed and in Unicode form NFC`;
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function checked({ principal, roles, ...rest }: Authenticated, authenticator: Authenticator): Known {
  return {
    ...rest,
    principal: checkedName(principal, authenticator),
    ...(roles === undefined ? {} : { roles: roles.map((role) => checkedName(role, authenticator)) }),
  };
}

/**
 * The name of an authenticator stands before those of the principals that it knows, so two of one name could pass for each
 * other's.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function checkAuthenticators(authenticators: readonly Authenticator[]): void {
  const names = [API_TOKENS, ...authenticators.map(({ name }) => name)];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `two authenticators have the name ${JSON.stringify(twice)}`);
}

/**
 * Asks one authenticator after the other.
 *
 * @throws SecureStoreError `UNAUTHENTICATED` if none vouches; what an authenticator throws, `INTERNAL` for what is no
 *   answer, and `INVALID_ARGUMENT` for a name that is none
 */
export async function authenticate(
  authenticators: readonly Authenticator[],
  credentials: unknown,
  context: AuthenticationContext,
): Promise<Known> {
  for (const authenticator of authenticators) {
    let found: Authenticated | undefined;
    try {
      found = await authenticator.authenticate(credentials, context);
    } catch (cause) {
      if (SecureStoreError.is(cause)) throw cause;
      // It may hold the credentials, so it is not passed on.
      throw new SecureStoreError('INTERNAL', `the authenticator ${authenticator.name} threw an error without a code`);
    }
    if (found === undefined) continue;
    // What is no time is not later than now.
    if (found.until !== undefined && !(found.until > context.now)) throw unauthenticated();
    return checked(found, authenticator);
  }
  // Only the form of the credentials was looked at.
  const asked = authenticators.map(({ name }) => name).join(', ') || 'none';
  throw new SecureStoreError('UNAUTHENTICATED', `unknown kind of credentials; authenticators: ${asked}`);
}
