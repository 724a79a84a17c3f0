import type { Slot } from '@securestore/core-format';
import { copySecret } from '@securestore/core-format';
import { combineShares, sharesOf, wipeAll } from './share-set.ts';
import { ownShares } from './share-tags.ts';
import type { SlotContext } from './slot-keys.ts';
import type { UnlockedSlot } from './slot-seal.ts';
import { openSlot, openWrappedSlot } from './slot-seal.ts';
import type { KeyWrapperMethod } from '../key-service/key-wrapper.ts';
import type { UnlockSecretMethod, UnlockMethod } from './unlock.ts';

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
  /**
   * Whether the other one is the same secret, used in the same way. Shares are the same where the same ones were given; whether
   * others give the same secret shows when both open one slot.
   */
  equals(other: HeldSecret): boolean;
  wipe(): void;
}

class HeldBytes implements HeldSecret {
  readonly type: UnlockSecretMethod['type'];
  readonly method: UnlockSecretMethod;
  readonly #bytes: Buffer;

  constructor(type: UnlockSecretMethod['type'], bytes: Buffer) {
    this.type = type;
    this.#bytes = bytes;
    this.method = { type, secret: async () => copySecret(bytes) };
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

/** Which of the shares give the secret is known slot by slot, so they are held themselves. */
class HeldShares implements HeldSecret {
  readonly type = 'shares';
  readonly method: UnlockSecretMethod;
  readonly #shares: readonly Buffer[];

  constructor(shares: readonly Buffer[]) {
    this.#shares = shares;
    this.method = {
      type: 'shares',
      secret: () => combineShares(shares),
      shares: async () => shares.map((share) => copySecret(share)),
    };
  }

  async open(slot: Slot, context: SlotContext, rootNumber: number): Promise<UnlockedSlot | undefined> {
    const own = slot.method.type === 'shares' ? ownShares(this.#shares, slot.method) : undefined;
    if (own === undefined) return undefined;
    const secret = await combineShares(own);
    try {
      return await openSlot(slot, secret, context, rootNumber);
    } finally {
      secret.fill(0);
    }
  }

  equals(other: HeldSecret): boolean {
    if (!(other instanceof HeldShares) || other.#shares.length !== this.#shares.length) return false;
    return this.#shares.every((share) => other.#shares.some((another) => another.equals(share)));
  }

  wipe(): void {
    wipeAll(this.#shares);
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
  if (unlock.type === 'shares') return new HeldShares(await sharesOf(unlock));
  return new HeldBytes(unlock.type, await unlock.secret());
}
