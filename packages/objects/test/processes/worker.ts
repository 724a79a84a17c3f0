// A process of its own for process tests: `worker.ts <url> <job> <name> <count>`. It prints a line for each
// acknowledged write, and `done` in the end.
import { FsBackend } from '@securestore/backend-fs';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import { openObjectStore } from '../../src/index.ts';

const [url = '', job = '', name = '', count = '0'] = process.argv.slice(2);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Increments the counter `count` times, each by exactly one. */
async function increment(store: ObjectStore): Promise<void> {
  for (let done = 0; done < Number(count);) {
    const found = await store.retrieve('counter');
    const { info } = found;
    try {
      await store.store('counter', String(found.json<number>() + 1), { ifVersion: info.version });
      done += 1;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

/** Writes one key without a condition. */
async function overwrite(store: ObjectStore): Promise<void> {
  for (let round = 0; round < Number(count); round++) say((await store.store('shared', `${name}/${round}`)).version);
}

/** Four writers that never end, each with a key of its own and one in common; the values tell their own size. */
async function write(store: ObjectStore): Promise<void> {
  const writer = async (id: number): Promise<void> => {
    for (let round = 1; ; round++) {
      const size = round % 5 === 0 ? 100_000 : 20;
      const value = `${round}:`.padEnd(size, `${round % 10}`);
      const own = `${name}/${id}`;
      await store.store(own, value, { metadata: { round } });
      say(`${own} ${round}`);
      if (round % 3 === 0) await store.store('shared', value, { metadata: { round } });
      if (round % 7 === 0) await store.setMetadata(own, { round, again: true });
    }
  };
  await Promise.all([0, 1, 2, 3].map(writer));
}

const backend = url.startsWith('file:') ? new FsBackend() : new SqliteBackend();
await backend.init({ url, options: {} });
const store = await openObjectStore({ backend, url, unlock: rawKey(Buffer.alloc(32, 7)) });
say('open');
const jobs: Readonly<Record<string, (store: ObjectStore) => Promise<void>>> = { increment, overwrite, write };
await jobs[job]?.(store);
await store.close();
say('done');
