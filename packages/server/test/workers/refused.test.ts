import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { SecureStoreError, createStore, rawKey } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { allowsWorkers, MAX_WORKERS, serve } from '../../src/index.ts';
import { PATIENCE, storeWithAnn, until } from '../support/worker-world.ts';
import { workersOf } from '../support/workers-of.ts';

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
    expect(server.failed.reason).toMatchObject({ message: 'worker 1 failed to start 5 times', retryable: false });
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
