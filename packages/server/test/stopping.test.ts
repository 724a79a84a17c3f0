import { connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'node:http';
import { openRemoteStore } from '@securestore/client';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../jobs/test/support/clock.ts';
import { serve } from '../src/index.ts';
import type { World } from './support/world.ts';
import { EVERYTHING, world } from './support/world.ts';

interface Upload {
  readonly write: (text: string) => void;
  readonly end: () => void;
  readonly answered: Promise<number>;
}

/** A request that is under way. */
async function upload({ port, send }: World, token: string): Promise<Upload> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/octet-stream',
    'transfer-encoding': 'chunked',
  };
  const asked = request({ host: '127.0.0.1', port, method: 'PUT', path: '/v1/objects/k', headers });
  const answered = new Promise<number>((resolve) => {
    asked.on('response', (answer) => resolve(answer.resume().statusCode ?? 0));
    asked.on('error', () => resolve(0));
  });
  asked.write('begun ');
  await once(asked, 'socket');
  // Both are at the server by the time that another one was answered.
  await send('GET', '/v1/store', { token });
  return { write: (text) => void asked.write(text), end: () => void asked.end('and ended'), answered };
}

describe('a server that stops', () => {
  it('lets what is under way end, and takes nothing more', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const { end, answered } = await upload(here, token);
    const closing = here.server.close();
    let refused = false;
    while (!refused)
      refused = await here.send('GET', '/healthz').then(
        ({ status }) => status === 503,
        () => true,
      );
    end();
    expect(await answered).toBe(200);
    await closing;
    expect((await here.store.retrieve('k')).text()).toBe('begun and ended');
  });

  it('waits for nobody longer than it may', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { leastRate: 0 } }, { clock });
    const token = await here.somebody('ann', EVERYTHING);
    const { answered } = await upload(here, token);
    const closing = here.server.close();
    await clock.pass(31_000, 1000);
    expect(await answered).toBe(0);
    await closing;
    expect(await here.store.has('k')).toBe(false);
  });

  it('leaves jobs to the next one', async () => {
    const here = await world();
    const { store } = here;
    await store.storeMany(Array.from({ length: 30 }, (_, n) => ({ key: `k/${n}`, data: 'x' })));
    const token = await here.somebody('ann', EVERYTHING);
    const remote = await openRemoteStore(here.server.url, { credentials: { token } });
    const job = remote.checkpoint();
    const ended = job.then(
      () => 'done',
      (error: { code: string; outcome?: string }) => `${error.code} ${error.outcome}`,
    );
    await job.progress[Symbol.asyncIterator]().next();
    await here.server.close();
    expect(['UNAVAILABLE unknown', 'done']).toContain(await ended);
    await remote.close();
    // The job goes on in the store, which is open still.
    while ((await store.jobs.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await store.verify({ payloads: true })).ok).toBe(true);
  });
});

describe('a peer that is slow', () => {
  // T-SERVER-06
  it('in sending is cut, and one that is fast enough is not', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { leastRate: 1 } }, { clock });
    const token = await here.somebody('ann', EVERYTHING);
    const slow = await upload(here, token);
    await clock.pass(10_000, 1000);
    expect(await slow.answered).toBe(0);
    const fast = await upload(here, token);
    for (let n = 0; n < 3; n++) {
      fast.write('x'.repeat(100));
      await here.send('GET', '/healthz');
      await clock.pass(5000, 1000);
    }
    fast.end();
    expect(await fast.answered).toBe(200);
  });

  it('is none that has only begun when it is looked at', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { leastRate: 1 } }, { clock });
    const token = await here.somebody('ann', EVERYTHING);
    await clock.pass(4900, 100);
    const young = await upload(here, token);
    await clock.pass(300, 100);
    young.end();
    expect(await young.answered).toBe(200);
  });

  it('in taking is cut', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { leastRate: 1 } }, { clock });
    await here.store.store('large', Buffer.alloc(50 * 1024 * 1024));
    const token = await here.somebody('ann', EVERYTHING);
    const socket = connect(here.port, '127.0.0.1');
    socket.write(`GET /v1/objects/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await once(socket, 'readable');
    // It takes nothing any more, and is cut some time after its buffers and those on the way are full.
    socket.pause();
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    let running = '';
    while (!running.includes('securestore_server_requests_running 1\n')) {
      await clock.pass(5000, 5000);
      running = (await here.send('GET', '/metrics', { token })).body.toString();
    }
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeLessThan(50 * 1024 * 1024);
  });
});

describe('metrics', () => {
  it('are of the store and of the requests, without names', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    await here.send('GET', '/v1/objects/canary', { token });
    const { status, headers, body } = await here.send('GET', '/metrics', { token });
    const text = body.toString();
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toContain('securestore_server_requests_total{route="GET /v1/objects/{key}",status="404"} 1');
    expect(text).toContain('securestore_server_requests_running 1');
    expect(text).toContain('securestore_health_status{');
    expect(text).not.toContain('canary');
    const reader = await here.somebody('ben', [{ effect: 'allow', actions: ['read'] }]);
    expect((await here.send('GET', '/metrics', { token: reader })).status).toBe(403);
  });
});

describe('a server that starts', () => {
  it('may leave unfinished jobs alone', async () => {
    const here = await world();
    const again = await serve(here.store, { port: 0, resumeJobs: false });
    expect((await fetch(`${again.url}/healthz`)).status).toBe(200);
    await again.close();
  });
});
