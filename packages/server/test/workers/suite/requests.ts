import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteStore } from 'securestore';
import { addPrincipal, disablePrincipal, grantRole, removeRole, SecureStoreError, setRole } from 'securestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EVERYTHING } from '../../support/world.ts';
import type { WorkerWorld } from '../../support/worker-world.ts';
import { until } from '../../support/worker-world.ts';

const CLIENTS = 8;
/** How long a process that reads the store may see an older policy, in milliseconds. */
const FRESHNESS_BOUND = 5000;

/** How long the answer to a change waits for workers to look at it, in milliseconds, less what a timer may be early. */
const REFRESH_WITHIN = 990;

/** Makes a change that all workers have seen when it is answered. Only if one was late, it may take until the bound. */
async function seenByWorkers(change: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await change();
  if (performance.now() - begun >= REFRESH_WITHIN) await sleep(FRESHNESS_BOUND);
}

/** The error that a call ends with, by its code. */
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (SecureStoreError.is(error) ? error.code : 'another'),
  );

/** Clients whose connections are at both workers: each connection goes to the worker that has the fewest. */
async function clientsOf({ client }: WorkerWorld, token?: string): Promise<RemoteStore[]> {
  const all: RemoteStore[] = [];
  for (let n = 0; n < CLIENTS; n++) all.push(await client(token));
  return all;
}

/** The sum of a metric of the server, over all lines that match. */
async function measuredAt({ server, token }: WorkerWorld, lines: RegExp): Promise<number> {
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const counts = (await answer.text()).split('\n').filter((line) => lines.test(line));
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** The tests of a server with two workers that behaves as one process does. */
export function describeRequests(world: () => WorkerWorld): void {
  describe('requests', () => {
    it('answers requests about objects, and forwards all others', async () => {
      const [one, other] = await clientsOf(world());
      await one?.store('a', 'first');
      expect((await other?.retrieve('a'))?.text()).toBe('first');
      expect(await other?.list('a')).toEqual(['a']);
      expect((await one?.access.policy())?.principals).toMatchObject([{ name: 'ann' }]);
      expect((await other?.verify())?.ok).toBe(true);
    });

    it('counts exactly: of eight clients that increment one number, every increment is there once', async () => {
      const all = await clientsOf(world());
      await all[0]?.store('counter', '0');
      let acknowledged = 0;
      const increment = async (store: RemoteStore): Promise<void> => {
        for (let done = 0; done < 5;) {
          const { info, json } = await store
            .retrieve('counter')
            .then((found) => ({ info: found.info, json: found.json<number>() }));
          const code = await codeOf(store.store('counter', String(json + 1), { ifVersion: info.version }));
          if (code === 'none') acknowledged += 1;
          else expect(code).toBe('CONFLICT');
          if (code === 'none') done += 1;
        }
      };
      await Promise.all(all.map(increment));
      expect(acknowledged).toBe(CLIENTS * 5);
      expect((await all[0]?.retrieve('counter'))?.json()).toBe(acknowledged);
    });

    it('sums the metrics of all its processes', async () => {
      const requests = /^securestore_server_requests_total\{route="PUT \/v1\/objects\/\{key\}"/;
      const sent = /^securestore_backend_io_bytes_total\{.*network_io_direction="transmit"/;
      const before = { requests: await measuredAt(world(), requests), sent: await measuredAt(world(), sent) };
      await Promise.all(
        (await clientsOf(world())).map((store, at) => store.store(`metrics/${at}`, 'x'.repeat(10_000))),
      );
      expect(await measuredAt(world(), requests)).toBe(before.requests + CLIENTS);
      expect((await measuredAt(world(), sent)) - before.sent).toBeGreaterThan(CLIENTS * 10_000);
    });

    it('applies a change of the policy, and a revocation, in all workers before it answers', async () => {
      const { client, store } = world();
      const officer = await client();
      await officer.access.change([addPrincipal('ben', 'user'), setRole('some', EVERYTHING), grantRole('ben', 'some')]);
      const { token, id } = await store.access.createToken('ben');
      // The tokens are made in this process, whose changes others see within five seconds.
      const deadline = performance.now() + 20_000;
      const benClient = (): Promise<RemoteStore> =>
        client(token).catch((error: unknown) => {
          if (performance.now() > deadline) throw error;
          return benClient();
        });
      const bens = [await benClient()];
      for (let n = 1; n < CLIENTS; n++) bens.push(await benClient());
      await Promise.all(bens.map((ben, at) => ben.store(`ben/${at}`, 'x')));
      await seenByWorkers(() => officer.access.change(removeRole('some')));
      expect(await Promise.all(bens.map((ben, at) => codeOf(ben.store(`ben/${at}`, 'y'))))).toEqual(
        bens.map(() => 'ACCESS_DENIED'),
      );
      await seenByWorkers(() => officer.access.change([setRole('some', EVERYTHING), grantRole('ben', 'some')]));
      expect(await Promise.all(bens.map((ben, at) => codeOf(ben.store(`ben/${at}`, 'y'))))).toEqual(
        bens.map(() => 'none'),
      );
      await seenByWorkers(() => officer.access.revokeToken(id));
      expect(await Promise.all(bens.map((ben) => codeOf(ben.has('ben/0'))))).toEqual(bens.map(() => 'UNAUTHENTICATED'));
      await officer.access.change(disablePrincipal('ben', true));
    });

    it('honours a revocation of another process in all workers within five seconds', async () => {
      const { client, store } = world();
      const officer = await client();
      await officer.access.change([addPrincipal('cid', 'user'), grantRole('cid', 'all')]);
      const { token, id } = await officer.access.createToken('cid');
      const cids = [await client(token), await client(token), await client(token), await client(token)];
      expect(await Promise.all(cids.map((cid) => codeOf(cid.has('a'))))).toEqual(cids.map(() => 'none'));
      // The store of this process, and not over the server: for the workers it is another process.
      await store.access.revokeToken(id);
      const revoked = performance.now();
      // The bound is for when the last honoured request began: a busy machine may answer it later.
      const held = await Promise.all(
        cids.map(async (cid) => {
          for (let last = revoked; ;) {
            const begun = performance.now();
            const code = await codeOf(cid.has('a'));
            if (code === 'UNAUTHENTICATED') return last - revoked;
            if (begun - revoked > 60_000) return begun - revoked;
            if (code === 'none') last = begun;
            await sleep(100);
          }
        }),
      );
      console.log(
        `a revoked token counted for ${held.map((ms) => `${Math.round(ms)} ms`).join(', ')}; the bound is ${FRESHNESS_BOUND} ms`,
      );
      expect(Math.max(...held)).toBeLessThan(FRESHNESS_BOUND);
    });

    it('has each job once, whichever connection asks, and its starter may stop it', async () => {
      const { client } = world();
      const [one, other] = [await client(), await client()];
      await Promise.all(Array.from({ length: 20 }, (_, n) => one.store(`jobs/${n}`, 'x'.repeat(100))));
      const job = one.scrub({ rate: 100 });
      const outcome = job.catch((error: unknown) => error);
      // A client that is closed waits for its jobs.
      onTestFinished(() => job.cancel());
      await until('the job has its lease', async () => (await other.jobs.list()).length > 0);
      expect((await other.jobs.list()).map(({ kind }) => kind)).toEqual(['scrub']);
      expect(await codeOf(Promise.resolve(other.scrub()))).toBe('LOCKED');
      await other.jobs.cancel(job.id);
      expect(await outcome).toMatchObject({ code: 'ABORTED' });
    });
  });
}
