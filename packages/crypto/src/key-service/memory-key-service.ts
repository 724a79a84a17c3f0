import { TAG_LENGTH, KEY_LENGTH, SecureStoreError } from '@securestore/core-format';
import { deriveBytes, takeKey } from '../primitives/derive.ts';
import type { KeyWrapper, WrapContext, WrapOptions } from './key-wrapper.ts';
import type { KeyWrapperSubject } from './key-wrapper-contract.ts';
import { randomPool } from '../primitives/random.ts';
import { suite1 } from '../primitives/suite-1.ts';

const SALT_LENGTH = 16;

/** A key management service in memory, for tests of what uses one. It ends with the process, and so does what it wrapped. */
export interface MemoryKeyService extends Required<Omit<KeyWrapperSubject, 'timeLimit'>> {
  readonly open: () => KeyWrapper;
  readonly unreachable: () => KeyWrapper;
  readonly refused: () => KeyWrapper;
}

function throwing(id: string, code: 'UNAVAILABLE' | 'UNLOCK_FAILED', message: string): KeyWrapper {
  const fail = async (): Promise<never> => {
    throw new SecureStoreError(code, message);
  };
  return { id, wrap: fail, unwrap: fail };
}

/** Makes a {@link MemoryKeyService} with one key. */
export function memoryKeyService(): MemoryKeyService {
  const random = randomPool();
  const id = `memory:${random(8).toString('hex')}`;
  const key = takeKey(random(KEY_LENGTH));
  // A key for each message, so that there is no nonce to repeat, and none for another context.
  const keyOf = (salt: Uint8Array, context: WrapContext): Buffer =>
    deriveBytes(key, 'memory key service', salt, Buffer.from(JSON.stringify(context), 'utf8'));

  async function wrap(bytes: Uint8Array, context: WrapContext, { signal }: WrapOptions): Promise<Uint8Array> {
    signal.throwIfAborted();
    const salt = random(SALT_LENGTH);
    const wrapped = Buffer.alloc(SALT_LENGTH + bytes.length + TAG_LENGTH);
    wrapped.set(salt);
    const own = keyOf(salt, context);
    suite1.sealOnce(own, bytes, wrapped, SALT_LENGTH);
    own.fill(0);
    return wrapped;
  }

  async function unwrap(wrapped: Uint8Array, context: WrapContext, { signal }: WrapOptions): Promise<Uint8Array> {
    signal.throwIfAborted();
    const own = keyOf(wrapped.subarray(0, SALT_LENGTH), context);
    const bytes = suite1.openOnce(own, wrapped.subarray(SALT_LENGTH));
    own.fill(0);
    if (bytes === undefined) throw new SecureStoreError('UNLOCK_FAILED', 'it was not wrapped here for this context');
    return bytes;
  }

  return {
    name: 'a key service in memory',
    open: () => ({ id, wrap, unwrap }),
    unreachable: () => throwing(id, 'UNAVAILABLE', 'the service can not be reached'),
    refused: () => throwing(id, 'UNLOCK_FAILED', 'the service does not let you use this key'),
  };
}
