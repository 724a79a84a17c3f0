import { SecureStoreError } from '@securestore/core-format';
import type { Logger, SecureStore } from 'securestore';
import type { Call } from './call.ts';
import { findSecret, unlockMethod } from './secret.ts';

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
  const { cli, options } = call;
  const location = locationOf(call);
  const unlock = await unlockMethod(await findSecret(call, 'open'));
  const { openStore } = await import('securestore');
  await using store = await openStore(location, {
    unlock,
    anchor: options.anchor ?? true,
    acceptHead: options.acceptHead,
    fingerprint: options.fingerprint,
    logger: loggerFor(call),
    signal: cli.signal,
  });
  return await use(store);
}
