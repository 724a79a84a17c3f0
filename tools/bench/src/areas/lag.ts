import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVED_PLACES } from '../../../services/src/provide/places.ts';
import { provideServer } from '../../../services/src/provide/provide.ts';
import type { Area, Comparison } from '../measure/model.ts';
import { loadOurs } from '../measure/ours.ts';

const WRITES_PER_SECOND = 1000;
const SECONDS = 20;
const BODY: Buffer = Buffer.alloc(200, 7);
/** Names that are written again and again. */
const NAMES = 5000;
const AT_ONCE = 64;
/** How often it is asked how far behind the backup is, in milliseconds. */
const ASK_EVERY = 25;

/** The lag that 99 of 100 questions find, in milliseconds, while a store is written to and backed up continuously. */
async function lagOf(url: string, destination: string, seconds: number): Promise<number> {
  const { createStore, rawKey } = await loadOurs();
  const store = await createStore(url, { unlock: rawKey(Buffer.alloc(32, 1)), maintenance: false });
  const following = await store.backups.startContinuous(destination);
  const lags: number[] = [];
  const under = new Set<Promise<unknown>>();
  const begun = performance.now();
  let sent = 0;
  let asked = 0;
  for (let now = 0; now < seconds * 1000; now = performance.now() - begun) {
    const due = Math.floor((now * WRITES_PER_SECOND) / 1000);
    while (sent < due && under.size < AT_ONCE) {
      const storing: Promise<unknown> = store.store(`k/${sent++ % NAMES}`, BODY).finally(() => under.delete(storing));
      under.add(storing);
    }
    if (now - asked >= ASK_EVERY) {
      asked = now;
      lags.push(following.status.lag ?? Infinity);
    }
    await sleep(2);
  }
  await Promise.all(under);
  await following.close();
  await store.close();
  // What could not be written so fast is no figure for that rate.
  if (sent < seconds * WRITES_PER_SECOND * 0.98) return Number.NaN;
  return lags.toSorted((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? Number.NaN;
}

/** How far a continuous backup is behind. */
export const lag: Area = {
  title: `Lag of a continuous backup to file: at ${WRITES_PER_SECOND} writes a second, 99th percentile`,
  async *comparisons({ scale, scratch, absent }) {
    const seconds = Math.max(1, SECONDS * scale);
    let runs = 0;
    const row = (name: string, url: () => string): Comparison => ({
      work: `${name}, ${seconds} s`,
      unit: 'ms',
      contenders: [
        {
          name: 'securestore',
          role: 'ours',
          sample: () => lagOf(url(), `file:${join(scratch, `backup-${runs++}`)}`, seconds),
        },
      ],
      targets: [{ bound: 'at most', factor: 1000 }],
    });
    yield row('sqlite:', () => `sqlite:${join(scratch, `lag-${runs}.db`)}`);
    const postgres = SERVED_PLACES.find(({ name }) => name === 'postgres');
    if (postgres === undefined) return;
    const { provided, stop } = await provideServer(postgres.service);
    if ('skip' in provided) {
      absent({ name: 'postgres', reason: provided.skip });
      return;
    }
    yield row('postgres', () => postgres.at(provided.url, `lag${runs}`));
    await stop();
  },
};
