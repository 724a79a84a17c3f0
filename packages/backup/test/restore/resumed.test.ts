import { encodePoint, pointName, withChecksum } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { failure, usePlace } from '../../../objects/test/support/stores.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { restoreStoreTo } from '../../src/index.ts';
import type { World } from '../support/worlds.ts';
import { backupAt, backupsOf, memoryAt, reached, restoredFrom, worldOf } from '../support/worlds.ts';

/** A restore to a moment between two changes that a continuous backup has shipped, which was interrupted. */
async function interrupted(): Promise<World & { readonly to: Place; readonly at: Date }> {
  const world = await worldOf();
  const { store, destination, clock } = world;
  await store.store('a', 'before');
  const following = await backupsOf(store, [destination]).startContinuous(destination.url);
  await store.store('a', 'the first');
  await following.caughtUp();
  const at = new Date(clock.now() + 1);
  clock.advance(1000);
  await store.store('a', 'the second');
  await following.caughtUp();
  await following.close();
  const to = usePlace(() => memoryAt(clock));
  const stop = new AbortController();
  using backup = await backupAt(destination, clock);
  const onProgress = (): void => stop.abort();
  await failure(restoreStoreTo(backup, await reached(to), { at, signal: stop.signal, onProgress }), 'ABORTED');
  return { ...world, to, at };
}

describe('a restore of a moment that was interrupted', () => {
  it('says nothing of newer snapshots if what was asked for means the same', async () => {
    const { destination, clock, to, at } = await interrupted();
    const { report } = await restoredFrom(destination, clock, { at });
    expect(await restoredFrom(destination, clock, { at, to })).toMatchObject({
      report: { snapshot: report.snapshot, findings: report.findings },
    });
  });

  it('does not go on with another point in the place of the one whose versions all count', async () => {
    const { destination, clock, to, at } = await interrupted();
    using backup = await backupAt(destination, clock);
    const { settled } = await backup.choose({ at });
    const { digest: _, ...point } = settled ?? expect.unreachable('every version counts');
    const name = pointName(point.number);
    const forged = encodePoint({ ...point, time: point.time + 1 });
    const body = withChecksum(backup.copy.seals.seal('backupPoint', backup.destination.id, name, forged));
    await (await reached(destination)).write(name, body);
    await failure(restoredFrom(destination, clock, { at, to }), 'INTEGRITY');
  });
});
