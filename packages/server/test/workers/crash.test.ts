import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
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

/** Connections that ask for the health of a server. Resolves when all have ended. */
function askAll(url: string, count: number): Promise<unknown> {
  const { port } = new URL(url);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined).resume();
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      onTestFinished(() => void socket.destroy());
      await new Promise((resolve) => socket.once('close', resolve));
    }),
  );
}

it(
  'ends connections at once whose worker dies before it has taken them',
  async () => {
    const { pids, server } = await workerWorld({}, { trouble: 'hang' });
    for (const pid of pids.values()) process.kill(pid, 'SIGSTOP');
    const ended = askAll(server.url, 6);
    await sleep(200);
    for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
    const begun = performance.now();
    await ended;
    expect(performance.now() - begun).toBeLessThan(ANSWERED_WITHIN);
  },
  4 * PATIENCE,
);

it.skipIf(process.platform === 'win32')(
  'ends connections that a worker has no descriptor for, and prefers the others',
  async () => {
    const { pids, server, logged, client } = await workerWorld({}, { trouble: 'descriptors' });
    const [one = 0, other = 0] = pids.values();
    process.kill(one, 'SIGUSR2');
    await sleep(500);
    const begun = performance.now();
    await askAll(server.url, 6);
    expect(performance.now() - begun).toBeLessThan(ANSWERED_WITHIN);
    expect(logged.map(({ message }) => message)).toContain('worker 1 has no descriptor left');
    // Although it has the fewest connections.
    for (let n = 0; n < 4; n++) expect(await (await client()).has('k')).toBe(false);
    process.kill(other, 'SIGUSR2');
    await sleep(500);
    await askAll(server.url, 6);
    expect(performance.now() - begun).toBeLessThan(2 * ANSWERED_WITHIN);
  },
  4 * PATIENCE,
);
