import { randomUUID } from 'node:crypto';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import { createStore, openStore, rawKey } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { serve } from '../src/index.ts';

const OLD = Buffer.alloc(32, 9);
const NEW = Buffer.alloc(32, 10);
/** So long that the head is read anew, in milliseconds. */
const STALE = 5500;

/** A server that asks `secret` for what opens its store, and that store as its owner has it open. */
async function scene(secret: () => Uint8Array) {
  const clock = new EagerClock();
  const memory = new MemoryBackend({ clock: () => clock.now() });
  const trouble: { error?: SecureStoreError } = {};
  const backend = forwardTo(memory, {
    read: (key, options) => (trouble.error === undefined ? memory.read(key, options) : Promise.reject(trouble.error)),
  });
  const url = `memory:${randomUUID()}`;
  const common = { clock, maintenance: false };
  const store = await createStore(url, { ...common, backend, unlock: rawKey(secret) });
  onTestFinished(() => store.close());
  const server = await serve(store, { port: 0, console: false });
  onTestFinished(() => server.close());
  const owner = await openStore(url, { ...common, backend: memory, unlock: rawKey(OLD) });
  onTestFinished(() => owner.close());
  /** What is answered once what is known of the store is too old. */
  const health = async (): Promise<unknown> => {
    clock.advance(STALE);
    const answer = await fetch(`${server.url}/healthz`);
    return [answer.status, await answer.json()];
  };
  return { owner, trouble, health };
}

const OK = [200, { status: 'ok' }];
const FAILING = [503, { status: 'failing' }];

it('says that a server whose secret was replaced is failing, until it has the new one', async () => {
  let secret = OLD;
  const { owner, health } = await scene(() => secret);
  expect(await health()).toEqual(OK);
  await owner.rotateEncryptionKey(rawKey(OLD), rawKey(NEW), { depth: 'unlock' });
  expect(await health()).toEqual(FAILING);
  secret = NEW;
  expect(await health()).toEqual(OK);
});

it('says so of a store that is lost to the server, and not of a backend that can not be reached for now', async () => {
  const { trouble, health } = await scene(() => OLD);
  trouble.error = new SecureStoreError('UNAVAILABLE', 'out of reach');
  expect(await health()).toEqual(OK);
  trouble.error = new SecureStoreError('UNAVAILABLE', 'replaced', { retryable: false });
  expect(await health()).toEqual(FAILING);
  delete trouble.error;
  expect(await health()).toEqual(OK);
  trouble.error = new SecureStoreError('INTEGRITY', 'damaged');
  expect(await health()).toEqual(FAILING);
  delete trouble.error;
  expect(await health()).toEqual(FAILING);
});
