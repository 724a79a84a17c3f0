import { SecureStoreError } from '@securestore/core-format';
import type { Identity } from './identity.ts';

/** Whom an authenticator vouches for. */
export interface Authenticated {
  readonly principal: Identity;
  /** Roles that whoever vouches says in addition to those that the policy grants. */
  readonly roles?: readonly Identity[];
  /** Until when it holds, in milliseconds since 1970; without it as long as the session. */
  readonly until?: number;
  /** Whether it still holds, asked at every step; absent where nothing can take it back. */
  readonly holds?: () => boolean;
}

export interface AuthenticationContext {
  /** The time in milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

/** A way of finding out who somebody is. */
export interface Authenticator {
  readonly name: string;
  /**
   * @returns `undefined` for credentials of another kind, which others are asked about
   * @throws SecureStoreError `UNAUTHENTICATED` for credentials of its kind that prove nothing; `UNAVAILABLE` or `TIMEOUT`
   *   where it can't find out
   */
  authenticate(credentials: unknown, context: AuthenticationContext): Promise<Authenticated | undefined>;
}

/** What every refusal says, whatever is wrong: it must not help to guess. */
export function unauthenticated(cause?: unknown): SecureStoreError {
  return new SecureStoreError('UNAUTHENTICATED', 'the credentials are wrong, have expired or were revoked', { cause });
}

/**
 * Asks one authenticator after the other.
 *
 * @throws SecureStoreError `UNAUTHENTICATED` where none vouches; what an authenticator throws, and `INTERNAL` for what is no
 *   answer
 */
export async function authenticate(
  authenticators: readonly Authenticator[],
  credentials: unknown,
  context: AuthenticationContext,
): Promise<Authenticated> {
  for (const authenticator of authenticators) {
    let found: Authenticated | undefined;
    try {
      found = await authenticator.authenticate(credentials, context);
    } catch (cause) {
      if (SecureStoreError.is(cause)) throw cause;
      // It may hold the credentials, so it is not passed on.
      throw new SecureStoreError(
        'INTERNAL',
        `the authenticator ${authenticator.name} failed with something else than a SecureStoreError`,
      );
    }
    if (found === undefined) continue;
    if ((found.until ?? Infinity) <= context.now) throw unauthenticated();
    return found;
  }
  throw unauthenticated();
}
