import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { SecureStoreError } from '../../../packages/core-format/src/index.ts';
import type { KeyWrapper, WrapContext } from '../../../packages/crypto/src/index.ts';

interface Wrapped {
  readonly wrapped: string;
  readonly context: WrapContext;
  readonly key: string;
}

/** What a key service remembers that wraps keys by keeping them; bytes in base64. */
export interface WrapperTable {
  readonly id: string;
  /** Grows by each key that is wrapped. */
  readonly wraps: Wrapped[];
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** A key wrapper that can be kept in a file. */
export function tableWrapper({ id, wraps }: WrapperTable): KeyWrapper {
  return {
    id,
    async wrap(key, context) {
      const wrapped = randomBytes(48);
      wraps.push({ wrapped: text(wrapped), context: { ...context }, key: text(key) });
      return wrapped;
    },
    async unwrap(bytes, context) {
      const wrapped = text(bytes);
      const found = wraps.find((one) => one.wrapped === wrapped && isDeepStrictEqual(one.context, { ...context }));
      if (found === undefined) throw new SecureStoreError('UNLOCK_FAILED', 'it was not wrapped here for this context');
      return Buffer.from(found.key, 'base64');
    },
  };
}
