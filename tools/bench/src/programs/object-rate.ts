/* `object-rate.ts WORK SUITE COUNT`: stores or retrieves objects of 1 KiB in memory, and prints how many a second. */
import { randomBytes } from 'node:crypto';
import { inFlight, rate } from '../measure/measure.ts';
import { createOurs } from '../measure/ours.ts';

const [work = '', suite = '', count = ''] = process.argv.slice(2);
const body = randomBytes(1024);
const store = await createOurs('memory:', { suite: suite === '2' ? 2 : 1 });
const storing = (round: number): Promise<number> =>
  rate(Number(count), () =>
    inFlight(Number(count), 1, (index) => store.store(`app/${round}/${index}`, body, { metadata: { owner: 'ops' } })),
  );
const retrieving = (): Promise<number> =>
  rate(Number(count), () => inFlight(Number(count), 1, (index) => store.retrieve(`app/0/${index}`)));
// The first round is compiled while it runs.
const first = await storing(0);
if (work === 'retrieve') await retrieving();
console.log(work === 'retrieve' ? await retrieving() : Math.max(first, await storing(1)));
await store.close();
