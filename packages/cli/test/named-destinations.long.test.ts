import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import type { BackendConfig } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { createStore, generateKeyFile, keyFile } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { finished, type Sandbox, sandbox } from './support/cli.ts';

/** A backend that takes any store URL for its own. */
class Elsewhere extends MemoryBackend {
  override async init(config: BackendConfig): Promise<void> {
    await super.init({ ...config, url: 'memory:' });
  }
}

/** A server that asks for the password as PostgreSQL does, and what it was sent. */
async function passwordsAt(): Promise<{ readonly url: string; readonly passwords: string[] }> {
  const passwords: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (data[0] === 0x70) passwords.push(data.subarray(5, -1).toString());
      if (data[0] === 0x70) socket.end();
      else socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://somebody@127.0.0.1:${port}/backups?sslmode=disable`, passwords };
}

/** A folder of somebody else: its configuration names the store that lies there, which is backed up to a place of theirs. */
async function folderOfOthers(url: string): Promise<Sandbox> {
  const box = await sandbox('none');
  await generateKeyFile(box.path('key'));
  const destinations = { [url]: { backend: new Elsewhere() } };
  await using store = await createStore(`file:${box.path('vault')}`, {
    unlock: keyFile(box.path('key')),
    destinations,
  });
  await store.backup(url);
  await writeFile(box.path('securestore.config.json'), '{ "store": "file:./vault" }');
  return box;
}

it('a destination of a store that a file names gets no credentials of the environment', async () => {
  const { url, passwords } = await passwordsAt();
  const box = await folderOfOthers(url);
  const ask = async (...args: string[]): Promise<{ exitCode: number | null; stderr: string }> =>
    finished(box.start([...args, '--key-file', 'key', '--no-anchor'], { env: { PGPASSWORD: 'of-the-user' } }));
  const changed = await ask('role', 'add', 'nobody', '--deny', 'read');
  expect(changed).toMatchObject({
    exitCode: 8,
    stderr: expect.stringContaining('changed in the store, but not in the backups at postgres://***@'),
  });
  expect(passwords).toEqual([]);
  // Named by hand it is reached.
  expect((await ask('backup', url)).exitCode).not.toBe(0);
  expect(passwords).toEqual(['of-the-user']);
});
