// Run as a process that may be killed at any instant: writes, counts and deletes until then, and says on stdout what
// it is about to delete (`delete`) and what was acknowledged (`written`, `counted`).
import { writeSync } from 'node:fs';
import { type BackendDefinition, type StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { selfProving } from './bodies.ts';

const [packageName = '', url = '', id = ''] = process.argv.slice(2);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Adds one to the number at `counter`, however many others do. */
async function count(backend: StorageBackend): Promise<void> {
  for (;;) {
    const current = await backend.read('counter');
    const value = current === undefined ? 0 : Number(Buffer.from(current.body).toString());
    const condition = current === undefined ? { ifAbsent: true as const } : { ifMatch: current.etag ?? '' };
    try {
      await backend.write('counter', Buffer.from(String(value + 1)), condition);
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

async function work(backend: StorageBackend, index: number): Promise<void> {
  const key = `o/${id}/${index}`;
  await backend.write(key, selfProving(key, index % 10 === 0 ? 400_000 : 1000), { ifAbsent: true });
  say(`written ${key}`);
  await count(backend);
  say('counted');
  if (index % 3 !== 0) return;
  say(`delete ${key}`);
  await backend.delete(key);
}

// The package's default export is a definition by the contract.
const { default: definition } = (await import(packageName)) as { default: BackendDefinition };
const backend = definition.create();
await backend.init({ url, options: {} });
say('ready');
for (let index = 0; ; index += 4) await Promise.all([0, 1, 2, 3].map((offset) => work(backend, index + offset)));
