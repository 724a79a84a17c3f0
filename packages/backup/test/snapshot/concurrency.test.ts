import { createFaultInjector } from '@securestore/backend-api';
import type { Fault, NumberedCall } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { failure, openAt, patterned } from '../../../objects/test/support/stores.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import type { Contents, World } from '../support/worlds.ts';
import {
  backupAt,
  backupsOf,
  contentsAt,
  contentsOf,
  filesAt,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const NAMES = ['a', 'b', 'c', 'd'];

async function expectWhole({ destination, clock }: World): Promise<void> {
  const backup = await backupAt(destination, clock);
  const numbers = await backup.recoveryPoints.numbers();
  expect(numbers.toReversed()).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  for (const { number } of await Array.fromAsync(backup.list())) {
    const report = await verifyOpenedBackup(backup, { depth: 'opens', snapshot: number });
    expect(report.findings, `snapshot ${number}`).toEqual([]);
  }
}

/** Stops the first call that `isMeant` says until it is told to go on. */
function pausing(isMeant: (call: NumberedCall) => boolean): {
  readonly injector: ReturnType<typeof createFaultInjector>;
  readonly arrived: Promise<void>;
  readonly goOn: () => void;
} {
  const [arrived, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isPaused = false;
  const injector = createFaultInjector((call): Fault | undefined => {
    if (isPaused || !isMeant(call)) return undefined;
    isPaused = true;
    arrived.resolve();
    return { type: 'delay', until: going.promise };
  });
  return { injector, arrived: arrived.promise, goOn: going.resolve };
}

const writes =
  (prefix: string) =>
  ({ operation, key }: NumberedCall): boolean =>
    operation === 'write' && key?.startsWith(prefix) === true;

describe('two runs to one destination', () => {
  it.each(['keys', 'd/', 'e/', 'x/', 's/', 'b/'])(
    'of which one waits at its first write to %s both succeed',
    async (where) => {
      const world = await worldOf();
      const { store, source, destination, clock } = world;
      await store.store('a', 'one');
      await store.store('b', patterned(80_000));
      const other = await openAt(source, { clock });
      const { injector, arrived, goOn } = pausing(writes(where));
      const waiting = snapshotAt(store, destination, { layers: [injector.layer] });
      await arrived;
      await other.store('c', 'meanwhile');
      const first = await snapshotAt(other, destination);
      const points = new Map<number, Contents>([[first.number, await contentsOf(other, NAMES)]]);
      await other.store('a', 'two');
      goOn();
      const second = await waiting;
      expect([first.findings, second.findings, first.failed, second.failed]).toEqual([[], [], [], []]);
      points.set(second.number, await contentsOf(other, NAMES));
      expect([...points.keys()]).toEqual([1, 2]);
      for (const [snapshot, contents] of points) {
        expect(await contentsAt(destination, clock, { snapshot }, NAMES)).toEqual(contents);
      }
      await expectWhole(world);
    },
  );

  it('at any pace of each have all that was acknowledged before in the last one', async () => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    const others = [store, await openAt(source, { clock }), await openAt(source, { clock })];
    for (let round = 0; round < sized({ short: 3, full: 8, torture: 8 }); round++) {
      await Promise.all(
        others.map(async (one, index) => {
          await one.store(`${index}`, `${round}`);
          // Who loses again and again says so.
          await snapshotAt(one, destination).catch((error: unknown) =>
            expect(error).toMatchObject({ code: 'CONFLICT' }),
          );
        }),
      );
      expect(await snapshotAt(store, destination)).toMatchObject({ failed: [], findings: [] });
      expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
    }
    await expectWhole(world);
  });

  it('by jobs of two processes are one at a time', async () => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    await store.store('a', 'one');
    const { injector, arrived, goOn } = pausing(writes('s/'));
    const waiting = backupsOf(store, [destination], () => ({ layers: [injector.layer] })).backup(destination.url);
    await arrived;
    const other = await openAt(source, { clock });
    await failure(backupsOf(other, [destination]).backup(destination.url), 'LOCKED');
    goOn();
    expect(await waiting).toMatchObject({ number: 1 });
    await expectWhole(world);
  });
});

