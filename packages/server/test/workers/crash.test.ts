import { expect, it } from 'vitest';
import { PATIENCE, until, workerWorld } from '../support/worker-world.ts';

it(
  'ends and replaces a worker that stands still, and serves meanwhile',
  async () => {
    const { client, pids, server, logged } = await workerWorld({}, { trouble: 'hang' });
    const clients = [await client(), await client(), await client(), await client()];
    const pid = pids.get(1) ?? 0;
    process.kill(pid, 'SIGUSR2');
    // Those whose connections the other worker has are answered at once.
    const answered = await Promise.all(
      clients.map((store, at) =>
        store.store(`k/${at}`, 'x').then(
          () => true,
          () => false,
        ),
      ),
    );
    expect(answered).toContain(true);
    await until('the worker is replaced', () => pids.get(1) !== pid);
    expect(logged.some(({ message }) => message === 'worker 1 gives no sign of life and is ended')).toBe(true);
    const again = await client();
    await again.store('after', 'x');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  },
  4 * PATIENCE,
);

it(
  'serves by its own process while no worker can',
  async () => {
    const { client, pids, logged } = await workerWorld();
    for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
    const ended = /^worker \d has ended and is replaced/;
    await until('both have ended', () => logged.filter(({ message }) => ended.test(message)).length === 2);
    const store = await client();
    await store.store('k', 'v');
    expect((await store.retrieve('k')).text()).toBe('v');
  },
  4 * PATIENCE,
);
