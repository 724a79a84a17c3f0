import { SecureStoreError, tokenOf } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';

/** The key that a token tells; `undefined` where the key is too long for that, or nothing of the store made the token. */
export function keyOfToken({ names }: Pick<Engine, 'names'>, token: string): string | undefined {
  try {
    const opened = names.open(token);
    return 'hidden' in opened ? undefined : opened.name;
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return undefined;
    throw error;
  }
}

/** The key of the object that a backend name belongs to; `undefined` where the name doesn't tell. */
export function keyAt(engine: Pick<Engine, 'names'>, name: string): string | undefined {
  // A finding may be about all that lies under a token.
  const token = tokenOf(name);
  return token === undefined ? undefined : keyOfToken(engine, token);
}
