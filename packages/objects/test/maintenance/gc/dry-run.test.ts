import type { StorageBackend } from '@securestore/backend-api';
import { journalPrefix, partName, tokenOf } from '@securestore/core-format';
import { systemClock } from '@securestore/jobs';
import type { Clock } from '@securestore/jobs';
import { expect, it } from 'vitest';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import { createAt, openAt, patterned, usePlace } from '../../support/stores.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

function movableClock(): Clock & { forward: (milliseconds: number) => void } {
  const real = systemClock();
  let ahead = 0;
  return {
    ...real,
    now: () => real.now() + ahead,
    uptime: () => real.uptime() + ahead,
    forward: (milliseconds) => void (ahead += milliseconds),
  };
}

/** Everything at a backend: names and etags. */
async function contents(backend: StorageBackend): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let after: string | undefined, more = true; more;) {
    const page = await backend.list('', after === undefined ? {} : { after });
    for (const { key } of page.entries) found.set(key, (await backend.read(key))?.etag ?? '');
    ({ more } = page);
    after = page.entries.at(-1)?.key;
  }
  return found;
}

it.each([
  ['one call each', 0, withoutBatch],
  ['batches', 0, (inner: StorageBackend) => inner],
  ['one old version is kept', 1, withoutBatch],
])('a dry run counts what the collection after it removes, and changes nothing (%s)', async (_, versionsKept, wrap) => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, wrap, history: { versions: versionsKept, days: 1 } });
  for (let n = 0; n < 5; n++) await store.store('small', `version ${n}`);
  // Versions that share nothing: the payloads go with them.
  for (let n = 0; n < 4; n++) await store.store('large', patterned(200_000 + n, n));
  await store.store('kept', patterned(150_000, 9));
  await store.store('gone', patterned(120_000, 8));
  await store.delete('gone');
  await store.store('forgotten', 'x');
  await store.delete('forgotten');
  await store.store('fleeting', 'x', { expires: new Date(clock.now() + 60_000) });
  await store.purge('small');
  await store.store('small', 'again');
  await store.gc();
  clock.forward(3 * DAY);
  // Leftovers of nobody: a probe, a hint of no stream, and parts of no version.
  const backend = await place.open();
  await backend.write(`${journalPrefix(Buffer.alloc(16, 1))}x`, Buffer.from('junk'));
  const [part] = [...(await contents(backend)).keys()].filter((name) => name.startsWith('b/'));
  expect(part).toBeDefined();
  await backend.write(partName(tokenOf(part ?? '') ?? '', Buffer.alloc(16, 3), 0), Buffer.alloc(1000));
  clock.forward(2 * DAY);
  const reopened = await openAt(place, { clock, wrap });
  const before = await contents(backend);
  const planned = await reopened.gc({ dryRun: true });
  expect(await contents(backend)).toEqual(before);
  const { bytes, versions, blobs, parts, tombstones, expired, systemObjects } = planned;
  for (const counted of [bytes, versions, blobs, parts, expired, systemObjects]) expect(counted).toBeGreaterThan(0);
  // Deletions of which no version is kept: one of them has a version that goes first.
  expect(tombstones).toBe(versionsKept === 0 ? 2 : 0);
  const done = await reopened.gc();
  expect(planned).toEqual(done);
  // The expired object is a deletion now, as young as that.
  expect(await reopened.gc({ dryRun: true })).toMatchObject({ bytes: 0, versions: 0, blobs: 0, tombstones: 0 });
  expect((await reopened.retrieve('large')).data).toHaveLength(200_003);
});

it('a dry run takes no other value than true and false, and leaves no job that a collection would resume', async () => {
  const store = await createAt(
    usePlace(() => memoryPlace()),
    {},
  );
  await store.store('a', 'b');
  expect(() => store.gc({ dryRun: 1 as never })).toThrow('the option "dryRun" must be a boolean');
  const job = store.gc({ dryRun: true });
  job.cancel();
  await job.then(
    () => undefined,
    () => undefined,
  );
  expect(await store.jobs.list()).toEqual([]);
});

it('a dry run tries another history, and counts why versions are kept', async () => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, history: { versions: 3, days: 30 } });
  for (let n = 0; n < 8; n++) await store.store('a', `version ${n}`);
  // Of the seven older versions.
  expect(await store.gc({ dryRun: true })).toMatchObject({ versions: 0, kept: { young: 7, newest: 0, recent: 0 } });
  clock.forward(2 * DAY);
  const reopened = await openAt(place, { clock });
  const planned = await reopened.gc({ dryRun: true });
  expect(planned).toMatchObject({ versions: 0, bytes: 0, kept: { young: 0, unread: 0, newest: 3, recent: 4 } });
  const days = await reopened.gc({ dryRun: true, history: { days: 1 } });
  expect(days).toMatchObject({ versions: 4, kept: { newest: 3, recent: 0 } });
  const both = await reopened.gc({ dryRun: true, history: { versions: 0, days: 1 } });
  expect(both).toMatchObject({ versions: 7, kept: { newest: 0, recent: 0 } });
  expect((await reopened.settings.get()).history).toEqual({ versions: 3, days: 30 });
  // The settings then remove what the dry run has counted.
  await reopened.settings.change({ history: { days: 1 } });
  expect(await reopened.gc()).toEqual(days);
  expect(await reopened.history('a')).toHaveLength(4);
});

it('a dry run looks ahead, at what no collection removes yet', async () => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, history: { versions: 1, days: 0 } });
  for (let n = 0; n < 4; n++) await store.store('a', patterned(150_000, n));
  await store.store('gone', 'x');
  await store.delete('gone');
  expect(await store.gc({ dryRun: true })).toMatchObject({ versions: 0, blobs: 0, kept: { young: 4 } });
  const ahead = await store.gc({ dryRun: true, ahead: DAY + HOUR });
  expect(ahead).toMatchObject({ versions: 2, blobs: 2, kept: { young: 0, newest: 2 } });
  expect(ahead.bytes).toBeGreaterThan(300_000);
  clock.forward(DAY + HOUR);
  const later = await openAt(place, { clock });
  expect(await later.gc()).toEqual(ahead);
  for (const wrong of [-1, Number.NaN, Infinity, 3651 * DAY, '1d']) {
    expect(() => later.gc({ dryRun: true, ahead: wrong as number })).toThrow('ahead');
  }
  expect(() => later.gc({ ahead: 1 })).toThrow('the option "ahead" is for a dry run only');
});

it('a history is tried by a dry run only, and is checked as that of the store', async () => {
  const store = await createAt(
    usePlace(() => memoryPlace()),
    {},
  );
  expect(() => store.gc({ history: { days: 1 } })).toThrow('the option "history" is for a dry run only');
  for (const history of [{ days: -1 }, { versions: 0.5 }, { weeks: 1 }, 7, null]) {
    expect(() => store.gc({ dryRun: true, history: history as never })).toThrow('history');
  }
});
