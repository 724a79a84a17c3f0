import { type ErrorCode, SecureStoreError } from '@securestore/core-format';
import type { Logger, SecureStore } from 'securestore';
import type { Call } from './call.ts';
import { findSecret, unlockWith } from './secret.ts';

/** The location that a verb works on. @throws `INVALID_ARGUMENT` where none is given. */
export function locationOf({ cli, options }: Call): string {
  const location = options.store ?? cli.env['SECURESTORE_URL'];
  if (location === undefined || location === '') {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'which store? give --store LOCATION, such as --store sqlite:./vault.db, or set $SECURESTORE_URL',
    );
  }
  return location;
}

/** Says the library's warnings on stderr; what it logs below that is for programs. */
export function loggerFor({ out }: Call): Logger {
  const say = (_fields: object, message: string): void => out.note(`warning: ${message}`);
  return { debug: () => {}, info: () => {}, warn: say, error: say };
}

/**
 * Opens the store of a call, uses it and closes it.
 *
 * @throws whatever `openStore` throws: `NOT_FOUND`, `UNLOCK_FAILED`, `ROLLBACK` and so on.
 */
export async function withStore<T>(call: Call, use: (store: SecureStore) => Promise<T>): Promise<T> {
  const location = locationOf(call);
  await using store = await openAt(call, location);
  return await use(store);
}

async function openAt(call: Call, location: string): Promise<SecureStore> {
  const { cli, options } = call;
  using unlock = await unlockWith(await findSecret(call, 'open'));
  const { openStore } = await import('securestore');
  try {
    return await openStore(location, {
      unlock: unlock.method,
      anchor: options.anchor ?? true,
      acceptHead: options.acceptHead,
      fingerprint: options.fingerprint,
      logger: loggerFor(call),
      signal: cli.signal,
    });
  } catch (error) {
    throw withAdvice(error);
  }
}

/** What the library advises in terms of its options, said in those of the command line. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'securestore init LOCATION makes one',
  UNLOCK_FAILED: 'check that the secret and --store belong together',
  ROLLBACK: '--accept-head takes the state that is there now as the right one',
};

function withAdvice(error: unknown): unknown {
  if (!SecureStoreError.is(error)) return error;
  const advice = ADVICE[error.code];
  const { code, operation, cause } = error;
  return advice === undefined ? error : new SecureStoreError(code, `${error.message}; ${advice}`, { operation, cause });
}
