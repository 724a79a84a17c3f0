import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';

/**
 * The machine's clocks, running `times` as fast since `start`: for what waits long, among several processes too where
 * all have the same start. The faster it runs, the sooner a busy machine is too slow for the limits that it measures, and
 * the further it is from the clock of a backend that has its own.
 */
export function hurriedClock(times = 25, start: number = Date.now()): Clock {
  const real = systemClock();
  const passed = (): number => (real.now() - start) * times;
  return {
    now: () => start + passed(),
    uptime: passed,
    sleep: (milliseconds, signal, options) => real.sleep(milliseconds / times, signal, options),
  };
}
