import type { Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import { abortable } from '../../util/abort.ts';
import { isLanded } from './staged-head.ts';
import { tryAgain } from '../../util/try-again.ts';

/** How often the head of a store is read that is about to open somewhere, in milliseconds. */
const LOOK_EVERY = 25;
/** How long a call waits for that, in milliseconds: the process that moves the store has died, or does not get on. */
const CLOSING_FOR = 10_000;
/** The same if the store has moved, and only has to be opened there. */
const LANDED_FOR = 1000;

/**
 * The error of a call that can not wait.
 *
 * @param head the one that closes the store
 * @param from where a store comes from that has landed, as far as is known
 */
export function closedBy(head: Pick<Head, 'state' | 'migration'>, from?: string): SecureStoreError {
  if (isLanded(head)) return landedFrom(from);
  const isMigration = head.migration !== undefined;
  const why = isMigration ? 'it is being migrated to another store URL' : 'its categories are being changed';
  const reason = isMigration ? 'migrating' : 'changing-categories';
  return tryAgain('LOCKED', `the store takes no calls now: ${why}`, { reason });
}

/** The error of a store that has landed, and that no process has opened yet. */
function landedFrom(from: string | undefined): SecureStoreError {
  const source = from ?? 'another store URL';
  return new SecureStoreError('LOCKED', `the store is not open here yet: its migration from ${source} has not ended`, {
    retryable: true,
    reason: 'incomplete',
    advice:
      from === undefined
        ? [{ id: 'try-again' }]
        : [
            { id: 'resume-migration', source: from },
            { id: 'cancel-migration', source: from },
          ],
  });
}

/** What is asked of the store while it is closed. */
export interface ClosedPorts {
  readonly clock: Clock;
  /** The newest head that is known; `undefined` if that does not close it. */
  readonly closing: () => Head | undefined;
  /** Where a store comes from that has landed; `undefined` if that can't be determined. */
  readonly cameFrom: () => string | undefined;
  /** Reads the head again. */
  readonly read: () => Promise<void>;
  /** What nothing but opening the store again helps against. */
  readonly lost: () => SecureStoreError | undefined;
  /** Called if the store is closed for so long that the process that closed it must have died. */
  readonly onStalled: () => Promise<void>;
}

/** A store that is closed, to move or for a change of its categories, and what waits until it is open somewhere. */
export class CutoverWait {
  readonly #ports: ClosedPorts;
  /** What all calls wait for. */
  #looking: Promise<void> | undefined;
  /** The landed head for which a call has waited in vain: later calls look once, and do not wait as long again. */
  #givenUp: number | undefined;

  constructor(ports: ClosedPorts) {
    this.#ports = ports;
  }

  /** Waits until it is open. @throws SecureStoreError `LOCKED` if that takes too long; what reading the head throws */
  async whenOpen(signal: AbortSignal | undefined): Promise<void> {
    const { clock, closing, lost, onStalled, cameFrom } = this.#ports;
    const since = instant(clock);
    let stalled: number | undefined;
    let failure: unknown;
    let looked = false;
    for (let head = closing(); head !== undefined; head = closing()) {
      const waited = elapsedSince(since, clock);
      const isGivenUp = looked && this.#givenUp === head.generation;
      if ((isGivenUp || waited > (isLanded(head) ? LANDED_FOR : CLOSING_FOR)) && stalled !== head.generation) {
        stalled = head.generation;
        await abortable(onStalled(), signal).catch(() => undefined);
      } else if (waited > CLOSING_FOR || isGivenUp) {
        if (isLanded(head)) this.#givenUp = head.generation;
        throw failure ?? closedBy(head, cameFrom());
      }
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      try {
        await abortable(this.#looking, signal);
        failure = undefined;
        looked = true;
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
