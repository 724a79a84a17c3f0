import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqliteBackend } from '@securestore/backend-sqlite';
import type { UnlockMethod } from '@securestore/crypto';
import { keyFileContents } from '@securestore/crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createObjectStore } from '../../src/index.ts';
import { atEnd } from '../support/stores.ts';
import { heldForm, isUnbound, unlockBy } from './methods.ts';
import { damageAll, publicBytes, storeNeedles } from './needles.ts';
import type { Needle, Sighting } from './scan.ts';
import { reasonNotToScan, scan } from './scan.ts';
import type { Scenario } from './scenarios.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Stop } from './start-worker.ts';
import { startWorker, unmask, whenStill } from './start-worker.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

const HYPHEN = 0x2d;

/** Looking through hundreds of megabytes takes its time on a busy machine. */
const MINUTES = 60_000;

function methodOf({ method }: Scenario, secret: Buffer): UnlockMethod {
  if (method === 'keyFile') return keyFileContents(async () => secret);
  return unlockBy(method, heldForm(method, secret));
}

/** @returns its fingerprint */
async function makeStore(url: string, unlock: UnlockMethod): Promise<string> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  const store = await createObjectStore({ backend, url, unlock, maintenance: false });
  const { fingerprint } = store;
  await store.close();
  return fingerprint;
}

const named = (sightings: readonly Sighting[]): string[] => [...new Set(sightings.map(({ what }) => what))].toSorted();

/** What was left, and where: a find that is rare must tell enough the first time. */
const left = (sightings: readonly Sighting[]): string[] =>
  sightings
    .filter(({ what }) => what !== 'a live key')
    .map(({ what, offset, address, mapping }) => `${what}, from its byte ${offset}, at ${address} ${mapping}`);

interface Looked {
  /** What was to be found, and what was, while keys were in use; empty where the scenario has no such moment. */
  readonly before: { readonly needles: readonly Needle[]; readonly found: readonly Sighting[] };
  readonly after: { readonly needles: readonly Needle[]; readonly found: readonly Sighting[] };
}

/** Runs a scenario in a process of its own, and looks into its memory. */
async function look(name: string, scenario: Scenario): Promise<Looked> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-memory-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const url = `sqlite:${join(folder, 'vault.db')}`;
  const [secret, mask, kept, other] = [scenario.secretLength, 32, 32, scenario.secretLength].map((n) => randomBytes(n));
  if (secret === undefined || mask === undefined || kept === undefined || other === undefined) throw new Error('none');
  const keyPath = join(folder, 'key');
  if (scenario.method === 'keyFile') writeFileSync(keyPath, secret);
  const owner = methodOf(scenario, scenario.strange === true ? other : secret);
  const fingerprint = scenario.strange === true ? await makeStore(url, owner) : '';
  const { child, next } = startWorker(WORKER, [url, name, keyPath, fingerprint], [secret, mask, kept]);
  const own: Needle[] = [{ what: 'the secret', bytes: secret }];
  const printed = heldForm(scenario.method, secret);
  if (printed !== secret) {
    const plain = Buffer.from(printed.filter((code) => code !== HYPHEN));
    own.push({ what: 'the secret as it is printed', bytes: printed }, { what: 'its digits', bytes: plain });
  }
  const live: Needle = { what: 'a live key', bytes: kept };
  const all = new Map<string, Needle>();
  const add = (needles: readonly Needle[]): void => {
    for (const needle of needles) all.set(needle.bytes.toString('hex'), needle);
  };
  const unmasked = async ({ told }: Stop): Promise<Needle[]> => {
    const open = await publicBytes(url);
    const bytes = told.map((hex) => unmask(hex, mask));
    return bytes.filter((one) => !open.includes(one)).map((one, at) => ({ what: `random bytes ${at}`, bytes: one }));
  };
  const lookNow = async (stop: Stop): Promise<Sighting[]> => {
    await whenStill();
    if (stop.stage === 'open') {
      add(await unmasked(stop));
      add(await storeNeedles(url, owner, secret));
    }
    add(own);
    return scan(child.pid ?? 0, [...all.values(), live]);
  };
  let before: Looked['before'] = { needles: [], found: [] };
  let stop = await next();
  if (stop.stage === 'open') {
    before = { found: await lookNow(stop), needles: [...all.values()] };
    if (name.startsWith('errors')) await damageAll(url);
    child.stdin.write('x');
    stop = await next();
  } else {
    add(await storeNeedles(url, owner, secret));
  }
  expect(stop.stage).toBe('closed');
  const after = { found: await lookNow(stop), needles: [...all.values()] };
  child.stdin.write('x');
  await once(child, 'close');
  return { before, after };
}

/** Found while they are in use: it shows that what is not found later was there, and would have been seen. */
const IN_USE = [
  'a live key',
  'the secret',
  'root key',
  'identity',
  'private key of the slot',
  'binding key of the slot',
  'name key: name mac, inner pad',
  'name key: name encryption',
  'digest key (category): digest whole, outer pad',
  'key version (category, primary), inner pad',
  'key version (journal, primary)',
];

/** An identity is the private key of its slot, and no slot without a binding tag has a key for one. */
function inUse({ method }: Scenario): string[] {
  if (!isUnbound(method)) return IN_USE;
  const own = IN_USE.filter((what) => what !== 'binding key of the slot');
  if (method === 'keyWrapper') return own;
  return [...own.filter((what) => what !== 'private key of the slot'), 'the secret as it is printed'];
}

let reason: string | undefined;

beforeAll(async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  reason = await reasonNotToScan(child.pid ?? 0);
  child.kill('SIGKILL');
});

// T-PROCESS-01, T-THIEF-03
describe('no key is left in the memory of a process', () => {
  it.for(Object.entries(SCENARIOS).filter((_, at) => LONG || at === 0))(
    'after %s',
    { timeout: 15 * MINUTES },
    async ([name, scenario], context) => {
      if (reason !== undefined) context.skip(reason);
      const { before, after } = await look(name, scenario);
      if (scenario.strange !== true) {
        expect(named(before.found)).toEqual(expect.arrayContaining(inUse(scenario)));
        expect(before.needles.length).toBeGreaterThan(30);
      }
      expect(after.needles.length).toBeGreaterThan(20);
      expect(left(after.found)).toEqual([]);
      expect(named(after.found)).toEqual(['a live key']);
    },
  );
});
