import type { Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Logger } from '../../api/types.ts';

/** How often a secret is asked for again that opens no slot, in milliseconds: to try a passphrase takes work. */
const ASK_EVERY = 5000;
/** How long the reading of the head waits for an answer, in milliseconds. */
const WAIT_FOR = 1000;

/** What asking again takes. */
export interface SecretPorts {
  readonly clock: Clock;
  /** Asks for the secret and opens a slot of `head` by it. @throws SecureStoreError if it opens none */
  readonly open: (head: Head, signal: AbortSignal) => Promise<UnlockedSlot>;
  readonly onOpened: (slot: UnlockedSlot) => void;
  readonly logger: Logger | undefined;
}

/** The message of any other error may hold anything. */
function reasonOf(error: unknown): string {
  return SecureStoreError.is(error) ? error.message : 'the source of the unlock secret failed';
}

/** Asks again for the unlock secret of a store whose slot is gone: after a rotation, its source may have another one. */
export class SecretAgain {
  readonly #ports: SecretPorts;
  readonly #closed = new AbortController();
  #asked: Instant | undefined;
  #asking: Promise<void> | undefined;
  #refused: string | undefined;

  constructor(ports: SecretPorts) {
    this.#ports = ports;
  }

  /** Asks, unless that was done a moment ago. An answer that takes long is used when it comes. */
  async ask(head: Head): Promise<void> {
    const { clock } = this.#ports;
    if (this.#asking === undefined) {
      const isSoon = this.#asked !== undefined && elapsedSince(this.#asked, clock) < ASK_EVERY;
      if (isSoon || this.#closed.signal.aborted) return;
      this.#asked = instant(clock);
      this.#asking = this.#open(head).finally(() => (this.#asking = undefined));
    }
    const answered = new AbortController();
    const late = clock.sleep(WAIT_FOR, answered.signal).catch(() => undefined);
    await Promise.race([this.#asking, late]);
    answered.abort();
  }

  async #open(head: Head): Promise<void> {
    const { signal } = this.#closed;
    const { open, onOpened, logger } = this.#ports;
    try {
      const slot = await open(head, signal);
      if (signal.aborted) return slot.wipe();
      this.#asked = undefined;
      this.#refused = undefined;
      onOpened(slot);
      logger?.info(
        {},
        'the slot that opened the store is gone; its unlock secret was read again, and opens another slot',
      );
    } catch (error) {
      const reason = reasonOf(error);
      if (signal.aborted || reason === this.#refused) return;
      this.#refused = reason;
      logger?.warn(
        { code: 'LOCKED', reason: 'slot-removed', advice: [{ id: 'check-unlock-secret' }] },
        `writes and sessions are LOCKED: the slot that opened the store is gone, and no other was opened (${reason}). The unlock secret is read again until it opens a slot.`,
      );
    }
  }

  /** Asks no more, and forgets what is answered from now on. */
  close(): void {
    this.#closed.abort();
  }
}
