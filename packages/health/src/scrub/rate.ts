import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { Clock } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';

/**
 * Reads at most so many bytes of bodies a second, on average: one body at a time, which is given when it is paid for. So what is told of
 * the bytes that were read is never ahead of the time that passed.
 */
export function rateLayer(bytesPerSecond: number, clock: Clock): Layer {
  return (inner) => {
    let turn: Promise<unknown> = Promise.resolve();
    return forwardTo(inner, {
      read: (key, options) => {
        const read = turn.then(async () => {
          const begun = instant(clock);
          const found = await inner.read(key, options);
          const due = ((found?.body.byteLength ?? 0) * 1000) / bytesPerSecond - elapsedSince(begun, clock);
          if (due > 0) await clock.sleep(Math.ceil(due), options?.signal);
          return found;
        });
        turn = read.catch(() => undefined);
        return read;
      },
    });
  };
}
