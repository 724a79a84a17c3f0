import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type StorageBackend, composeLayers, forwardTo, retryLayer } from '@securestore/backend-api';
import { type SecureStore, openStore, rawKey } from 'securestore';
import { isWhole } from '../../../backend-fs/test/support/bodies.ts';
import { type Campaign, killWriters } from '../../../backend-fs/test/support/crash-campaign.ts';
import { scanKeys } from '../../../backend-testkit/src/support/checks.ts';
import { runJob } from './run-process.ts';

const PROGRAM: string = fileURLToPath(new URL('store-process.ts', import.meta.url));
const DAY = 24 * 60 * 60 * 1000;

/**
 * Kills processes that write small and large objects into a store, one of them in the middle of a large one: nothing that was
 * acknowledged is lost, nothing is torn, and a collection leaves nothing of what was not.
 *
 * @param bare - open at `url`; the caller closes it
 */
export async function crashWriters(url: string, bare: StorageBackend, kills: number): Promise<void> {
  // A server ends connections that had nothing to do meanwhile.
  const backend = composeLayers(bare, [retryLayer()]);
  await runJob(url, 'increment', 0);
  const campaign = await killWriters([PROGRAM, url, 'write'], 2, kills);
  await killUploader(url, backend);

  const unlock = rawKey(Buffer.alloc(32, 7));
  await using store = await openStore(url, { unlock, maintenance: false, backend: await threeDaysLater(backend) });
  const { blobs } = await checkStore(store, campaign);
  assert.ok((await blobsOf(backend)).size > blobs, 'a payload that no version has');
  const { failed } = await store.gc();
  assert.equal(failed, 0, 'something could not be collected');
  const after = await checkStore(store, campaign);
  assert.equal(after.blobs, blobs, 'a collection keeps the payloads of all versions');
  assert.equal((await blobsOf(backend)).size, blobs, 'a collection leaves no payload that no version has');
}

/** Kills a process when it has uploaded a part of a large object, and waits for more of it. */
async function killUploader(url: string, backend: StorageBackend): Promise<void> {
  const before = await scanKeys(backend, 'b/');
  // As in `run-process.ts`.
  const argv = ['--no-warnings', PROGRAM, url, 'stall'];
  const uploader = spawn(process.execPath, argv, { stdio: 'inherit' });
  const ended = once(uploader, 'exit');
  while ((await scanKeys(backend, 'b/')).length === before.length) {
    assert.equal(uploader.exitCode, null, 'the process that uploads ended by itself');
    await sleep(20);
  }
  uploader.kill('SIGKILL');
  await ended;
  await untilSettled(backend);
}

/** A server may still carry out what a process sent before it was killed, and a busy one takes a while. */
async function untilSettled(backend: StorageBackend): Promise<void> {
  let before: string[];
  let after = await scanKeys(backend, 'b/');
  do {
    before = after;
    await sleep(2000);
    after = await scanKeys(backend, 'b/');
  } while (after.length !== before.length);
}

/** The same backend three days later: what is there now was written as long ago. */
async function threeDaysLater(inner: StorageBackend): Promise<StorageBackend> {
  const { now } = (await inner.read('store')) ?? {};
  assert.ok(now !== undefined, 'the backend does not tell its clock');
  const { clockSkew, modifiedResolution } = inner.capabilities;
  // What is written from here on is younger, whatever server dates it.
  await sleep(clockSkew + modifiedResolution + 1);
  const dated = <T extends { readonly modified: number }>(found: T): T =>
    found.modified <= now ? { ...found, modified: found.modified - 3 * DAY } : found;
  return forwardTo(inner, {
    read: async (key, options) => {
      const found = await inner.read(key, options);
      return found === undefined ? undefined : dated(found);
    },
    list: async (prefix, options) => {
      const { entries, more } = await inner.list(prefix, options);
      return { entries: entries.map(dated), more };
    },
  });
}

async function checkStore(store: SecureStore, campaign: Campaign): Promise<{ blobs: number }> {
  assert.ok(campaign.written.size > 0 && campaign.counted > 0, 'the writers wrote nothing');
  const present = new Set(await store.list('o/'));
  for (const key of campaign.written) assert.ok(present.has(key) || campaign.deleted.has(key), `${key} was lost`);
  for (const key of present) assert.ok(isWhole((await store.retrieve(key)).data), `${key} is torn`);
  const counter = Number((await store.retrieve('counter')).text());
  const most = campaign.counted + campaign.killed;
  assert.ok(counter >= campaign.counted && counter <= most, `${counter} is not ${campaign.counted} to ${most}`);
  const report = await store.verify({ payloads: true });
  assert.deepEqual(report.findings, []);
  assert.deepEqual(await store.list('never'), [], 'what was never committed is not there');
  return report;
}

/** The payloads at the backend, whether a version has them or not. */
async function blobsOf(backend: StorageBackend): Promise<Set<string>> {
  return new Set((await scanKeys(backend, 'b/')).map((key) => key.slice(0, key.lastIndexOf('/'))));
}
