import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, openAt, patterned, unlessMissing, usePlace } from '../support/stores.ts';

const LARGE = patterned(150_000);

/** Asked before each write of an object's record or of a part; what it throws is what the backend answers. */
type Gate = (name: string) => Promise<void>;

function gated(backend: StorageBackend, gate: Gate): StorageBackend {
  return forwardTo(backend, {
    write: async (name, body, options) => {
      await gate(name);
      return backend.write(name, body, options);
    },
    batch: async (operations, options) => {
      for (const { key } of operations) await gate(key);
      return backend.batch?.(operations, options) ?? [];
    },
  });
}

const refusing =
  (area: string): Gate =>
  async (name) => {
    if (name.startsWith(area)) throw new SecureStoreError('CONFLICT', 'the condition does not hold');
  };

const MUTATIONS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['store of a new object', (store) => store.store('new', 'x')],
  ['store with ifAbsent', (store) => store.store('new', 'x', { ifAbsent: true })],
  ['an overwrite', (store) => store.store('k', 'x')],
  ['an overwrite by a large object', (store) => store.store('k', LARGE)],
  ['setMetadata', (store) => store.setMetadata('k', { n: 2 })],
  ['delete', (store) => store.delete('k')],
  ['undelete', (store) => store.undelete('deleted')],
  ['purge', (store) => store.purge('k')],
];

async function prepared(): Promise<Place> {
  const place = usePlace(memoryPlace);
  const store = await createAt(place);
  await store.store('k', 'one');
  await store.store('deleted', 'one');
  await store.delete('deleted');
  await store.close();
  return place;
}

async function all(place: Place): Promise<Map<string, string>> {
  const backend = await place.open();
  const bodies = new Map<string, string>();
  for (const { key } of (await backend.list('')).entries) {
    bodies.set(key, Buffer.from((await backend.read(key))?.body ?? []).toString('hex'));
  }
  return bodies;
}

describe.each([
  ['with batches', (backend: StorageBackend) => backend],
  ['without batches', withoutBatch],
])('a backend that refuses conditions which hold, %s', (_kind, wrap) => {
  const open = (place: Place, gate: Gate): Promise<ObjectStore> =>
    openAt(place, { wrap: (backend) => gated(wrap(backend), gate) });

  it.each(MUTATIONS)('ends %s in UNAVAILABLE, and the object is as it was', async (_what, act) => {
    const place = await prepared();
    const before = await all(place);
    const store = await open(place, refusing('o/'));
    const error = await failure(act(store), 'UNAVAILABLE');
    expect(error).toMatchObject({ retryable: true, backend: 'memory' });
    expect(error.outcome).toBeUndefined();
    expect(error.message).toContain('it refused a condition that holds');
    await store.close();
    const after = await all(place);
    for (const [name, body] of before) expect(after.get(name), name).toBe(body);
    for (const name of after.keys()) if (!before.has(name)) expect(name).toMatch(/^h\//);
  });

  it('of copies to the history ends in UNAVAILABLE too', async () => {
    const store = await open(await prepared(), refusing('h/'));
    await failure(store.store('k', 'x'), 'UNAVAILABLE');
    expect((await store.retrieve('k')).text()).toBe('one');
  });

  it('of parts ends in UNAVAILABLE, never in a CONFLICT that nobody asked for', async () => {
    const store = await open(await prepared(), refusing('b/'));
    const error = await failure(store.store('k', LARGE), 'UNAVAILABLE');
    expect(error.message).toContain('it refused a condition that holds');
  });

  it('is not what a mutation takes it for while others make progress', async () => {
    const place = await prepared();
    const other = await openAt(place);
    let writes = 0;
    const store = await open(place, async (name) => {
      if (!name.startsWith('o/') || writes >= 60) return;
      writes += 1;
      // Each tenth time somebody else was first in earnest.
      if (writes % 10 === 0) await other.store('k', `${writes}`);
      else await refusing('o/')(name);
    });
    await store.store('k', 'mine');
    expect((await store.retrieve('k')).text()).toBe('mine');
    expect(writes).toBe(60);
  });

  it('loses as many races as there are', async () => {
    const place = await prepared();
    const other = await openAt(place);
    let races = 0;
    const store = await open(place, async (name) => {
      if (name.startsWith('o/') && races++ < 40) await other.store('k', `${races}`);
    });
    await store.store('k', 'mine');
    expect((await store.retrieve('k')).text()).toBe('mine');
    expect(await store.history('k')).toHaveLength(42);
  });

  it('and one whose writes are never answered leaves the outcome unknown, in the end', async () => {
    const place = await prepared();
    let tries = 0;
    const store = await open(place, async (name) => {
      if (!name.startsWith('o/')) return;
      tries += 1;
      throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
    });
    expect(await failure(store.store('k', 'x'), 'TIMEOUT')).toMatchObject({ outcome: 'unknown', retryable: true });
    expect(tries).toBeGreaterThan(2);
    expect((await store.retrieve('k')).text()).toBe('one');
  });
});

it('a backend that refuses every new name ends a creation in UNAVAILABLE', async () => {
  for (const area of ['k/', 'p/', 'store']) {
    const place = usePlace(memoryPlace);
    const creating = createAt(place, { wrap: (backend) => gated(backend, refusing(area)) });
    const error = await failure(creating, 'UNAVAILABLE');
    expect(error.message).toContain('it refused a condition that holds');
  }
});

type Lister = StorageBackend['list'];

/** A store with objects and histories, over a backend that lists as `list` says. */
async function listing(list: (inner: Lister) => Lister): Promise<ObjectStore> {
  const place = await prepared();
  const store = await openAt(place);
  for (const text of ['two', 'three']) await store.store('k', text);
  return openAt(place, {
    wrap: (backend) => forwardTo(backend, { list: list(async (prefix, options) => backend.list(prefix, options)) }),
  });
}

const READERS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['list', (store) => store.list()],
  ['history', (store) => store.history('k')],
  ['restoreVersion', (store) => store.restoreVersion('k', '00000000000-00000000')],
  ['purge', (store) => store.purge('k')],
];

