// A process of its own with a whole store on a server: `store-process.ts <url> <job> [count or name]`. The backend is
// found as an application finds it, by the scheme of the store URL.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { SecureStoreError, openStore, rawKey } from 'securestore';
import type { SecureStore } from 'securestore';
import { selfProving } from '../../../backend-fs/test/support/bodies.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const [url = '', job = '', argument = '0'] = process.argv.slice(2);
const MIB = 2 ** 20;

/** A key of the test's own: deriving one from a passphrase takes its time. */
const open = async (): Promise<SecureStore> =>
  openStore(url, { unlock: rawKey(Buffer.alloc(32, 7)), create: true, maintenance: false });

/** Increments a counter, each time by exactly one, however many others do. */
async function increment(): Promise<void> {
  await using store = await open();
  await store.store('counter', '0', { ifAbsent: true }).catch((error: unknown) => {
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
  });
  for (let done = 0; done < Number(argument); done++) await addOne(store);
}

async function addOne(store: SecureStore): Promise<void> {
  for (;;) {
    const { info, ...found } = await store.retrieve('counter');
    try {
      await store.store('counter', String(Number(Buffer.from(found.data).toString()) + 1), { ifVersion: info.version });
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

/** What the counter stands at after all of them. */
async function total(): Promise<void> {
  await using store = await open();
  assert.equal((await store.retrieve('counter')).text(), argument);
}

/** Looks at the health of the store again and again, and writes meanwhile: nothing may be wrong. */
async function look(): Promise<void> {
  await using store = await open();
  for (let looks = 0; looks < Number(argument); looks++) {
    await store.store(`looked/${looks % 10}`, String(looks));
    const { checks } = await store.health({ timeout: 60_000 });
    assert.deepEqual(
      checks.filter(
        ({ name, status, figures }) =>
          status !== 'ok' &&
          status !== 'not-set-up' &&
          // On a machine that is busy with other tests, calls may really take so long.
          !(name === 'latency' && Number(figures?.['p95']) > 1000),
      ),
      [],
    );
  }
}

/** A bit of everything that a store can do. */
async function tour(): Promise<void> {
  // Of two parts; of three in the longest run.
  const large = randomBytes((TORTURE ? 20 : 10) * MIB);
  await using store = await open();
  await store.store('db/prod/password', 's3cr3t', { metadata: { owner: 'ops' }, ifAbsent: true });
  await store.store('db/prod/password', 'better');
  await assert.rejects(store.store('db/prod/password', 'x', { ifAbsent: true }), { code: 'CONFLICT' });
  await store.store('large', large);
  await store.storeMany(Array.from({ length: 50 }, (_, index) => ({ key: `many/${index}`, data: String(index) })));
  await store.delete('many/7');
  assert.equal((await store.list('many/')).length, 49);
  assert.deepEqual(await store.list('db/'), ['db/prod/password']);
  assert.equal((await store.history('db/prod/password')).length, 2);
  const { stream } = await store.retrieveStream('large', { start: 9 * MIB, end: 9 * MIB + 1000 });
  assert.deepEqual(Buffer.concat(await Array.fromAsync(stream)), large.subarray(9 * MIB, 9 * MIB + 1000));
  await store.close();
  await using again = await open();
  assert.equal((await again.retrieve('db/prod/password')).text(), 'better');
  assert.deepEqual(Buffer.from((await again.retrieve('large')).data), large);
  const [, first] = await again.history('db/prod/password');
  assert.equal((await again.retrieve('db/prod/password', { version: first?.version ?? '' })).text(), 's3cr3t');
  assert.ok((await again.verify()).ok);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Writes until it is killed, and says what `writer-process.ts` says. */
async function write(): Promise<void> {
  await using store = await open();
  say('ready');
  const lane = async (name: string, sizes: readonly number[]): Promise<void> => {
    for (let index = 0; ; index++) {
      const key = `o/${argument}/${name}/${index}`;
      const put = async (): Promise<unknown> => store.store(key, selfProving(key, sizes[index % sizes.length] ?? 0));
      await put();
      say(`written ${key}`);
      if (index % 3 === 0) await put();
      if (index % 4 !== 3) continue;
      say(`delete ${key}`);
      await store.delete(key);
    }
  };
  const count = async (): Promise<void> => {
    for (;;) {
      await addOne(store);
      say('counted');
    }
  };
  await Promise.all([lane('small', [10, 1000]), lane('large', [100_000, 9 * MIB, 200_000]), count()]);
}

/** Uploads the first part of a large object, and waits to be killed. */
async function stall(): Promise<void> {
  await using store = await open();
  await store.store(
    'never',
    (async function* () {
      yield randomBytes(8 * MIB + 1);
      await new Promise(() => setInterval(() => undefined, 60_000));
    })(),
  );
}

const jobs: Readonly<Record<string, () => Promise<void>>> = { increment, total, look, tour, write, stall };
const chosen = jobs[job];
assert.ok(chosen, `there is no job ${job}`);
await chosen();
