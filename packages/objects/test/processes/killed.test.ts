import { randomInt } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../src/index.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { createAt, failure, openAt, patterned, readRange } from '../support/stores.ts';
import type { WorkName } from './killed-work.ts';
import { WORK } from './killed-work.ts';
import { keyBytes, SECRETS } from './rotation-world.ts';
import { startProcess } from './worker-process.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const WORKER = fileURLToPath(new URL('killed-worker.ts', import.meta.url));
const DAY = 24 * 60 * 60 * 1000;
const MINUTE = 60 * 1000;
const LARGE = 200_000;
/** Every call in full; else one in so many, each time from another one. */
const STRIDE = sized({ short: 120, full: 30, torture: 1 });

function sqlitePlace(folder: string, name: string, clock: EagerClock): Place {
  const url = `sqlite:${join(folder, name)}`;
  return {
    url,
    async open() {
      const backend = new SqliteBackend({ clock: () => clock.now() });
      await backend.init({ url, options: {} });
      return backend;
    },
    remove: () => undefined,
  };
}

const UNLOCK = rawKey(keyBytes(SECRETS.before));

/** A store with something for every kind of work, and the time when a process goes to work. */
async function makeStore(folder: string): Promise<number> {
  const clock = new EagerClock();
  const store = await createAt(sqlitePlace(folder, 'template', clock), {
    clock,
    unlock: UNLOCK,
    history: { versions: 1, days: 0 },
  });
  for (const n of [1, 2, 3]) await store.store(`small/${n}`, `data ${n}`);
  for (const n of [1, 2, 3, 4]) await store.store('large', patterned(LARGE, n));
  await store.checkpoint();
  for (const value of ['one', 'two', 'three']) await store.store('changed', value);
  await store.store('gone', 'x');
  await store.delete('gone');
  await store.store('fleeting', 'x', { expires: new Date(clock.now() + MINUTE) });
  clock.advance(3 * DAY);
  await store.close();
  return clock.now();
}

async function isIntact(store: ObjectStore): Promise<void> {
  for (const n of [1, 2, 3]) expect((await store.retrieve(`small/${n}`)).text()).toBe(`data ${n}`);
  expect((await readRange(store, 'large')).equals(patterned(LARGE, 4))).toBe(true);
  const [newest, before] = await store.history('changed');
  expect((await store.retrieve('changed', { version: newest?.version })).text()).toBe('three');
  expect((await store.retrieve('changed', { version: before?.version })).text()).toBe('two');
  await failure(store.retrieve('gone'), 'NOT_FOUND');
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
}

/** The store, opened by the new secret or else by the old one. */
async function openByEither(place: Place, clock: EagerClock): Promise<{ store: ObjectStore; renewed: boolean }> {
  try {
    return { store: await openAt(place, { clock, unlock: rawKey(keyBytes(SECRETS.after)) }), renewed: true };
  } catch (error) {
    if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    return { store: await openAt(place, { clock, unlock: UNLOCK }), renewed: false };
  }
}

async function endRotation(store: ObjectStore, depth: RotationDepth, renewed: boolean): Promise<void> {
  const [job] = await store.jobs.list();
  if (!renewed) await store.rotateEncryptionKey(keyBytes(SECRETS.before), keyBytes(SECRETS.after), { depth });
  else if (job !== undefined) expect(await store.jobs.resume(job.id)).toMatchObject({ depth, failed: 0 });
  const census = await store.encryptionKeys.usage();
  const used = (await store.encryptionKeys.list()).filter(({ id }) => (census[id] ?? 0) > 0);
  expect(used.filter(({ state }) => state !== 'primary')).toEqual([]);
}

/** What is to be true of a store in which a process was killed, and when the next one has ended the work. */
async function isMended(place: Place, clock: EagerClock, work: WorkName): Promise<void> {
  const { rotates } = WORK[work];
  const { store, renewed } = await openByEither(place, clock);
  expect(renewed && rotates === undefined).toBe(false);
  await isIntact(store);
  if (rotates === undefined) await WORK[work].run(store);
  else await endRotation(store, rotates, renewed);
  await isIntact(store);
  expect(await store.jobs.list()).toEqual([]);
  await store.close();
}

const WORKS = Object.keys(WORK) as WorkName[];

describe.each(WORKS)('a process in %s', (work) => {
  let folder = '';
  let began = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'securestore-killed-'));
    began = await makeStore(folder);
    return () => rmSync(folder, { recursive: true, force: true });
  });

  /** Does the work in a process that is killed at a call. Resolves to the calls that it took, where it was not. */
  async function workAndDie(call: number, when: 'before' | 'after'): Promise<number | undefined> {
    const copy = `at-${call}-${when}`;
    copyFileSync(join(folder, 'template'), join(folder, copy));
    const clock = new EagerClock(began + MINUTE);
    const place = sqlitePlace(folder, copy, clock);
    const process = startProcess(WORKER, [place.url, work, String(call), when, String(began)]);
    const end = await process.ended;
    if (end !== 0) expect(end).toBe('SIGKILL');
    await isMended(place, clock, work);
    for (const rest of ['', '-wal', '-shm']) rmSync(join(folder, copy + rest), { force: true });
    return end === 0 ? Number(process.lines[0]) : undefined;
  }

  // In a short run one of both.
  it.each((['before', 'after'] as const).filter((_, at) => LONG || WORKS.indexOf(work) % 2 === at))(
    'that is killed %s a call leaves nothing that the next one can not end, at every call',
    async (when) => {
      let calls: number | undefined;
      for (let call = randomInt(STRIDE); calls === undefined; call += STRIDE) calls = await workAndDie(call, when);
      expect(calls).toBeGreaterThan(5);
    },
    3_600_000,
  );
});
