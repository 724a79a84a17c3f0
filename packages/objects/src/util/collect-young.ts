import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

/** How far memory outside the heap must be above its least, in bytes. V8 itself waits for 64 MiB. */
const STEP: number = 8 * 1024 * 1024;
/** Copied into the heap as a string. V8 sets strings of 128 KiB apart. */
const FILLING: Buffer = Buffer.alloc(64_000);

/** The least memory outside the heap since the last collection that was brought about here, in bytes. */
let least = Infinity;

/**
 * Has V8 collect its young generation, if it is time. A reader that makes much garbage outside V8's heap calls it a few times for each
 * 8 MiB.
 *
 * V8 collects that generation when it is full, and memory outside the heap does not fill it. Instead V8 marks the whole heap after each
 * 64 MiB outside it, which takes about ten times as long, and longer the more the program holds. So this fills the young generation with
 * strings that nothing refers to.
 */
export function collectYoung(): void {
  const { external_memory: now } = getHeapStatistics();
  least = Math.min(least, now);
  if (now - least < STEP) return;
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  const room = young?.space_available_size ?? 0;
  // To fill a large one takes long, so it has to bring more.
  if (now - least < room / 2) return;
  for (let filled = 0; filled <= room; filled += FILLING.length) FILLING.toString('latin1');
  // Another thread frees the garbage a little later.
  least = now;
}
