import { printed, readPrinted } from './printed.ts';
import { randomPool } from '../primitives/random.ts';
import type { UnlockSecretMethod, UnlockSecretSource } from './unlock.ts';
import { derivedSecret, secretText } from './unlock.ts';

/** 160 bits: out of reach of every search, and still short enough to be typed. */
const CODE_BYTES = 20;

/**
 * A new recovery code, as the ASCII text that is to be printed or written down: nine groups of four letters and digits
 * after `SSRC1`, the last of which shows mistakes. Whoever has it can open the store; wipe the buffer when it is printed.
 */
export function generateRecoveryCode(): Buffer {
  const bytes = randomPool()(CODE_BYTES);
  const text = printed('recovery code', bytes);
  bytes.fill(0);
  return text;
}

/**
 * Unlocks by a code of {@link generateRecoveryCode}. Upper or lower case, spaces and hyphens make no difference, and O and 0,
 * I, L and 1 are the same.
 */
export function recoveryCode(code: UnlockSecretSource): UnlockSecretMethod {
  return {
    type: 'recoveryCode',
    secret: derivedSecret(secretText(code, 'a recovery code'), (text) =>
      readPrinted('recovery code', text, CODE_BYTES),
    ),
  };
}
