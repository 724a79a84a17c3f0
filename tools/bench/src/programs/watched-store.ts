/* `watched-store.ts URL WORK COUNT WHO`: prints how many times a second a store there `stores` or `retrieves`, 64 at a time, while it is `watched` or not. */
import { Buffer } from 'node:buffer';
import { composeLayers, createMeter } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { rawKey } from '@securestore/crypto';
import { Health } from '@securestore/health';
import { createObjectStore } from '@securestore/objects';
import { bodies } from '../measure/bodies.ts';
import { inFlight, rate } from '../measure/measure.ts';

const [url = '', work = '', count = '', who = ''] = process.argv.slice(2);
const GROUP = 64;
/** How often the health of a store is looked at meanwhile, in milliseconds: much oftener than anybody would. */
const LOOK_EVERY = 1000;
/** So often all of it is done, so that the store is looked at while it is. */
const ROUNDS = 4;
const objects = Number(count);
const body = bodies();
const isWatched = who === 'watched';

const bare = url.startsWith('memory:') ? new MemoryBackend() : new SqliteBackend();
await bare.init({ url, options: {} });
const meter = createMeter();
// With all that `openStore` puts around a backend to measure it, and somebody who looks how the store is.
const backend = isWatched ? composeLayers(bare, [meter.layer]) : bare;
const store = await createObjectStore({ backend, url, unlock: rawKey(Buffer.alloc(32, 7)) });
const health = isWatched ? new Health(store, { meter }) : undefined;
await health?.metrics.openTelemetry();

const kept = (index: number): string => `app/secrets/${index}`;
await inFlight(objects, GROUP, (index) => store.store(kept(index), body()));
await inFlight(objects, GROUP, (index) => store.retrieve(kept(index)));
const timer = setInterval(() => void health?.check().catch(() => undefined), LOOK_EVERY);
const once = (round: number): Promise<void> =>
  inFlight(objects, GROUP, (index) =>
    work === 'stores' ? store.store(`app/new/${round}/${index}`, body()) : store.retrieve(kept(index)),
  );
const all = async (): Promise<void> => {
  for (let round = 0; round < ROUNDS; round++) await once(round);
};
console.log(await rate(objects * ROUNDS, all));
clearInterval(timer);
await store.close();
