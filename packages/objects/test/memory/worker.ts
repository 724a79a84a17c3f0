// A process whose memory is looked at: `worker.ts <url> <scenario> <key file> <fingerprint>`, started with --expose-gc. It gets the secret and a
// mask on its standard input. It prints a line where it stands still, and goes on when it gets a byte.
import { readSync } from 'node:fs';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import { randomPool } from '@securestore/crypto';
import { keyFile } from '../../../securestore/src/files/key-file.ts';
import type { ObjectStore } from '../../src/index.ts';
import { createObjectStore, openObjectStore } from '../../src/index.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { heldForm, unlockBy } from './methods.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';

const [url = '', name = '', keyPath = '', known = ''] = process.argv.slice(2);
const scenario: Scenario | undefined = SCENARIOS[name];
if (scenario === undefined) throw new TypeError(`no such scenario: ${name}`);

/** Straight into a buffer of ours: a stream would keep what it reads in buffers of its own. */
function readInto(buffer: Buffer): void {
  for (let at = 0; at < buffer.length;) {
    const read = readSync(0, buffer, at, buffer.length - at, null);
    if (read === 0) throw new Error('the standard input has ended');
    at += read;
  }
}

const secret = Buffer.alloc(scenario.secretLength);
/** What is told is told under a mask, so that telling it leaves nothing. */
const mask = Buffer.alloc(32);
/** Stays, so that whoever looks knows that it can see. */
const kept = Buffer.alloc(32);
for (const buffer of [secret, mask, kept]) readInto(buffer);

const masked = (bytes: Uint8Array): string =>
  Buffer.from(bytes.map((byte, index) => byte ^ (mask[index] ?? 0))).toString('hex');

/** All random numbers that may be keys, and those of them that are none: salts of what the store keeps for itself. */
const told: string[] = [];
const salts: string[] = [];
const pool = randomPool();
function random(count: number): Buffer {
  const bytes = pool(count);
  if (count === mask.length) told.push(masked(bytes));
  return bytes;
}

/** Has the garbage collector run, and what waits for it to have run. */
async function collectGarbage(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('start this with --expose-gc');
  for (let times = 0; times < 5; times++) {
    gc();
    await new Promise((done) => setImmediate(done));
  }
}

/** Stands still until the other process has looked. */
async function standStill(stage: string): Promise<void> {
  process.stdout.write(`${JSON.stringify({ stage, told: told.filter((one) => !salts.includes(one)) })}\n`);
  await new Promise((done) => setTimeout(done, 50));
  readInto(Buffer.alloc(1));
}

/** A backend that notes the salt of each body of the store's own. */
function noting(backend: StorageBackend): StorageBackend {
  return forwardTo(backend, {
    async write(key, body, options) {
      if (asBuffer(body).toString('latin1', 0, 4) === 'SSSY') salts.push(masked(body.subarray(8, 8 + mask.length)));
      return backend.write(key, body, options);
    },
  });
}

const clock = new EagerClock(Date.now());
const held = heldForm(scenario.method, secret);
const unlock = scenario.method === 'keyFile' ? keyFile(keyPath) : unlockBy(scenario.method, held);
/** Of the store that is opened. */
let fingerprint = known === '' ? undefined : known;
async function settings(): Promise<Parameters<typeof createObjectStore>[0]> {
  const backend = new SqliteBackend({ clock: () => clock.now() });
  await backend.init({ url, options: {} });
  return { backend: noting(backend), url, unlock, random, clock, maintenance: false };
}

const opener = {
  async create(): Promise<ObjectStore> {
    const made = await createObjectStore(await settings());
    fingerprint = made.fingerprint;
    return made;
  },
  open: async (): Promise<ObjectStore> => openObjectStore({ ...(await settings()), fingerprint }),
  async fails(code: string, call: () => PromiseLike<unknown>): Promise<void> {
    const error: unknown = await Promise.resolve(call()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!SecureStoreError.is(error) || error.code !== code) throw new Error(`expected ${code}`, { cause: error });
  },
};

await scenario.run(opener, async () => {
  await collectGarbage();
  await standStill('open');
});
secret.fill(0);
held.fill(0);
await collectGarbage();
await standStill('closed');
// Used to the end, so that nothing takes it for garbage.
process.stdout.write(`${JSON.stringify({ stage: 'ended', length: kept.length })}\n`);
