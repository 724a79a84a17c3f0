import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { sqliteBackend } from '@securestore/backend-sqlite';
import type { SecureStore } from 'securestore';
import { inFlight, elapsed } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';

/** Going through all names of a store. */
export const listing: Area = {
  title: 'keys() over all names, sqlite:',
  async *comparisons({ scratch, scale }) {
    for (const times of [1, 10, 100]) {
      const count = Math.ceil(1000 * times * scale);
      const url = `sqlite:${join(scratch, `names-${times}.db`)}`;
      const ours = await createOurs(url);
      await inFlight(count, 64, (index) => ours.store(`team-${index % 50}/service/key-${index}`, 'value'));
      const backend = await openBackend(url);
      yield {
        work: 'list every name',
        unit: 'ms',
        count,
        contenders: [listingOurs(ours, count), listingBare(backend, count)],
        // 300,000 names a second.
        targets: [{ bound: 'at most', factor: count / 300 }],
      };
      await backend.close();
      await ours.close();
    }
  },
};

async function openBackend(url: string): Promise<StorageBackend> {
  const backend = sqliteBackend.create();
  await backend.init({ url, options: {} });
  return backend;
}

function listingOurs(store: SecureStore, count: number): Contender {
  const list = async (): Promise<void> => {
    let seen = 0;
    for await (const name of store.keys()) if (name !== '') seen += 1;
    if (seen !== count) throw new Error(`keys() gave ${seen} of ${count} names.`);
  };
  return { name: 'securestore', role: 'ours', sample: () => elapsed(list) };
}

function listingBare(backend: StorageBackend, count: number): Contender {
  const list = async (): Promise<void> => {
    let seen = 0;
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await backend.list('o/', after === undefined ? {} : { after });
      seen += page.entries.length;
      after = page.entries.at(-1)?.key;
      more = page.more;
    }
    if (seen < count) throw new Error(`The backend listed ${seen} of ${count} names.`);
  };
  return { name: 'the backend’s own listing', role: 'raw', sample: () => elapsed(list) };
}
