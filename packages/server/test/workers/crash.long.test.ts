import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { ANSWERED_WITHIN } from './suite/crash.ts';
import { PATIENCE, until, workerWorld } from '../support/worker-world.ts';

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
    const begun = performance.now();
    await until('a worker has no descriptor left', async () => {
      await askAll(server.url, 6);
      return logged.some(({ message }) => message === 'worker 1 has no descriptor left');
    });
    expect(performance.now() - begun).toBeLessThan(ANSWERED_WITHIN);
    // Although it has the fewest connections.
    for (let n = 0; n < 4; n++) expect(await (await client()).has('k')).toBe(false);
    process.kill(other, 'SIGUSR2');
    await sleep(500);
    await askAll(server.url, 6);
    expect(performance.now() - begun).toBeLessThan(2 * ANSWERED_WITHIN);
  },
  4 * PATIENCE,
);