describe('a run beside a removal', () => {
  it.each(['d/', 'e/', 'x/', 's/', 'b/'])(
    'that begins while it waits at its first write to %s loses nothing',
    async (where) => {
      const world = await worldOf();
      const { store, source, destination, clock } = world;
      for (const text of ['one', 'two', 'three']) {
        await store.store('a', text);
        await snapshotAt(store, destination);
      }
      await store.store('b', patterned(90_000, 3));
      await store.store('c', 'new');
      const other = await openAt(source, { clock });
      const { injector, arrived, goOn } = pausing(writes(where));
      const waiting = snapshotAt(store, destination, { layers: [injector.layer] });
      await arrived;
      const { kept } = await backupsOf(other, [destination]).forget(destination.url, () => [1, 2]);
      expect(kept).toEqual([4, 3]);
      goOn();
      const { number, findings } = await waiting;
      expect([number, findings]).toEqual([5, []]);
      expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
      await expectWhole(world);
      const backups = backupsOf(store, [destination]);
      await backups.forget(destination.url, () => []);
      await backups.forget(destination.url, () => []);
      await expectWhole(world);
      expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
    },
  );

  it.each(['list', 'delete'] as const)('while the removal waits at a call of %s loses nothing', async (operation) => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    for (const text of ['one', 'two', 'three']) {
      await store.store('a', text);
      await store.store('b', patterned(70_000, text.length));
      await snapshotAt(store, destination);
    }
    const other = await openAt(source, { clock });
    for (let k = 0; k < 8; k += sized({ short: 3, full: 1, torture: 1 })) {
      let calls = 0;
      const { injector, arrived, goOn } = pausing((call) => call.operation === operation && calls++ === k);
      const forgetting = backupsOf(other, [destination], () => ({ layers: [injector.layer] })).forget(
        destination.url,
        (points) => points.slice(2).map(({ number }) => number),
      );
      await Promise.race([arrived, Promise.resolve(forgetting)]);
      await store.store('a', `meanwhile ${k}`);
      await store.store('b', patterned(70_000, 100 + k));
      await snapshotAt(store, destination);
      goOn();
      await forgetting;
      expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
      await expectWhole(world);
    }
  });

  it('two removals at once remove what both chose', async () => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    for (const text of ['one', 'two', 'three', 'four']) {
      await store.store('a', text);
      await snapshotAt(store, destination);
    }
    const other = await openAt(source, { clock });
    const { injector, arrived, goOn } = pausing(({ operation, key }) => operation === 'delete' && key !== 's/@');
    const slow = backupsOf(store, [destination], () => ({ layers: [injector.layer] }));
    const first = slow.forget(destination.url, () => [1]);
    await arrived;
    const fast = backupsOf(other, [destination]);
    await fast.forget(destination.url, () => [2]);
    goOn();
    await first;
    expect((await fast.list(destination.url)).map(({ number }) => number)).toEqual([4, 3]);
    await expectWhole(world);
  });
});

describe('a destination', () => {
  it('of another store is refused, and left as it is', async () => {
    const world = await worldOf();
    const { store, destination } = world;
    await store.store('a', 'one');
    await snapshotAt(store, destination);
    const before = await filesAt(destination);
    const stranger = await worldOf();
    await stranger.store.store('a', 'other');
    await failure(snapshotAt(stranger.store, destination), 'ALREADY_EXISTS');
    await failure(backupsOf(stranger.store, [destination]).backup(destination.url), 'ALREADY_EXISTS');
    await failure(backupsOf(stranger.store, [destination]).list(destination.url), 'INTEGRITY');
    expect(await filesAt(destination)).toEqual(before);
  });

  it('that two copies of a store back up to has the one, and refuses the other', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await store.store('a', 'one');
    const backups = backupsOf(store, [destination]);
    await backups.backup(destination.url);
    const { store: copy } = await restoredFrom(destination, clock);
    await store.store('a', 'of the first');
    await copy.store('a', 'of the copy');
    await backups.backup(destination.url);
    const copied = backupsOf(copy, [destination]);
    await copied.backup(destination.url, { takeOver: true });
    expect(await contentsAt(destination, clock)).toEqual(await contentsOf(copy));
    const error = await failure(backups.backup(destination.url), 'CONFLICT');
    expect(error.message).toContain('another copy of this store');
    await failure(snapshotAt(store, destination), 'CONFLICT');
    await expectWhole(world);
    await copied.backup(destination.url);
    await expectWhole(world);
  });

  it('goes on being that of a store when the keys of a copy of it are renewed', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await store.store('a', 'one');
    const backups = backupsOf(store, [destination]);
    await backups.backup(destination.url);
    // For a look, say.
    const { store: copy } = await restoredFrom(destination, clock);
    const copied = backupsOf(copy, [destination]);
    expect(await copied.destinations()).toHaveLength(1);
    const before = await filesAt(destination);
    await copy.slots.add(rawKey(Buffer.alloc(32, 8)));
    const report = await copy.rotateEncryptionKey(rawKey(Buffer.alloc(32, 8)), rawKey(Buffer.alloc(32, 9)));
    expect(report.pending).toEqual([destination.url]);
    expect(await filesAt(destination)).toEqual(before);
    await store.store('a', 'two');
    expect(await backups.backup(destination.url)).toMatchObject({ number: 2, findings: [] });
    await expectWhole(world);
  });
});

describe('a backup, of which a rotation makes payloads anew meanwhile,', () => {
  it('has the version all the same, with the payload that it has now', async () => {
    const world = await worldOf();
    const { store, source, destination, clock } = world;
    await store.store('a', 'one');
    await store.store('b', patterned(80_000));
    const { injector, arrived, goOn } = pausing(
      ({ operation, key }) => operation === 'read' && key?.startsWith(AREAS.blobs) === true,
    );
    const backing = await openAt(source, { clock, layers: [injector.layer] });
    const waiting = snapshotAt(backing, destination);
    await arrived;
    const secret = new Uint8Array(32).fill(7);
    expect(await store.rotateEncryptionKey(secret, secret, { depth: 'data' })).toMatchObject({ failed: 0 });
    goOn();
    expect((await waiting).failed).toEqual([]);
    expect(await contentsAt(destination, clock, {}, NAMES)).toEqual(await contentsOf(store, NAMES));
    await expectWhole(world);
  });
});
