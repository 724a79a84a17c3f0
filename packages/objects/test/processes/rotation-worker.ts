// A process of its own for rotation tests: `rotation-worker.ts <url> <role> <name> <clock start> <keys>`. It prints
// what it has done, a line each.
import type { Around } from '@securestore/backend-api';
import { composeLayers, createCallCounter, intercept } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import { openObjectStore } from '../../src/index.ts';
import { hurriedClock } from '../support/hurried-clock.ts';
import { HURRY, keyBytes, SECRETS } from './rotation-world.ts';

const [url = '', role = '', name = '', start = '0', keys = '0'] = process.argv.slice(2);
const clock = hurriedClock(HURRY, Number(start));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function backendAt(): FsBackend | SqliteBackend {
  return url.startsWith('file:') ? new FsBackend() : new SqliteBackend({ clock: () => clock.now() });
}

const counter = createCallCounter();

/** After how many changes the process that sleeps stops itself. */
const AWAKE_FOR = 20;

/**
 * Stops this process as SIGSTOP from outside would, but when a change has been prepared and not begun: whoever is stopped
 * in the middle of a commit keeps the lock, and all others wait for it.
 */
function asleepBeforeChange(): Around {
  let changes = 0;
  return async (call, run) => {
    if ((call.operation === 'write' || call.operation === 'batch') && ++changes === AWAKE_FOR) {
      say('asleep');
      process.kill(process.pid, 'SIGSTOP');
    }
    return run(call.signal);
  };
}

async function open(secret: Buffer): Promise<ObjectStore> {
  const inner = backendAt();
  await inner.init({ url, options: {} });
  const layers = role === 'sleep' ? [intercept(asleepBeforeChange)] : [counter.layer];
  return openObjectStore({ backend: composeLayers(inner, layers), url, unlock: rawKey(secret), clock });
}

/** Overwrites keys of its own, and one that all writers share, until it is told to stop. */
async function write(store: ObjectStore, stopped: () => boolean): Promise<void> {
  for (let round = 1; !stopped(); round++) {
    const key = `${name}/${round % 50}`;
    await store.store(key, `${key} ${round}`);
    say(`${key} ${round}`);
    await store.store('shared', name);
  }
}

/** How many thousands of bytes even the smallest of the large objects has. */
const IN_LARGE = 9000;

/** Reads what lay there from the beginning, current and old. */
async function read(store: ObjectStore, stopped: () => boolean): Promise<void> {
  for (let round = 0; !stopped(); round = (round + 7) % Number(keys)) {
    const text = (await store.retrieve(`small/${round}`)).text();
    if (text !== `data ${round}`) throw new Error(`small/${round} is ${text}`);
    const from = (round % IN_LARGE) * 1000;
    const { stream } = await store.retrieveStream('large/0', { start: from, end: from + 100 });
    for await (const piece of stream) if (piece.length === 0) throw new Error('an empty piece');
  }
}

/** Rotates from the first secret to the second, or goes on with that, whichever of the two opens the store. */
async function rotate(): Promise<void> {
  let store: ObjectStore;
  try {
    store = await open(keyBytes(SECRETS.before));
  } catch (error) {
    if (!SecureStoreError.is(error, 'UNLOCK_FAILED')) throw error;
    store = await open(keyBytes(SECRETS.after));
  }
  say('open');
  const changed = (await store.encryptionKeys.list()).some(({ state }) => state !== 'primary');
  const job = changed
    ? store.jobs.resume('rotation')
    : store.rotateEncryptionKey(keyBytes(SECRETS.before), keyBytes(SECRETS.after));
  const report = await job;
  const parts = counter.calls.filter(({ key }) => key?.startsWith('b/') === true).length;
  // Before the report: this process may be killed between the two lines.
  say(`parts ${parts}`);
  say(`report ${JSON.stringify(report)}`);
  await store.close();
}

if (role === 'rotate') await rotate();
else {
  const store = await open(keyBytes(SECRETS.worker));
  say('open');
  let stopped = false;
  process.once('SIGTERM', () => (stopped = true));
  await (role === 'read' ? read : write)(store, () => stopped);
  await store.close();
}
say('done');
