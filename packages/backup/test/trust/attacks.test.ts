import {
  decodeBackupKeys,
  decodeHead,
  encodeBackupKeys,
  encodeHead,
  pointName,
  splitRecord,
} from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { attack } from '../../../objects/test/support/attacker.ts';
import { failure, openAt, patterned, UNLOCK } from '../../../objects/test/support/stores.ts';
import { club } from '../../../objects/test/support/members.ts';
import type { RestoreReport } from '../../src/index.ts';
import { Backups, openBackup, restoreStoreTo, verifyOpenedBackup } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';
import {
  backupAt,
  backupsOf,
  contentsAt,
  contentsOf,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';
import { extensionsOf } from '@securestore/objects/internal';

const OLD = rawKey(Buffer.alloc(32, 8));

describe('whoever controls the destination', () => {
  it('gets nobody back into a store that is restored, by an older object "keys"', async () => {
    const { store, destination, clock } = await worldOf();
    const { id } = await store.slots.add(OLD);
    await store.store('k', 'one');
    await snapshotAt(store, destination);
    const attacker = await attack(destination);
    const old = await attacker.get('keys');
    await store.slots.remove(id);
    await store.store('k', 'two');
    await snapshotAt(store, destination);
    await attacker.put('keys', old);
    await failure(restoredFrom(destination, clock), 'ROLLBACK');
  });

  it('gets no category back that was destroyed, by the object "keys" of before, also where nothing was backed up since', async () => {
    const { clock, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'secret');
    await owner.store('blue/a', 'stays');
    await backups.backup('memory:backups');
    const backend = await shelf.at('memory:backups');
    const old = (await backend.read('keys'))?.body ?? expect.unreachable();
    await owner.encryptionKeys.destroy('red', { waitingPeriod: 0 });
    const restored = async (to: string): Promise<RestoreReport> => {
      using backup = await openBackup({ backend, url: 'memory:backups', unlock: UNLOCK, clock });
      return await restoreStoreTo(backup, await shelf.at(to));
    };
    expect(await restored('memory:one')).toMatchObject({ objects: 1, unreadable: 1 });
    await backend.write('keys', old);
    await failure(restored('memory:two'), 'ROLLBACK');
  });

  it('keeps no keys in use by an object "keys" that pretends to be newer', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('k', 'one');
    await snapshotAt(store, destination);
    const attacker = await attack(destination);
    const keys = decodeBackupKeys(await attacker.get('keys'));
    const { head, signature } = decodeHead(keys.head);
    // Anybody can write such a head; only the signature shows that the store did not.
    const forged = encodeHead({
      ...head,
      generation: head.generation + 1,
      ancestors: [head.ancestors[0] ?? Buffer.alloc(8), ...head.ancestors],
    });
    await attacker.put('keys', encodeBackupKeys({ ...keys, head: Buffer.concat([forged, signature]) }));
    await store.store('k', 'two');
    await snapshotAt(store, destination);
    expect(Object.keys(await contentsAt(destination, clock))).toEqual(['k']);
  });

  it('does not make verifying go on for ever by a file with the name of a point', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('k', 'one');
    await snapshotAt(store, destination);
    await (await attack(destination)).put(pointName(40_000_000), Buffer.from('junk'));
    const before = process.cpuUsage().user;
    const report = await verifyOpenedBackup(await backupAt(destination, clock));
    expect(report).toMatchObject({ ok: false, found: 1 });
    expect(process.cpuUsage().user - before).toBeLessThan(2_000_000);
  });

  it('does not hide from the next snapshot that points are gone, behind a retention that came first', async () => {
    const { store, destination, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('a', 'one');
    await backups.backup(destination.url);
    await store.store('b', 'two');
    await backups.backup(destination.url);
    const attacker = await attack(destination);
    await attacker.remove(pointName(2));
    await failure(
      backups.forget(destination.url, () => []),
      'ROLLBACK',
    );
    const report = await backups.backup(destination.url);
    expect(report.findings.join()).toMatch(/removed or replaced/);
    expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
  });

  it('lists nothing without end', async () => {
    const { store, destination, clock } = await worldOf();
    await store.store('k', 'one');
    await snapshotAt(store, destination);
    const inner = await reached(destination);
    let calls = 0;
    const endless = new Proxy(inner, {
      get(target, name) {
        if (name === 'list')
          return async (prefix: string, options: object) => {
            calls += 1;
            if (calls > 50) throw new Error('asked for ever');
            const page = await target.list(prefix, { ...options, after: '' });
            return { ...page, more: true };
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const backup = await openBackup({ backend: endless, url: 'endless', unlock: UNLOCK, clock });
    await failure(backup.recoveryPoints.numbers(), 'INTEGRITY');
  });
});

describe('whoever controls the backend of the store', () => {
  it('does not take the memory of a backup, or end it, by the sizes of a payload in an older version', async () => {
    const { store, source, destination } = await worldOf();
    await store.store('k', patterned(100_000));
    await store.store('k', 'small');
    await store.store('l', 'whole');
    const attacker = await attack(source);
    const [name = ''] = await attacker.names('h/');
    const record = await attacker.get(name);
    const blob = splitRecord(record).header.blob ?? expect.unreachable();
    const at = record.indexOf(blob.blobId) + blob.blobId.length;
    expect(record.readUInt32BE(at)).toBe(blob.partSize);
    record.writeUInt32BE(1, at);
    record.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER), at + 4);
    await attacker.put(name, record);
    const report = await snapshotAt(store, destination);
    expect(new Set(report.failed.map((one) => `${one.name} ${one.code}`))).toEqual(new Set([`${name} INTEGRITY`]));
    expect(report.objects).toBe(2);
  });
});

describe('restoring in place', () => {
  it('that fails before anything is changed leaves the store open', async () => {
    const { store, destination, source, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('k', 'one');
    await backups.backup(destination.url);
    await store.store('k', 'two');
    await failure(backups.restore(destination.url), 'CONFLICT');
    await store.store('k', 'three');
    const other = await openAt(source, { clock });
    await other.store('k', 'four');
  });

  it('that never begins gives no process the right to write while another one restores', async () => {
    const { store, destination, source, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('k', 'one');
    await backups.backup(destination.url);
    const other = await openAt(source, { clock });
    const others = backupsOf(other, [destination]);
    await extensionsOf(store).backup.whileRestoring(async () => {
      await extensionsOf(other).backup.refresh();
      await failure(other.store('x', 'y'), 'LOCKED');
      await failure(others.restore('memory:nowhere', { conflict: 'overwrite' }), 'NOT_FOUND');
      await failure(other.store('x', 'y'), 'LOCKED');
    });
  });

  it('is not ended by somebody else while it goes on', async () => {
    const { store, destination, source, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('k', 'one');
    await backups.backup(destination.url);
    await store.store('k', 'two');
    const other = await openAt(source, { clock });
    const others = backupsOf(other, [destination]);
    let refused: unknown;
    const target = new Proxy(store, {
      get(inner, name) {
        const value: unknown = Reflect.get(inner, name, inner);
        if (typeof value !== 'function') return value;
        if (name !== 'store') return value.bind(inner);
        return async (...given: Parameters<typeof store.store>) => {
          refused = await others.endRestore().catch((error: unknown) => error);
          return inner.store(...given);
        };
      },
    });
    await backups.restore(destination.url, { conflict: 'overwrite' }, target);
    expect(refused).toMatchObject({ code: 'LOCKED' });
    await other.store('k', 'three');
  });

  it('is of the newest snapshot, whatever somebody has called one', async () => {
    const { store, destination } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('k', 'old');
    await backups.backup(destination.url);
    await store.store('k', 'new');
    await backups.backup(destination.url);
    const label = 'before a restore of snapshot 1';
    const made = Promise.resolve().then(() => backups.backup(destination.url, { label }));
    await failure(made, 'INVALID_ARGUMENT');
    await backups.restore(destination.url, { conflict: 'overwrite' });
    expect((await store.retrieve('k')).text()).toBe('new');
  });
});

it('a drill removes no store that came to its scratch place in between', async () => {
  const { clock, owner } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  await owner.store('k', 'v');
  await backups.backup('memory:backups');
  const scratch = await shelf.at('memory:scratch');
  const list = scratch.list.bind(scratch);
  let first = true;
  scratch.list = async (prefix, options) => {
    const page = await list(prefix, options);
    if (first) await scratch.write('store', Buffer.from('the head of somebody'));
    first = false;
    return page;
  };
  await Promise.resolve(backups.drill('memory:backups', { scratch: 'memory:scratch' })).catch(() => undefined);
  expect(await scratch.read('store')).toBeDefined();
});

it('restores what is whole of a prefix, where something else is missing', async () => {
  const { store, destination, clock } = await worldOf();
  await store.store('a/1', 'v');
  await snapshotAt(store, destination);
  await store.store('b/1', 'v');
  await snapshotAt(store, destination);
  const attacker = await attack(destination);
  const [, second = ''] = await attacker.names('d/');
  await attacker.remove(second);
  const { report } = await restoredFrom(destination, clock, { prefix: 'a/' });
  expect(report).toMatchObject({ objects: 1, failed: [] });
});
