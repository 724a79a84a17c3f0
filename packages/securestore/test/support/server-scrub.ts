import { setTimeout as wait } from 'node:timers/promises';
import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import type { RepairSource } from '@securestore/health';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { expect } from 'vitest';
import type { Attacker } from '../../../objects/test/support/attacker.ts';
import { attack, flipped } from '../../../objects/test/support/attacker.ts';
import { patterned } from '../../../objects/test/support/stores.ts';
import type { ScrubReport, SecureStore } from '../../src/index.ts';
import { checkOf, opened, troubles } from './server-health.ts';

/** Where a store is damaged behind the back of the library. */
export interface DamagedPlace {
  readonly url: string;
  /** Another handle on the backend. */
  readonly open: () => Promise<StorageBackend>;
  /** Makes the server believe that something has been there for some days; absent where none can. */
  readonly age?: (name: string) => Promise<void>;
}

/** How many times faster time passes for the store: what seems wrong is looked at again seconds later. */
const HASTE = 6;

/** Waits are short. The time of day is that of the machine, or it would leave the server's behind by a minute in twelve seconds. */
function hastyClock(): Clock {
  const clock = systemClock();
  const begun = clock.uptime();
  return {
    now: () => clock.now(),
    uptime: () => begun + (clock.uptime() - begun) * HASTE,
    sleep: (milliseconds, signal, options) =>
      wait(milliseconds / HASTE, undefined, { signal, ref: options?.ref ?? true }),
  };
}

/** As long on a clock that is fast as ten seconds are: a busy machine takes so long to read the time of the server. */
const LOOK = { timeout: 10_000 * HASTE };

/** The name of the record of an object, which is stored for that. */
async function recordOf(
  store: SecureStore,
  attacker: Attacker,
  key: string,
  data: string | Uint8Array,
): Promise<string> {
  const before = new Set(await attacker.names('o/'));
  await store.store(key, data);
  const [name, another] = (await attacker.names('o/')).filter((one) => !before.has(one));
  if (name === undefined || another !== undefined) throw new Error(`not exactly one new record for ${key}`);
  return name;
}

/** All that lies there, as what a scrub repairs from. */
async function copyOf(attacker: Attacker): Promise<RepairSource> {
  const backend: StorageBackend = new MemoryBackend();
  await backend.init({ url: 'memory:', options: {} });
  for (const [name, body] of await attacker.copy()) await backend.write(name, body);
  return (body) => body(backend);
}

const findingsOf = ({ findings }: ScrubReport): string[] =>
  findings.map(({ kind, key, repaired }) => `${kind} ${key}${repaired ? ' repaired' : ''}`).toSorted();

/** Damage of each kind, planted at a server, is found in one pass, and repaired in one from a backup. */
export async function findsAllDamage({ url, open, age }: DamagedPlace): Promise<void> {
  const store = await opened(url, { clock: hastyClock() });
  const attacker = await attack({ url, open, remove: () => undefined });
  for (let n = 0; n < 5; n++) await store.store(`well/${n}`, `well ${n}`);
  const flippedRecord = await recordOf(store, attacker, 'flipped', 'as it was');
  const oldRecord = await recordOf(store, attacker, 'old', 'first');
  const first = await attacker.get(oldRecord);
  await store.store('old', 'second');
  await store.store('large', patterned(9 * 2 ** 20));
  const parts = await attacker.names('b/');
  expect(parts.length).toBeGreaterThan(1);
  const part = await attacker.get(parts[0] ?? '');
  await store.checkpoint();
  const copy = await copyOf(attacker);
  expect(await store.scrub()).toMatchObject({ ok: true, objects: 8, found: 0, foreign: [] });

  const [token = ''] = (parts[0] ?? '').split('./@');
  const orphan = `${token}./@${'0'.repeat(26)}`;
  await attacker.put(`${orphan}/00000000`, part);
  await age?.(`${orphan}/00000000`);
  await attacker.put(flippedRecord, flipped(await attacker.get(flippedRecord), 80));
  await attacker.put(oldRecord, first);
  await attacker.remove(parts.at(-1) ?? '');

  const found = await store.scrub();
  expect(findingsOf(found)).toEqual(['damaged flipped', 'payload large', 'rolled-back old']);
  // One that is young may be of an upload that is under way.
  const stray = { name: orphan, message: expect.stringContaining('belong to no version of the object') };
  expect(found.foreign).toEqual(age === undefined ? [] : [stray]);
  const report = await store.health(LOOK);
  expect(troubles(report)).toEqual({ scrub: 'failing' });
  expect(checkOf(report, 'scrub')).toMatchObject({
    reason: expect.stringContaining('3 things are not as stored'),
    advice: expect.stringContaining('securestore scrub --repair'),
    figures: { findings: 3 },
  });

  const repaired = await store.scrub({ repair: copy });
  expect(findingsOf(repaired)).toEqual([
    'damaged flipped repaired',
    'payload large repaired',
    'rolled-back old repaired',
  ]);
  // On a busy machine calls may really be slow.
  const { latency: _slow, ...others } = troubles(await store.health(LOOK));
  expect(others).toEqual({});
  expect((await store.retrieve('old')).text()).toBe('second');
  expect((await store.retrieve('flipped')).text()).toBe('as it was');
  expect(Buffer.compare((await store.retrieve('large')).data, patterned(9 * 2 ** 20))).toBe(0);
}
