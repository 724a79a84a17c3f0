import type { Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import { abortable } from './abortable.ts';
import { isLanded } from './moving/landed.ts';

/** How often the head of a store is read that is about to open somewhere, in milliseconds. */
const LOOK_EVERY = 25;
/** How long a call waits for that, in milliseconds: whoever moves the store has died, or does not get on. */
const CLOSING_FOR = 10_000;
/** The same where the store has moved, and only has to be opened there. */
const LANDED_FOR = 1000;

/** What a call is told that can not wait. @param head the one that closes the store */
export function closedBy({ migration }: Pick<Head, 'migration'>): SecureStoreError {
  const why =
    migration === undefined
      ? 'the categories of the store are being changed'
      : 'the store is being moved to another location';
  return new SecureStoreError('LOCKED', `${why}, and it takes no calls at this moment; try again`, { retryable: true });
}

/** What is asked of the store while it is closed. */
export interface ClosedPorts {
  readonly clock: Clock;
  /** The newest head that is known; `undefined` where that does not close it. */
  readonly closing: () => Head | undefined;
  /** Reads the head anew. */
  readonly read: () => Promise<void>;
  /** What nothing but opening the store again helps against. */
  readonly lost: () => SecureStoreError | undefined;
  /** Called if the store is closed for so long that whoever closed it must have died. */
  readonly onStalled: () => Promise<void>;
}

/** A store that is closed, to move or for a change of its categories, and what waits until it is open somewhere. */
export class ClosedStore {
  readonly #ports: ClosedPorts;
  /** What all calls wait for. */
  #looking: Promise<void> | undefined;

  constructor(ports: ClosedPorts) {
    this.#ports = ports;
  }

  /** Waits until it is open. @throws SecureStoreError `LOCKED` where that takes too long; what reading the head throws */
  async whenOpen(signal: AbortSignal | undefined): Promise<void> {
    const { clock, closing, lost, onStalled } = this.#ports;
    const since = instant(clock);
    let stalled: number | undefined;
    let failure: unknown;
    for (let head = closing(); head !== undefined; head = closing()) {
      const waited = elapsedSince(since, clock);
      if (waited > (isLanded(head) ? LANDED_FOR : CLOSING_FOR) && stalled !== head.generation) {
        stalled = head.generation;
        await abortable(onStalled(), signal).catch(() => undefined);
      } else if (waited > CLOSING_FOR) throw failure ?? closedBy(head);
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      try {
        await abortable(this.#looking, signal);
        failure = undefined;
      } catch (error) {
        if (signal?.aborted === true) throw error;
        const gone = lost();
        if (gone !== undefined) throw gone;
        failure = error;
      }
    }
  }

  async #look(): Promise<void> {
    const { clock, read } = this.#ports;
    await clock.sleep(LOOK_EVERY);
    await read();
  }
}
