import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { redactStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from '../../src/index.ts';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  grantRole,
  identity,
  migrateStore,
  openStore,
  rawKey,
  recipientOf,
  setRole,
} from '../../src/index.ts';
import { busy, checkBusy } from './busy.ts';
import { busyElsewhere } from './busy-elsewhere.ts';
import { everythingOf } from './everything.ts';

const MIB = 1024 * 1024;
const unlock = rawKey(Buffer.alloc(32, 7));

/** What a store holds that is moved. */
export interface Amount {
  readonly small: number;
  readonly large: number;
  /** The size of a large one. */
  readonly largeBytes?: number | undefined;
}

/** A store that moves from place to place. */
export interface Travelling {
  /** Where it is. */
  url: string;
  readonly fingerprint: string;
  readonly auditor: Uint8Array;
  hops: number;
}

/** Makes a store with small and large objects, history, what was deleted, a policy and an audit log. */
export async function travelling(url: string, { small, large, largeBytes = 9 * MIB }: Amount): Promise<Travelling> {
  const auditor = generateIdentity();
  await using store = await createStore(url, { unlock, history: { versions: 100, days: 30 }, maintenance: false });
  await store.audit.enable({ auditor: await recipientOf(auditor) });
  await store.access.change([
    setRole('reader', [{ effect: 'allow', actions: ['read'], keys: ['db/**'] }]),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'reader'),
  ]);
  for (let version = 0; version < 5; version++) {
    await store.store('db/prod/password', `s3cr3t ${version}`, { metadata: { version } });
  }
  for (let first = 0; first < small; first += 500) {
    const many = Array.from({ length: Math.min(500, small - first) }, (_, at) => ({
      key: `many/${first + at}`,
      data: `${first + at}`,
      metadata: { at: first + at },
    }));
    await store.storeMany(many);
  }
  for (let n = 0; n < large; n++) await store.store(`large/${n}`, randomBytes(largeBytes + n));
  await store.store('large/0', randomBytes(largeBytes));
  await store.store('Ümläut ß/世界 🔐', 'names of every kind');
  await store.store('empty', '');
  await store.store('gone', 'once');
  await store.delete('gone');
  return { url, fingerprint: store.fingerprint, auditor, hops: 0 };
}

/** Whether nobody writes it while the store moves. */
export const isKept = (key: string): boolean => !key.startsWith('busy/');

/** Of the many that are written once, one in fifty is asked for its history: there is a server that looks through all that it holds for each. */
const hasPast = (key: string): boolean => !key.startsWith('many/') || Number(key.slice('many/'.length)) % 50 === 0;

const keptIn = (store: SecureStore): Promise<unknown> => everythingOf(store, isKept, hasPast);

/** Moves it to `to` while four write and read, two of them in another process where that is possible, and checks that all of it is there, opened by the same secret. */
export async function moveOn(store: Travelling, to: string): Promise<void> {
  const { url: from, fingerprint, auditor } = store;
  store.hops += 1;
  const open = { unlock, fingerprint, maintenance: false } as const;
  const before = await openStore(from, { ...open, migrationTargets: [to] });
  const expected = await keptIn(before);
  const prefix = `busy/${store.hops}`;
  // No other process sees what is in the memory of this one.
  const isShared = [from, to].every((url) => !url.startsWith('memory:'));
  const writers = (isShared ? ['a', 'b'] : ['a', 'b', 'c', 'd']).map((name) => busy(before, `${prefix}/${name}`));
  if (isShared) writers.push(await busyElsewhere(from, to, `${prefix}/elsewhere`));
  const job = migrateStore(from, to, { unlock, fingerprint });
  const phases: string[] = [];
  const began = Date.now();
  for await (const { phase } of job.progress) {
    if (!phases.at(-1)?.startsWith(`${phase} `)) phases.push(`${phase} at ${Date.now() - began}`);
  }
  const report = await job;
  assert.deepEqual([report.migrated, report.failed, report.findings], [true, [], []]);
  store.url = to;
  // Some of it at the new place.
  await before.store(`${prefix}/after`, 'the move');
  const written = (await Promise.all(writers.map((writer) => writer.stop()))).flat();
  assert.ok(written.length > 10);
  const longest = Math.max(...written.map(({ took }) => took));
  console.log(
    `${redactStoreUrl(from)} -> ${redactStoreUrl(to)}: closed for ${report.pause} ms; of ${written.length} writes the longest took ` +
      `${Math.round(longest)} ms; followed ${report.changes}, corrected ${report.corrected}; ${phases.join(', ')}`,
  );
  await before.close();

  await assert.rejects(openStore(from, open), (error) => {
    assert.ok(SecureStoreError.is(error, 'LOCKED'));
    assert.ok(error.message.includes(redactStoreUrl(to)), error.message);
    return true;
  });
  await using after = await openStore(to, open);
  assert.deepEqual(await keptIn(after), expected);
  await checkBusy(after, written, 0);
  assert.equal((await after.retrieve(`${prefix}/after`)).text(), 'the move');
  assert.deepEqual((await after.history('gone')).length, 2);
  const { ok, findings } = await after.verify({ payloads: true });
  assert.deepEqual([ok, findings], [true, []]);
  const audit = await after.audit.verify({ auditor: identity(auditor) });
  assert.deepEqual(audit.findings, []);
  // One entry for each write at least, wherever it was made.
  let recorded = 0;
  for await (const { action } of after.audit.tail({ entries: 1_000_000 })) if (action === 'write') recorded += 1;
  assert.ok(recorded >= written.length, `${recorded} writes recorded of ${written.length}`);
}
