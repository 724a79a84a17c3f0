import { forwardTo } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS, MAX_PART_BYTES } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, UNLOCK, usePlace } from '../../objects/test/support/stores.ts';
import { following, move, reached } from './support/moves.ts';

const KIB = 1024;
const LARGE = patterned(600 * KIB, 3);

const holding =
  (maxBodyBytes: number): Layer =>
  (inner) =>
    forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, maxBodyBytes }) });

function worldOf(): { readonly clock: EagerClock; readonly from: Place; readonly to: Place } {
  const clock = new EagerClock();
  const place = (): Place => usePlace(() => memoryPlace(() => clock.now()));
  return { clock, from: place(), to: place() };
}

async function sizesAt(place: Place, area: string): Promise<number[]> {
  return (await (await reached(place)).list(area)).entries.map(({ size }) => size);
}

it('a job of a process that has followed cuts payloads for the backend where the store is now', async () => {
  const { clock, from, to } = worldOf();
  const fromLayers = [holding(128 * KIB)];
  const store = await createAt(from, { clock, layers: fromLayers, ...following(to) });
  await store.store('k', LARGE);
  expect((await sizesAt(from, AREAS.blobs)).length).toBeGreaterThan(4);
  expect(await move(from, to, { clock, fromLayers })).toMatchObject({ migrated: true });
  await store.rotateEncryptionKey(UNLOCK, UNLOCK, { depth: 'data' });
  expect(store.url).toBe(to.url);
  expect(await sizesAt(to, AREAS.blobs)).toEqual([expect.any(Number)]);
  expect((await store.retrieve('k')).data).toEqual(new Uint8Array(LARGE));
});

it('a store is not moved to where its bodies may not fit, but sealed anew', async () => {
  const { clock, from, to } = worldOf();
  const store = await createAt(from, { clock });
  await store.store('k', LARGE);
  await store.close();
  const toLayers = [holding(128 * KIB)];
  const { advice } = await failure(move(from, to, { clock, toLayers }), 'UNSUPPORTED');
  expect(advice?.map(({ id }) => id)).toEqual(['migrate-reencrypted', 'choose-store-url']);
  expect(await sizesAt(to, '')).toEqual([]);
  await failure(move(from, to, { clock, toLayers, copyOnly: true }), 'UNSUPPORTED');
  const unlock = rawKey(Buffer.alloc(32, 9));
  expect(await move(from, to, { clock, toLayers, reencrypt: { unlock } })).toMatchObject({ migrated: true });
  const there = await openAt(to, { clock, unlock, layers: toLayers });
  expect((await there.retrieve('k')).data).toEqual(new Uint8Array(LARGE));
});

it('a store is moved to where all bodies fit that a store may have, though the backend holds less than its own', async () => {
  const { clock, from, to } = worldOf();
  const store = await createAt(from, { clock });
  await store.store('k', LARGE);
  await store.close();
  const toLayers = [holding(MAX_PART_BYTES)];
  expect(await move(from, to, { clock, toLayers })).toMatchObject({ migrated: true });
});
