import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SecureStoreError, createStore, rawKey } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { allowsWorkers, MAX_WORKERS, serve } from '../../src/index.ts';
import { isAlive, servingApart, tempFolder } from '../support/serving-apart.ts';
import { PATIENCE, storeWithAnn, until } from '../support/worker-world.ts';
import { workersOf } from '../support/workers-of.ts';
import { sendTo } from '../support/world.ts';

it.each([0, 1, -1, 1.5, MAX_WORKERS + 1, Number.NaN, '2'])('refuses %s workers', async (count) => {
  const { store, url } = await storeWithAnn();
  await expect(serve(store, { port: 0, workers: workersOf(url, count as number) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    option: 'workers',
    message: `the option "workers.count" must be a number from 2 to ${MAX_WORKERS}`,
  });
});

it('refuses workers at a backend that only one process can use', async () => {
  const url = `memory:${randomUUID()}`;
  const store = await createStore(url, { unlock: rawKey(Buffer.alloc(32, 9)), maintenance: false });
  onTestFinished(() => store.close());
  expect(allowsWorkers(store)).toBe(false);
  await expect(serve(store, { port: 0, workers: workersOf(url, 2) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'the backend memory can be used by one process only, so the server cannot have workers',
  });
});

it('refuses to be a worker of no server', async () => {
  const script = `import { serveAsWorker } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
    await serveAsWorker(() => Promise.reject(new Error('was asked to open'))).catch(({ code }) => console.log(code));`;
  const args = ['--conditions=@securestore/source', '--no-warnings', '--input-type=module', '-e', script];
  expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('INVALID_ARGUMENT\n');
});

it(
  'ends with a clear error if its workers cannot start',
  async () => {
    const { store, url } = await storeWithAnn();
    const options = { ...workersOf(url, 2, 'broken') };
    const server = await serve(store, { port: 0, console: false, workers: options });
    onTestFinished(() => server.close());
    await until('it has failed', () => server.failed.aborted);
    expect(SecureStoreError.is(server.failed.reason, 'UNAVAILABLE')).toBe(true);
    // Both are tried again after pauses, and either may be the first to have had its last turn.
    expect(server.failed.reason).toMatchObject({
      message: expect.stringMatching(/^worker [12] failed to start 5 times$/),
      retryable: false,
    });
  },
  3 * PATIENCE,
);

it(
  'ends with a clear error if the system starts no process for a worker',
  async () => {
    const { store, url } = await storeWithAnn();
    // Longer than the arguments of a process may be.
    const workers = workersOf(url, 2, 'x'.repeat(3_000_000));
    const server = await serve(store, { port: 0, console: false, workers });
    onTestFinished(() => server.close());
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await until('it has failed', () => server.failed.aborted);
    expect(server.failed.reason).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^worker [12] failed to start 5 times: cannot start a process: E2BIG$/),
    });
  },
  3 * PATIENCE,
);

it.skipIf(process.platform === 'win32')(
  'serves by its own process while there is no descriptor for a worker, and starts it later',
  async () => {
    const { store, url, token } = await storeWithAnn();
    await store.close();
    const temp = tempFolder();
    const { url: at, child, workers } = await servingApart(url, temp, { trouble: 'descriptors' });
    const [first = 0] = workers;
    // From now on the process of the server has no descriptor that is free, until it is told otherwise.
    const changed = (): Promise<unknown> => new Promise((resolve) => child.once('message', resolve));
    child.send('take');
    await changed();
    process.kill(first, 'SIGKILL');
    await until('the worker has ended', () => !isAlive(first));
    await sleep(1000);
    expect(workers).toHaveLength(2);
    child.send('give');
    await until('the worker is replaced', () => workers.length === 3);
    const { port } = new URL(at);
    expect((await sendTo(Number(port), 'GET', '/v1/store', { token })).status).toBe(200);
  },
  3 * PATIENCE,
);

it('says of a port that is taken, and of a folder in which there is no room for a socket, what is wrong', async () => {
  const { store, url } = await storeWithAnn();
  const taken = await serve(store, { port: 0, console: false });
  onTestFinished(() => taken.close());
  const port = Number(new URL(taken.url).port);
  await expect(serve(store, { port, console: false, workers: workersOf(url, 2) })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `cannot listen on 127.0.0.1, port ${port}: another program listens there`,
  });
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = '/nowhere';
  onTestFinished(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  await expect(serve(store, { port: 0, console: false, workers: workersOf(url, 2) })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    option: 'workers',
    message: 'cannot make a socket for the workers in /nowhere: ENOENT',
  });
});
