import type { Clock } from '@securestore/jobs';

/**
 * Whether `work`, which never rejects, is done within so many milliseconds. It goes on in any case. Meanwhile the process is
 * kept from ending: nothing else may do so.
 */
export async function within(work: Promise<unknown>, milliseconds: number, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  const late = clock.sleep(milliseconds, over.signal).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    over.abort();
  }
}
