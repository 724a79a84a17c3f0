import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action } from '@securestore/acl';
import { expect, it, onTestFinished } from 'vitest';
import type { World } from '../support/world.ts';
import { codeIn, world } from '../support/world.ts';

const JSON_BODY = { 'content-type': 'application/json' };
const LOOKING: readonly Action[] = ['backup', 'restore', 'restore.replace', 'verify'];

/** Every way of having a server look somewhere. */
function asksAbout({ send }: World, token: string, url: string): Promise<readonly (string | undefined)[]> {
  const query = `destination=${encodeURIComponent(url)}`;
  const post = (path: string, body: object) =>
    send('POST', path, { token, headers: JSON_BODY, body: JSON.stringify(body) });
  return Promise.all([
    send('GET', `/v1/backups?${query}`, { token }).then(codeIn),
    send('GET', `/v1/backups/windows?${query}`, { token }).then(codeIn),
    post('/v1/backups/verify', { destination: url }).then(codeIn),
    post('/v1/backups/drill', { destination: url }).then(codeIn),
    post('/v1/backups/retain', { destination: url, dryRun: true }).then(codeIn),
    post('/v1/restore', { destination: url, dryRun: true }).then(codeIn),
    post('/v1/scrub', { repair: url }).then(codeIn),
  ]);
}

// T-SERVER-05
it('a place that nobody has registered is not looked at for whom may not register it', async () => {
  let connections = 0;
  const elsewhere = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  onTestFinished(() => void elsewhere.close());
  const { port } = elsewhere.address() as AddressInfo;
  const here = await world();
  const token = await here.somebody('ann', [{ effect: 'allow', actions: LOOKING }]);
  for (const url of [
    'file:/etc',
    'sqlite:/etc/passwd',
    `postgres://127.0.0.1:${port}/x`,
    `redis://127.0.0.1:${port}`,
  ]) {
    expect(new Set(await asksAbout(here, token, url)), url).toEqual(new Set(['ACCESS_DENIED']));
  }
  expect(connections).toBe(0);
});

it('a place that is registered is looked at, and any for whom may register one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-store URLs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [url, other] = [`file:${join(folder, 'backup')}`, `file:${join(folder, 'none')}`];
  const here = await world();
  await here.store.backup(url);
  const ann = await here.somebody('ann', [{ effect: 'allow', actions: LOOKING }]);
  const ben = await here.somebody('ben', [{ effect: 'allow', actions: ['backup', 'backup.manage'] }]);
  const list = (token: string, place: string) =>
    here.send('GET', `/v1/backups?destination=${encodeURIComponent(place)}`, { token }).then(codeIn);
  expect([await list(ann, url), await list(ann, other), await list(ben, other)]).toEqual([
    undefined,
    'ACCESS_DENIED',
    'NOT_FOUND',
  ]);
});
