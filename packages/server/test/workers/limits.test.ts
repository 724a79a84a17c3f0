import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { PATIENCE, until, workerWorld } from '../support/worker-world.ts';
import { sendTo } from '../support/world.ts';

const RAW = 'application/octet-stream';

/** Begins to store an object, and never ends; the request counts until it is destroyed. */
function hanging(port: number, token: string, key: string): ClientRequest {
  const headers = { authorization: `Bearer ${token}`, 'content-type': RAW };
  const asked = request({ port, method: 'PUT', path: `/v1/objects/${key}`, headers, agent: false });
  asked.on('error', () => undefined);
  asked.write('begun');
  onTestFinished(() => void asked.destroy());
  return asked;
}

/** Begins requests that never end, until there is no place left for another one. */
async function fill(port: number, token: string, status: () => Promise<number>): Promise<readonly ClientRequest[]> {
  const all: ClientRequest[] = [];
  await until('no place is left', async () => {
    if ((await status()) === 429) return true;
    // The place of the one that asked is free a moment after its answer, and one may be refused until then.
    all.push(hanging(port, token, `k${all.length}`));
    return false;
  });
  return all;
}

// T-SERVER-07
it(
  'are those of the server and not of each worker: requests at once of one caller',
  async () => {
    const { port, token } = await workerWorld({ limits: { concurrencyPerCaller: 4 } });
    const status = async (): Promise<number> => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status;
    const all = await fill(port, token, status);
    // At every worker: each request has a connection of its own.
    for (let n = 0; n < 4; n++) expect((await sendTo(port, 'GET', '/v1/exists/k', { token })).status).toBe(429);
    expect((await sendTo(port, 'GET', '/v1/store', { token })).status).toBe(429);
    for (const asked of all) asked.destroy();
    await until(
      'the places are free',
      async () => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status === 200,
    );
  },
  2 * PATIENCE,
);

it(
  'requests at once of all callers, and those of a worker that died are free again',
  async () => {
    const { port, token, pids } = await workerWorld({ limits: { concurrency: 4 } });
    const status = async (): Promise<number> => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status;
    await fill(port, token, status);
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
      Array.from({ length: 24 }, async () => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status),
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
