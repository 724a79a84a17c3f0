import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteStore } from 'securestore';
import { SecureStoreError } from 'securestore';
import { expect, it } from 'vitest';
import { sized } from '../../../../tools/campaigns/src/size.ts';
import { PATIENCE, until, workerWorld } from '../support/worker-world.ts';

const CLIENTS = 8;
const KILLS = sized({ short: 1, full: 3, torture: 40 });
/**
 * How long a request may be without an answer after a worker has died, in milliseconds, on a machine that other tests use too: that it ends
 * is asked, and not how soon. One that waits for a dead worker ends only after a minute.
 */
const ANSWERED_WITHIN = 20_000;

/** What clients have stored, and how long the longest request took. */
class Load {
  readonly acknowledged = new Map<string, string>();
  readonly tried = new Map<string, string>();
  readonly stopped = new AbortController();
  longest = 0;
  lost = 0;

  async run(client: number, store: RemoteStore): Promise<void> {
    for (let n = 0; !this.stopped.signal.aborted; n++) {
      const [key, data] = [`client/${client}/${n % 10}`, String(n)];
      this.tried.set(key, data);
      const begun = performance.now();
      try {
        await store.store(key, data.padEnd(n % 50 === 0 ? 100_000 : 10));
        this.acknowledged.set(key, data);
      } catch (error) {
        // The outcome of what was under way is unknown.
        if (!SecureStoreError.is(error, 'UNAVAILABLE')) throw error;
        this.lost += 1;
      }
      this.longest = Math.max(this.longest, performance.now() - begun);
    }
  }
}

it(
  'kill -9 of workers under load loses nothing that was acknowledged, leaves no request unanswered, and they are replaced',
  async () => {
    const { client, pids, store } = await workerWorld();
    const load = new Load();
    const running = [];
    for (let n = 0; n < CLIENTS; n++) running.push(load.run(n, await client()));
    for (let kills = 0; kills < KILLS; kills++) {
      const before = load.acknowledged.size;
      await until('there is load', () => load.acknowledged.size > Math.min(before, 40));
      const number = 1 + (kills % 2);
      const pid = pids.get(number) ?? 0;
      process.kill(pid, 'SIGKILL');
      await until('the worker is replaced', () => pids.get(number) !== pid);
    }
    load.stopped.abort();
    await Promise.all(running);
    console.log(`the longest request took ${Math.round(load.longest)} ms; ${load.lost} had no known outcome`);
    expect(load.longest).toBeLessThan(ANSWERED_WITHIN);
    for (const [key, data] of load.acknowledged) {
      expect([data, load.tried.get(key)], key).toContain((await store.retrieve(key)).text().trimEnd());
    }
    expect((await store.verify()).ok).toBe(true);
  },
  4 * PATIENCE,
);

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
