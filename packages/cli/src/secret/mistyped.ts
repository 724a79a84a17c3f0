import { SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { withoutOperation } from '../call/output.ts';
import { printable } from '../terminal/terminal-text.ts';
import type { Unlocking } from './unlocking.ts';

/** How often a person may type a passphrase in all. */
const TRIES = 3;

/**
 * What `open` gives. If the passphrase that a person has typed is wrong, they are asked again, three times in all; whatever a file,
 * a variable or a command gave is tried once.
 *
 * @param open opens something by `unlock`, and has done nothing else if it throws `UNLOCK_FAILED`
 * @throws what `open` throws
 */
export async function whileMistyped<T>({ cli }: Call, unlock: Unlocking, open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED') || tries === TRIES || unlock.forget?.() !== true) throw error;
      const message = withoutOperation(error.message, error.operation);
      cli.stderr.write(`${printable(message)}. Try again, or press Ctrl-C to stop.\n`);
    }
  }
}
