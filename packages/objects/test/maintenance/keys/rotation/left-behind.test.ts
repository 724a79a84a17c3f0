import { AREAS } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { sealJournalBody } from '../../../../src/engine/sealed-objects.ts';
import { processAt } from '../../../support/collection.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../../support/stores.ts';

const STAYS = Buffer.alloc(32, 11);
const GOES = Buffer.alloc(32, 12);
const COMES = Buffer.alloc(32, 13);

/** A store that is opened by a secret that stays, and a process that was idle while its own secret was replaced. */
async function leaveBehind() {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await createAt(place, { clock });
  const first = await openAt(place, { clock });
  await first.slots.add(rawKey(STAYS));
  await first.slots.add(rawKey(GOES));
  const store = await openAt(place, { clock, unlock: rawKey(STAYS) });
  const idle = await openAt(place, { clock, unlock: rawKey(GOES), wrap: withoutBatch });
  return { clock, place, store, idle };
}

it('a copy that a process left under a retired key, of the version that is current, is in no way', async () => {
  const { place, store, idle } = await leaveBehind();
  const { version } = await idle.store('k', 'one');
  await store.rotateEncryptionKey(GOES, COMES);
  await failure(idle.store('k', 'two'), 'LOCKED');
  const backend = await place.open();
  expect((await backend.list(AREAS.history)).entries).toHaveLength(1);
  expect(await store.history('k')).toMatchObject([{ version, current: true }]);
  expect((await store.restoreVersion('k', version)).version).not.toBe(version);
  expect(await store.history('k')).toHaveLength(2);
});

it.each(['keys', 'data'] as const)('a rotation of %s puts such a copy right', async (depth) => {
  const { place, store, idle } = await leaveBehind();
  await idle.store('k', patterned(200_000, 1));
  await store.rotateEncryptionKey(GOES, COMES, { depth: 'data' });
  await failure(idle.store('k', 'two'), 'LOCKED');
  const backend = await place.open();
  const [left] = (await backend.list(AREAS.history)).entries;
  expect(left).toBeDefined();
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
  const report = await store.rotateEncryptionKey(COMES, COMES, { depth });
  expect(report).toMatchObject({ failed: 0, remaining: {} });
  expect(report.retired).not.toEqual([]);
  const [record] = (await backend.list(AREAS.objects)).entries;
  expect((await backend.read(left?.key ?? ''))?.body).toEqual((await backend.read(record?.key ?? ''))?.body);
  await store.store('k', 'three');
  expect(await store.history('k')).toHaveLength(2);
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
});

it('a process that was left behind puts nothing of the store under the journal key that it knows', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.slots.add(rawKey(STAYS));
  const { engine } = await processAt(place, { clock });
  const other = await openAt(place, { clock, unlock: rawKey(STAYS) });
  await other.rotateEncryptionKey(Buffer.alloc(32, 7), COMES);
  await failure(sealJournalBody(engine, 'marker', 'g/x', Buffer.alloc(1)), 'LOCKED');
});
