import { SecureStoreError } from '@securestore/core-format';
import type { PrincipalName } from '../rules/identity.ts';

/** The most listings that one principal may have under way: each reads page after page, and decrypts names. */
export const MAX_LISTINGS = 32;

/** How many listings each principal has under way, in all its sessions here. */
export class ListingCounter {
  readonly #running = new Map<PrincipalName, number>();

  /**
   * Counts a listing.
   *
   * @returns ends it
   * @throws SecureStoreError `THROTTLED`
   */
  begin(principal: PrincipalName): () => void {
    const running = this.#running.get(principal) ?? 0;
    if (running >= MAX_LISTINGS) {
      const message = `one principal may have ${MAX_LISTINGS} listings at once`;
      throw new SecureStoreError('THROTTLED', message, { retryable: true, advice: [{ id: 'try-again' }] });
    }
    this.#running.set(principal, running + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#running.get(principal) ?? 1) - 1;
      if (left > 0) this.#running.set(principal, left);
      else this.#running.delete(principal);
    };
  }
}
