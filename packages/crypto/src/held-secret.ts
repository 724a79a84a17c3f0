import type { Slot } from '@securestore/core-format';
import { copySecret } from '@securestore/core-format';
import type { SlotContext } from './slot-keys.ts';
import type { UnlockedSlot } from './slot-seal.ts';
import { openSlot, openWrappedSlot } from './slot-seal.ts';
import type { KeyWrapperMethod } from './key-wrapper.ts';
import type { SecretMethod, UnlockMethod } from './unlock.ts';

/** What an unlock method unlocks by, asked for once and used several times. */
export interface HeldSecret {
  readonly type: UnlockMethod['type'];
  /**
   * Opens a slot; `undefined` where it is another's.
   *
   * @throws SecureStoreError as `openSlot` and `openWrappedSlot`
   */
  open(slot: Slot, context: SlotContext, rootNumber: number, signal?: AbortSignal): Promise<UnlockedSlot | undefined>;
  /** Gives it once more, to make slots with. It is of no use once this is wiped. */
  readonly method: UnlockMethod;
  /** Whether the other one is the same secret, used in the same way. */
  equals(other: HeldSecret): boolean;
  wipe(): void;
}

class HeldBytes implements HeldSecret {
  readonly type: SecretMethod['type'];
  readonly method: SecretMethod;
  readonly #bytes: Buffer;

  constructor({ type, scheme }: SecretMethod, bytes: Buffer) {
    this.type = type;
    this.#bytes = bytes;
    const secret = async (): Promise<Buffer> => copySecret(bytes);
    this.method = scheme === undefined ? { type, secret } : { type, secret, scheme };
  }

  async open(slot: Slot, context: SlotContext, rootNumber: number): Promise<UnlockedSlot | undefined> {
    return slot.method.type === this.type ? openSlot(slot, this.#bytes, context, rootNumber) : undefined;
  }

  equals(other: HeldSecret): boolean {
    return other instanceof HeldBytes && other.type === this.type && this.#bytes.equals(other.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
  }
}

/** A key wrapper holds nothing here. */
class HeldWrapper implements HeldSecret {
  readonly type = 'keyWrapper';
  readonly method: KeyWrapperMethod;

  constructor(method: KeyWrapperMethod) {
    this.method = method;
  }

  open(slot: Slot, context: SlotContext, rootNumber: number, signal?: AbortSignal): Promise<UnlockedSlot | undefined> {
    return openWrappedSlot(slot, this.method, context, rootNumber, signal);
  }

  equals(other: HeldSecret): boolean {
    return other instanceof HeldWrapper && other.method.wrapper.id === this.method.wrapper.id;
  }

  wipe(): void {}
}

/** Asks for a secret. It is to be wiped. @throws SecureStoreError `INVALID_ARGUMENT` for one that can't be one */
export async function holdSecret(unlock: UnlockMethod): Promise<HeldSecret> {
  if (unlock.type === 'keyWrapper') return new HeldWrapper(unlock);
  // Shares say how many are needed as long as they are there, which is now.
  const scheme = await unlock.scheme?.();
  const bytes = await unlock.secret();
  return new HeldBytes(scheme === undefined ? unlock : { ...unlock, scheme: async () => scheme }, bytes);
}
