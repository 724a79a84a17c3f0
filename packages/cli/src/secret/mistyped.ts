import { SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { withHints } from '../errors/refuse.ts';
import { secretsGiven } from './secret.ts';
import { printable } from '../terminal/terminal-text.ts';
import type { Unlocking } from './unlocking.ts';

/** How often a person may type a passphrase in all. */
const TRIES = 3;

/** A secret that was not typed may be another one than the person thinks: what gave it is named, and what else is set and not used. */
async function withSource(call: Call, error: SecureStoreError): Promise<SecureStoreError> {
  const [used, ...others] = await secretsGiven(call);
  if (used === undefined) return error;
  const unused =
    others.length === 1 ? `${others[0]} is set, too, and is` : `${others.join(', ')} are set, too, and are`;
  const hints = [
    { text: `check that the secret belongs to this store: it was taken from ${used}` },
    ...(others.length === 0 ? [] : [{ text: `${unused} not used` }]),
  ];
  return withHints(error, ...hints);
}

/**
 * What `open` gives. If the passphrase that a person has typed is wrong, they are asked again, three times in all; whatever a file,
 * a variable or a command gave is tried once.
 *
 * @param open opens something by `unlock`, and has done nothing else if it throws `UNLOCK_FAILED`
 * @throws what `open` throws
 */
export async function whileMistyped<T>(call: Call, unlock: Unlocking, open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
      if (unlock.forget === undefined) throw await withSource(call, error);
      if (tries === TRIES || !unlock.forget()) throw error;
      call.cli.stderr.write(`${printable(error.detail)}. Try again, or press Ctrl-C to stop.\n`);
    }
  }
}
