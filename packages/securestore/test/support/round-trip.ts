import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  grantRole,
  identity,
  openStore,
  rawKey,
  recipientOf,
  restoreStore,
  setRole,
  verifyBackup,
} from '../../src/index.ts';
import { sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';
import { everythingOf } from './everything.ts';

const unlock = rawKey(Buffer.alloc(32, 7));
const MIB = 1024 * 1024;
/** In the full forms of two parts or three. */
const PARTS = sized({ short: 5, full: 9, torture: 17 }) * MIB + 3;
/** A large payload of a few chunks; of the longest run, as others are. */
export const CHUNKS: number = TORTURE ? PARTS : 2 * MIB + 3;

/** How many small ones there are. */
const SMALL = TORTURE ? 60 : 25;

/** Where a store is, where its backups lie, and where it is restored. Nothing is at any of them. */
export interface Places {
  readonly from: string;
  readonly through: string;
  readonly to: string;
}

/** A store URL in memory where nothing is. */
export function memoryPlace(): string {
  return `memory:${randomUUID()}`;
}

/**
 * Backs up a store with large and small objects, history, a policy and an audit, twice; restores both snapshots, and compares what came
 * of it to the byte. The store and the backups must not have been touched by that.
 */
export async function roundTrip({ from, through, to }: Places, largeBytes: number = PARTS): Promise<void> {
  const auditor = generateIdentity();
  const large = randomBytes(largeBytes);
  await using store = await createStore(from, { unlock, history: { versions: 10, days: 30 }, maintenance: false });
  await store.audit.enable({ auditor: await recipientOf(auditor) });
  await store.access.change([
    setRole('reader', [{ effect: 'allow', actions: ['read'], keys: ['db/**'] }]),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'reader'),
  ]);
  for (let version = 0; version < 3; version++) {
    await store.store('db/prod/password', `s3cr3t ${version}`, { metadata: { version } });
  }
  await store.storeMany(Array.from({ length: SMALL }, (_, at) => ({ key: `many/${at}`, data: `${at}` })));
  await store.store('Ümläut ß/世界 🔐', 'names of every kind');
  await store.store('empty', '');
  await store.store('large', large);
  await store.delete('many/7');
  const first = await store.backup(through, { label: 'first' });
  assert.deepEqual([first.number, first.failed, first.findings], [1, [], []]);
  const then = await everythingOf(store);

  await store.store('db/prod/password', 'later');
  await store.delete('empty');
  const second = await store.backup(through);
  assert.deepEqual([second.number, second.failed, second.findings], [2, [], []]);
  // One new version and one deletion.
  assert.equal(second.copied.versions, 2);
  const now = await everythingOf(store);

  const verified = await verifyBackup(through, { unlock, depth: 'opens' });
  assert.deepEqual([verified.ok, verified.findings, verified.snapshots], [true, [], 2]);

  const report = await restoreStore(through, to, { unlock });
  assert.deepEqual([report.snapshot, report.failed, report.unreadable], [2, [], 0]);
  await check(to, now, store.fingerprint, auditor);
  const earlier = memoryPlace();
  await restoreStore(through, earlier, { unlock, snapshot: 1 });
  await check(earlier, then, store.fingerprint, auditor);

  // Into the store itself, from the same place.
  const restored = await store.restore(through, { snapshot: 1, prefix: 'db/', conflict: 'overwrite' });
  assert.equal(restored.replaced, 1);
  assert.equal((await store.retrieve('db/prod/password')).text(), 's3cr3t 2');
  assert.ok((await store.verify()).ok);
}

async function check(to: string, expected: unknown, fingerprint: string, auditor: Uint8Array): Promise<void> {
  await using again = await openStore(to, { unlock, fingerprint, maintenance: false });
  assert.deepEqual(await everythingOf(again), expected);
  const { ok, findings } = await again.verify({ payloads: true });
  assert.deepEqual([ok, findings], [true, []]);
  const audit = await again.audit.verify({ auditor: identity(auditor) });
  assert.deepEqual(audit.findings, []);
  // The log of the store before came along.
  assert.ok((await again.audit.entries({ entries: 1000 })).length > SMALL);
  // It is a store that takes writes, and can be backed up itself.
  await again.store('new', 'written after the disaster');
  await again.undelete('many/7');
  assert.equal((await again.retrieve('many/7')).text(), '7');
}
