import { composeLayers } from '@securestore/backend-api';
import { serve } from '@securestore/server';
import type { OpenOptions, SecureStore } from 'securestore';
import { afterAll, beforeAll } from 'vitest';
import { addPrincipal, createStore, grantRole, openStore, setRole, templateRules } from 'securestore';
import type { Place } from '../../../objects/test/support/places.ts';
import { memoryPlace, PLACES } from '../../../objects/test/support/places.ts';
import type { Extras } from '../../../objects/test/support/stores.ts';
import { atEnd, UNLOCK } from '../../../objects/test/support/stores.ts';
import type { Surface, SurfaceStore } from '../../../objects/test/surface/surface.ts';
import { openRemoteStore } from '../../src/index.ts';
import { sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

/** A server, and who may do everything there. */
interface Served {
  readonly url: string;
  readonly token: string;
  readonly store: SecureStore;
}

const served = new WeakMap<Place, Served>();

async function optionsAt(place: Place, { layers = [], wrap, ...rest }: Extras): Promise<OpenOptions> {
  const opened = await place.open();
  const backend = composeLayers(wrap === undefined ? opened : wrap(opened), layers);
  atEnd(() => opened.close());
  return { backend, unlock: UNLOCK, maintenance: false, ...rest };
}

/** Serves a store until the test has ended. */
async function serveStore(
  store: SecureStore,
  token: string | undefined,
  options: Parameters<typeof serve>[1] = {},
): Promise<Served> {
  atEnd(() => Promise.race([store.close().catch(() => undefined), new Promise<void>((done) => setImmediate(done))]));
  const server = await serve(store, { port: 0, ...options });
  atEnd(() => server.close());
  return { url: server.url, token: token ?? (await administratorOf(store)), store };
}

/** A token for somebody who may do everything. */
async function administratorOf(store: SecureStore): Promise<string> {
  await store.access.change([
    setRole('everything', templateRules('administrator')),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'everything'),
  ]);
  return (await store.access.createToken('ann')).token;
}

async function clientOf({ url, token }: Served): Promise<SurfaceStore> {
  const store = await openRemoteStore(url, { credentials: { token } });
  atEnd(() => store.close());
  return store;
}

/** Stores that are served, each by a server of its own. */
export const remote: Surface = {
  places: TORTURE ? PLACES : [['memory', () => memoryPlace()]],
  share: sized({ short: 0.02, full: 0.1, torture: 1 }),
  clients: 8,
  prefetched: 100,
  readsAhead: true,
  async createAt(place, extras = {}) {
    const { clock } = extras;
    const store = await createStore(place.url, await optionsAt(place, extras));
    const one = await serveStore(store, undefined, { clock });
    served.set(place, one);
    return clientOf(one);
  },
  async openAt(place, extras) {
    const first = served.get(place);
    if (first === undefined) throw new Error('there is no store at this place yet');
    if (extras === undefined || Object.keys(extras).length === 0) return clientOf(first);
    const store = await openStore(place.url, await optionsAt(place, extras));
    return clientOf(await serveStore(store, first.token, { clock: extras.clock }));
  },
};

/** One store that is served to all tests of a `describe`, for those that leave it as it was or do not mind. */
export function remoteForAll(): Surface {
  let one: Served | undefined;
  let client: SurfaceStore | undefined;
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const store = await createStore('memory:', { unlock: UNLOCK, maintenance: false });
    ends.unshift(() => store.close());
    const server = await serve(store, { port: 0 });
    ends.unshift(() => server.close());
    const token = await administratorOf(store);
    one = { url: server.url, token, store };
    client = await openRemoteStore(server.url, { credentials: { token } });
    ends.unshift(() => client?.close() ?? Promise.resolve());
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });
  return {
    ...remote,
    async createAt(place, extras = {}) {
      if (Object.keys(extras).length > 0 || one === undefined || client === undefined)
        return remote.createAt(place, extras);
      const { store } = one;
      for (const key of await store.list()) await store.purge(key);
      served.set(place, one);
      return client;
    },
  };
}
