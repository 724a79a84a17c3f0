import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it, vi } from 'vitest';
import type { ObjectStore, RotationReport } from '../../src/index.ts';
import { hurriedClock } from '../support/hurried-clock.ts';
import type { Place } from '../support/places.ts';
import { PLACES } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';
import { HURRY, keyBytes, SECRETS } from './rotation-world.ts';
import type { WorkerProcess } from './worker-process.ts';
import { startProcess } from './worker-process.ts';
import { LONG, onlyLong, sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const WORKER = fileURLToPath(new URL('rotation-worker.ts', import.meta.url));
const MIB = 1024 * 1024;
const AMOUNT = sized({
  short: { small: 500, large: 1, bytes: 9 * MIB, kills: 1 },
  full: { small: 3000, large: 2, bytes: 9 * MIB, kills: 1 },
  torture: { small: 100_000, large: 20, bytes: 64 * MIB, kills: 5 },
});

/** What is on disk here and has a clock that can hurry; on `file:` leases wait by the disk's own time, so only in full. */
const places = PLACES.filter(([name]) => name === 'sqlite' || (TORTURE && name === 'file'));

function* small(): Generator<{ key: string; data: string }> {
  for (let n = 0; n < AMOUNT.small; n++) yield { key: `small/${n}`, data: `data ${n}` };
}

async function fill(store: ObjectStore): Promise<void> {
  const stored = await store.storeMany(small(), { concurrency: 64 });
  expect(stored.filter(({ ok }) => !ok)).toEqual([]);
  for (let n = 0; n < AMOUNT.large; n++) await store.store(`large/${n}`, patterned(AMOUNT.bytes, n + 1));
  await store.slots.add(rawKey(keyBytes(SECRETS.worker)));
}

/** What a writer has acknowledged last of each of its keys. */
function acknowledged({ lines }: WorkerProcess): Map<string, number> {
  const last = new Map<string, number>();
  for (const line of lines.filter((text) => text.includes('/'))) {
    const [key = '', round] = line.split(' ');
    last.set(key, Number(round));
  }
  return last;
}

async function checkAll(store: ObjectStore, writers: readonly WorkerProcess[]): Promise<void> {
  for (const writer of writers) {
    for (const [key, round] of acknowledged(writer)) {
      const [, found] = (await store.retrieve(key)).text().split(' ');
      expect(Number(found), key).toBeGreaterThanOrEqual(round);
    }
  }
  const keys = Array.from({ length: AMOUNT.small }, (_, n) => `small/${n}`);
  const read = await store.retrieveMany(keys);
  expect(read.filter((item, n) => !item.ok || item.value.text() !== `data ${n}`)).toEqual([]);
  for (let n = 0; n < AMOUNT.large; n++) {
    expect(await store.matches(`large/${n}`, patterned(AMOUNT.bytes, n + 1))).toBe(true);
  }
}

async function rotateWithKills(start: (role: string, name: string) => WorkerProcess): Promise<RotationReport> {
  for (let kill = 0; ; kill++) {
    const rotation = start('rotate', `rotation ${kill}`);
    await rotation.opened;
    if (kill < AMOUNT.kills) {
      await sleep(randomInt(100, TORTURE ? 8000 : 1500));
      rotation.child.kill('SIGKILL');
    }
    const end = await rotation.ended;
    const [line] = rotation.lines.filter((text) => text.startsWith('report '));
    if (line === undefined) {
      expect(end).toBe('SIGKILL');
      continue;
    }
    expect(rotation.lines, 'no part of a payload is read or written').toContain('parts 0');
    return JSON.parse(line.slice('report '.length)) as RotationReport;
  }
}

describe.each(places)('a rotation on %s beside writers, readers and a sleeper in other processes', (name, make) => {
  it.runIf(LONG)(
    onlyLong('killed and resumed, loses nothing, fails nobody and leaves nothing under the old keys'),
    async () => {
      const began = Date.now();
      const clock = hurriedClock(HURRY, began);
      const base = usePlace(make);
      const place: Place = name === 'sqlite' ? { ...base, open: () => openHurried(base.url, () => clock.now()) } : base;
      const store = await createAt(place, { clock });
      await fill(store);
      await store.close();
      const start = (role: string, worker: string): WorkerProcess =>
        startProcess(WORKER, [place.url, role, worker, String(began), String(AMOUNT.small)]);
      const count = TORTURE ? 4 : 1;
      const writers = Array.from({ length: count }, (_, n) => start('write', `writer-${n}`));
      const readers = Array.from({ length: count }, (_, n) => start('read', `reader-${n}`));
      await Promise.all([...writers, ...readers].map(({ opened }) => opened));
      const sleeper = start('sleep', 'sleeper');
      await vi.waitFor(() => expect(sleeper.lines).toContain('asleep'), { timeout: 600_000 });
      const report = await rotateWithKills(start);
      sleeper.child.kill('SIGCONT');
      await sleep(1000);
      writers.push(sleeper);
      for (const { child } of [...writers, ...readers]) child.kill('SIGTERM');
      expect(await Promise.all([...writers, ...readers].map(({ ended }) => ended))).toEqual(
        [...writers, ...readers].map(() => 0),
      );
      expect(report).toMatchObject({ failed: 0, remaining: {} });
      await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
      const after = await openAt(place, { clock, unlock: rawKey(keyBytes(SECRETS.after)) });
      const census = await after.encryptionKeys.usage();
      const states = await after.encryptionKeys.list();
      const used = states.filter(({ id }) => (census[id] ?? 0) > 0);
      expect(used.map(({ state }) => state)).toEqual(used.map(() => 'primary'));
      await checkAll(after, writers);
    },
    3_600_000,
  );
});

async function openHurried(url: string, clock: () => number): Promise<SqliteBackend> {
  const backend = new SqliteBackend({ clock });
  await backend.init({ url, options: {} });
  return backend;
}
