/* Somebody's backend, in an application far from the workspace. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatReport, runConformance } from '@securestore/backend-testkit';
import { openStore, rawKey } from 'securestore';
import leveldb from 'securestore-backend-leveldb';

const folder = await mkdtemp(join(tmpdir(), 'securestore-leveldb-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const report = await runConformance({
  name: 'securestore-backend-leveldb',
  seed: 1,
  createFixture: () => {
    const place = join(folder, crypto.randomUUID());
    return {
      open: async () => {
        const backend = leveldb.create();
        await backend.init({ url: `leveldb:${place}`, options: {} });
        return backend;
      },
      dispose: async () => rmSync(place, { recursive: true, force: true }),
    };
  },
});
await writeFile('CONFORMANCE.md', formatReport(report));
assert(report.results.some(({ status }) => status === 'passed'));
assert.deepEqual(
  report.results.filter(({ status }) => status === 'failed'),
  [],
);

const vault = `leveldb:${join(folder, 'vault')}`;
const unlock = rawKey(crypto.getRandomValues(new Uint8Array(32)));
const created = await openStore(vault, { unlock, create: true });
await created.store('team/secret', 'found by its scheme', { metadata: { owner: 'ops' } });
await created.close();
const opened = await openStore(vault, { unlock });
const secret = await opened.retrieve('team/secret');
assert.equal(secret.text(), 'found by its scheme');
assert.deepEqual(secret.metadata, { owner: 'ops' });
assert.deepEqual(await opened.list(), ['team/secret']);
await opened.close();
