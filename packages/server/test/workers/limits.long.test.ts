import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { fill } from '../support/hanging.ts';
import { PATIENCE, until, workerWorld } from '../support/worker-world.ts';
import { sendTo } from '../support/world.ts';

// T-SERVER-07
it(
  'are those of the server and not of each worker: requests at once of all callers, and those of a worker that died are free again',
  async () => {
    const places = 4;
    const { port, token, pids } = await workerWorld({ limits: { concurrency: places } });
    const status = async (): Promise<number> => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status;
    await fill(port, token, places, status);
    for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
    await until('the places are free', async () => (await status().catch(() => 0)) === 200);
  },
  2 * PATIENCE,
);

it(
  'requests a second of one caller, and wrong credentials of one address',
  async () => {
    const { port, token } = await workerWorld({ limits: { ratePerCaller: 2, failuresPerAddress: 0.001 } });
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status),
    );
    const passed = statuses.filter((status) => status === 200).length;
    // A burst of four, and two for each second that the requests took.
    expect(passed).toBeGreaterThanOrEqual(4);
    expect(statuses).toContain(429);
    // One wrong token is looked at, whichever worker it comes to; the others of its address are not.
    const wrong = async (n: number): Promise<number> =>
      (await sendTo(port, 'GET', '/v1/exists/k', { token: `sst_wrong${n}` })).status;
    expect(await wrong(0)).toBe(401);
    await until('the failure is counted', async () => (await wrong(1)) === 429);
    for (let n = 2; n < 8; n++) expect(await wrong(n)).toBe(429);
    // A caller who is known is served all the same, at every worker and by its own process.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await sendTo(port, 'GET', '/v1/exists/k', { token })).status).toBe(200);
    expect((await sendTo(port, 'GET', '/v1/exists/k', { token })).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await sendTo(port, 'GET', '/v1/store', { token })).status).toBe(200);
  },
  2 * PATIENCE,
);

it(
  'connections of one address',
  async () => {
    const { port, token } = await workerWorld({ limits: { connectionsPerAddress: 6 } });
    const ended: number[] = [];
    const sockets = Array.from({ length: 9 }, (_, n) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined).on('close', () => ended.push(n));
      socket.resume();
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    await until('three are ended', () => ended.length === 3);
    for (const socket of sockets) socket.destroy();
    await until('all are closed', () => ended.length === 9);
    await until(
      'there is room again',
      async () => (await sendTo(port, 'GET', '/v1/exists/k', { token }).catch(() => undefined))?.status === 200,
    );
    const metrics = (await sendTo(port, 'GET', '/metrics', { token })).body.toString();
    expect(metrics).toMatch(/^securestore_server_refused_total\{reason="address"\} [3-9]$/m);
  },
  2 * PATIENCE,
);