const LISTS: readonly (readonly [string, ErrorCode, (inner: Lister) => Lister])[] = [
  [
    'whose pages start again and again',
    'INTEGRITY',
    (inner) => async (prefix) => ({ ...(await inner(prefix)), more: true }),
  ],
  [
    'whose page is out of order',
    'INTEGRITY',
    (inner) => async (prefix, options) => {
      const { entries, more } = await inner(prefix, options);
      return { entries: entries.toReversed(), more };
    },
  ],
  [
    'whose page holds names twice',
    'INTEGRITY',
    (inner) => async (prefix, options) => {
      const { entries, more } = await inner(prefix, options);
      return { entries: entries.flatMap((entry) => [entry, entry]), more };
    },
  ],
  [
    'whose page holds names that were not asked for',
    'INTEGRITY',
    () => async () => ({ entries: [{ key: 'zzz', size: 1, modified: 1 }], more: false }),
  ],
  ['that promises more after an empty page', 'UNAVAILABLE', () => async () => ({ entries: [], more: true })],
];

describe.each(READERS)('%s over a backend', (what, act) => {
  it('is well where the backend is', async () => {
    const store = await listing((inner) => inner);
    await unlessMissing(act(store));
  });

  it.each(LISTS)('%s ends in %s', async (fault, code, list) => {
    // A purge deletes what a page holds before it asks for the next one, which is then empty.
    const emptied = what === 'purge' && fault.includes('again');
    const error = await failure(act(await listing(list)), emptied ? 'UNAVAILABLE' : code);
    expect(error).toMatchObject({ backend: 'memory' });
    expect(error.message).toContain('the backend memory');
  });
});

it('a version as of a time is not looked for in a listing that is wrong', async () => {
  for (const [fault, code, list] of LISTS) {
    if (/again|order|twice/.test(fault)) continue;
    const store = await listing(list);
    await failure(store.retrieve('k', { at: new Date(1000) }), code);
  }
});
