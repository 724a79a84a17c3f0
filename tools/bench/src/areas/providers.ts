import { randomBytes } from 'node:crypto';
import { provideServer } from '../../../services/src/provide/provide.ts';
import { awayFrom } from '../measure/distance.ts';
import { elapsed, inFlight } from '../measure/measure.ts';
import type { Area, Comparison, Contender } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import type { Provider } from '../raw/providers.ts';
import { PROVIDERS } from '../raw/providers.ts';

const BODY: Buffer = randomBytes(1024);
const TARGETS = [{ bound: 'at most', factor: 1.15, of: 'the raw limit' }] as const;

/** Of those that answer in a fraction of a millisecond here: what a network adds hides what a process does. */
const FAST: ReadonlySet<string> = new Set(['redis', 'postgres', 'mongodb']);

/** How long one object of 1 KiB takes through a store, beside one request of the provider's SDK, one at a time on loopback. */
export const providers: Area = {
  title: 'Latency on the servers of the tests, objects of 1 KiB',
  async *comparisons({ scale, absent }) {
    const count = Math.ceil(400 * scale);
    for (const provider of PROVIDERS) {
      const { name } = provider;
      const { provided, stop } = await provideServer(provider.service);
      if ('skip' in provided) {
        absent({ name, reason: provided.skip });
        continue;
      }
      yield* comparisonsAt(provider, { name, url: provided.url, label: 'bench' }, count);
      if (FAST.has(name)) {
        const away = await awayFrom(provided.url);
        yield* comparisonsAt(provider, { name: `${name}, 2 ms away`, url: away.url, label: 'away' }, count);
        away.end();
      }
      await stop();
    }
  },
};

async function* comparisonsAt(
  { url: storeUrl, open }: Provider,
  { name, url, label }: { readonly name: string; readonly url: string; readonly label: string },
  count: number,
): AsyncGenerator<Comparison> {
  const bare = await open(url, label);
  const store = await createOurs(storeUrl(url, label));
  let next = 0;
  const stored: string[] = [];
  const put = async (step: (object: string) => Promise<unknown>): Promise<number> =>
    each(count, async () => step(`app/secrets/${next++}`));
  yield {
    work: `${name}: store a new object`,
    unit: 'ms',
    contenders: [
      contender('securestore', 'ours', () => put((object) => store.store(object, BODY))),
      contender('the SDK', 'raw', () => put((object) => bare.put(object, BODY))),
    ],
    targets: TARGETS,
  };
  for (let index = 0; index < count; index += 1) stored.push(`app/kept/${index}`);
  for (const object of stored) await Promise.all([store.store(object, BODY), bare.put(object, BODY)]);
  const get = async (step: (object: string) => Promise<unknown>): Promise<number> =>
    each(count, async (index) => step(stored[index] ?? ''));
  yield {
    work: `${name}: retrieve it`,
    unit: 'ms',
    contenders: [
      contender('securestore', 'ours', () => get((object) => store.retrieve(object))),
      contender('the SDK', 'raw', () => get((object) => bare.get(object))),
    ],
    targets: TARGETS,
  };
  await store.close();
  await bare.close();
}

function contender(name: string, role: Contender['role'], sample: () => Promise<number>): Contender {
  return { name, role, sample };
}

/** Milliseconds of one step, of `count` that follow each other. */
async function each(count: number, step: (index: number) => Promise<unknown>): Promise<number> {
  return (await elapsed(() => inFlight(count, 1, step))) / count;
}
