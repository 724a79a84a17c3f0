import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ANSWERED_WITHIN } from './suite/crash.ts';
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

it(
  'ends connections at once whose worker dies before it has taken them',
  async () => {
    const { pids, server } = await workerWorld({}, { trouble: 'hang' });
    const { port } = new URL(server.url);
    for (const pid of pids.values()) process.kill(pid, 'SIGSTOP');
    const sockets = Array.from({ length: 6 }, () => connect(Number(port), '127.0.0.1'));
    const ended = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => undefined).once('close', () => resolve());
          socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
          socket.resume();
        }),
    );
    await sleep(200);
    for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
    const begun = performance.now();
    await Promise.all(ended);
    expect(performance.now() - begun).toBeLessThan(ANSWERED_WITHIN);
  },
  4 * PATIENCE,
);
