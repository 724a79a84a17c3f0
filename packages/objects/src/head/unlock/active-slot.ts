import { asBuffer } from '@securestore/core-format';
import type { Head, Slot } from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import type { Unlocked } from '../store-state.ts';

function isSlot(unlocked: UnlockedSlot | undefined, slot: Slot): boolean {
  return unlocked?.id.equals(asBuffer(slot.id)) === true;
}

/** Whether the store is opened by that slot. */
function isBySlot(unlocked: Unlocked, { id }: UnlockedSlot): boolean {
  return 'root' in unlocked && id.equals(unlocked.id);
}

/** By which slot a process opens the store, also while it changes that itself. */
export class ActiveSlot {
  /** Slots by which this process opens the store once it follows a head that names them; the newest comes first. */
  #waiting: readonly UnlockedSlot[] = [];
  /** The one that a change makes which this process is writing: it counts wherever a head names it. */
  #prepared: UnlockedSlot | undefined;

  /**
   * The slot that unlocked the store, under the root key of `head`; `undefined` where it has none any more.
   *
   * @param before the head under which it was `opened`
   */
  async follow(opened: UnlockedSlot, before: Head, head: Head): Promise<UnlockedSlot | undefined> {
    for (const unlocked of [...this.#waiting, this.#prepared, opened]) {
      const slot = head.slots.find((other): other is Slot => !('raw' in other) && isSlot(unlocked, other));
      if (unlocked === undefined || slot === undefined) continue;
      const same = unlocked === opened && head.rootNumber === before.rootNumber;
      return same ? unlocked : unlocked.follow(slot, head.rootNumber);
    }
    // Whoever took the slot away wants this process to write no more, though the keys are still the same.
    return undefined;
  }

  /**
   * To be called before a change of the head is written by which this process opens the store by another slot: others of
   * its calls may see the new head before its answer is here.
   */
  prepare(slot: UnlockedSlot | undefined): void {
    // Other changes by this process may be under way, which leave its slot as it is.
    this.#prepared = slot ?? this.#prepared;
  }

  /**
   * To be called where that change was not made: the slot is wiped, unless a head that was seen names it after all.
   *
   * @param current by what the store is open now
   */
  withdraw(slot: UnlockedSlot | undefined, current: Unlocked): void {
    if (slot === this.#prepared) this.#prepared = undefined;
    if (slot !== undefined && !isBySlot(current, slot)) slot.wipe();
  }

  /** The change was made. @param current by what the store is open now */
  replace(slot: UnlockedSlot | undefined, current: Unlocked): void {
    if (slot === this.#prepared) this.#prepared = undefined;
    if (slot !== undefined && !isBySlot(current, slot)) this.#waiting = [slot, ...this.#waiting];
  }

  /** The store is open by `current`. Another call may be following any other slot, so that these stay until {@link wipe}. */
  followed(current: Unlocked): void {
    this.#waiting = this.#waiting.filter((slot) => !isBySlot(current, slot));
  }

  /** Forgets the private keys of slots that the store is not open by. */
  wipe(): void {
    for (const slot of this.#waiting) slot.wipe();
  }
}
