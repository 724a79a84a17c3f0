// A process that is killed at a call to its backend: `killed-worker.ts <url> <work> <call> <before|after> <clock>`.
// It does the work over a `sqlite:` store, where time passes only while it waits, and prints how many calls that took.
import { intercept } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { rawKey } from '@securestore/crypto';
import { openObjectStore } from '../../src/index.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { keyBytes, SECRETS } from './rotation-world.ts';
import { isWork, WORK } from './killed-work.ts';

const [url = '', work = '', call = '', when = '', start = ''] = process.argv.slice(2);
if (!isWork(work)) throw new TypeError(`no such work: ${work}`);

const clock = new EagerClock(Number(start));
const backend = new SqliteBackend({ clock: () => clock.now() });
await backend.init({ url, options: {} });

let calls = 0;
let counting = false;
const killer = intercept(() => async ({ signal }, run) => {
  if (!counting) return run(signal);
  const last = calls === Number(call);
  calls += 1;
  if (last && when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await run(signal);
  if (last) process.kill(process.pid, 'SIGKILL');
  return result;
});

const unlock = rawKey(keyBytes(SECRETS.before));
const store = await openObjectStore({ backend: killer(backend), url, unlock, clock, maintenance: false });
counting = true;
await WORK[work].run(store);
process.stdout.write(`${calls}\n`);
await store.close();
