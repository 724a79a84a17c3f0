import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { collect } from '../../src/maintenance/gc/collect.ts';
import type { ObjectStore } from '../../src/index.ts';
import type { Process } from '../support/collection.ts';
import { DAY, namesUnder, processAt, whileTimePasses } from '../support/collection.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../support/stores.ts';

/** A restore whose record is on its way when its answer is given up. */
interface LateRestore {
  readonly owner: Process;
  /** Whose version is restored while the owner does something. @returns how it ends */
  readonly restoredWhile: (act: (owner: Process) => Promise<unknown>) => Promise<SecureStoreError>;
  /** Lets the record arrive; nothing where its condition does not hold any more. */
  readonly land: () => Promise<unknown>;
}

/** A past version that may be collected. */
async function lateRestore(data: Buffer): Promise<LateRestore> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, history: { versions: 0, days: 0 } })).close();
  const owner = await processAt(place, { clock, smallParts: true });
  const { version } = await owner.store.store('k', data);
  await owner.store.store('k', 'newer');
  clock.advance(2 * DAY);
  const sent = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<void>();
  let land: LateRestore['land'] | undefined;
  const wrap = (inner: StorageBackend): StorageBackend => {
    const backend = withoutBatch(inner);
    return forwardTo(backend, {
      async write(key, body, options) {
        if (!key.startsWith(AREAS.objects) || land !== undefined) return backend.write(key, body, options);
        const record = Uint8Array.from(body);
        land = () => inner.write(key, record, { ...options, signal: undefined });
        sent.resolve();
        await givenUp.promise;
        throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
      },
    });
  };
  const { store } = await processAt(place, { clock, smallParts: true, wrap });
  const restoredWhile: LateRestore['restoredWhile'] = async (act) => {
    const restoring = store.restoreVersion('k', version);
    await sent.promise;
    await whileTimePasses(clock, act(owner));
    givenUp.resolve();
    return failure(whileTimePasses(clock, restoring), 'NOT_FOUND');
  };
  return { owner, restoredWhile, land: async () => land?.() };
}

const read = async (store: ObjectStore): Promise<Uint8Array> => (await store.retrieve('k')).data;

it.each([
  ['in its record', patterned(50)],
  ['in parts', patterned(20_000)],
])('a restore that may still land is indeterminate, though its version was collected: payload %s', async (_, data) => {
  const { owner, restoredWhile, land } = await lateRestore(data);
  const error = await restoredWhile(async ({ engine }) => {
    await collect(engine);
    expect(await namesUnder(engine.backend, AREAS.history)).toHaveLength(1);
  });
  expect(error.outcome).toBe('unknown');
  await land();
  expect(data.equals(await read(owner.store))).toBe(true);
});

it('a restore of a version that was collected has failed where others have replaced what it was to replace', async () => {
  const { owner, restoredWhile, land } = await lateRestore(patterned(20_000));
  const error = await restoredWhile(async ({ engine, store }) => {
    await collect(engine);
    await store.store('k', 'newest');
  });
  expect(error.outcome).toBeUndefined();
  await failure(land(), 'CONFLICT');
  expect(Buffer.from(await read(owner.store)).toString()).toBe('newest');
});
