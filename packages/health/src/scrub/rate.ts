import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { Clock } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';

/**
 * Reads at most so many bytes of bodies a second, on average: one body at a time, and none before those that were read are paid
 * for. So it is ahead by one body at most.
 */
export function rateLayer(bytesPerSecond: number, clock: Clock): Layer {
  return (inner) => {
    /** Bytes that were read and not yet paid for by time that passed. */
    let owed = 0;
    let since = instant(clock);
    let turn: Promise<unknown> = Promise.resolve();
    const pay = async (signal: AbortSignal | undefined): Promise<void> => {
      owed = Math.max(0, owed - (elapsedSince(since, clock) * bytesPerSecond) / 1000);
      since = instant(clock);
      if (owed === 0) return;
      await clock.sleep(Math.ceil((owed * 1000) / bytesPerSecond), signal);
      owed = 0;
      since = instant(clock);
    };
    return forwardTo(inner, {
      read: (key, options) => {
        const read = turn.then(async () => {
          await pay(options?.signal);
          const found = await inner.read(key, options);
          owed += found?.body.byteLength ?? 0;
          return found;
        });
        turn = read.catch(() => undefined);
        return read;
      },
    });
  };
}
