import { expect, it } from 'vitest';
import { sized } from '../../../../../tools/campaigns/src/size.ts';
import { Load } from '../../support/load.ts';
import type { WorkerWorld } from '../../support/worker-world.ts';
import { PATIENCE, until } from '../../support/worker-world.ts';

/** Clients that store objects at once. */
export const CLIENTS = 8;
const KILLS = sized({ short: 1, full: 2, torture: 40 });
/** How many objects are acknowledged before something is killed. */
export const BEFORE_KILL = 40;
/**
 * How long a request may be without an answer after a process has died, in milliseconds, on a machine that other tests use too: that it ends
 * is asked, and not how soon. One that waits for a dead worker ends only after a minute.
 */
export const ANSWERED_WITHIN = 20_000;

/** The test of what a server with two workers does when its workers are killed. */
export function describeCrashes(world: () => WorkerWorld): void {
  it(
    'kill -9 of workers under load loses nothing that was acknowledged, leaves no request unanswered, and they are replaced',
    async () => {
      const { client, pids, store } = world();
      const load = new Load();
      const running = [];
      for (let n = 0; n < CLIENTS; n++) running.push(load.run(n, await client()));
      for (let kills = 0; kills < KILLS; kills++) {
        const wanted = load.count + BEFORE_KILL;
        await until('there is load', () => load.count >= wanted);
        const number = 1 + (kills % 2);
        const pid = pids.get(number) ?? 0;
        process.kill(pid, 'SIGKILL');
        const atKill = load.count;
        await until('requests are acknowledged all the same', () => load.count >= atKill + CLIENTS);
        // While a process starts, it needs the processor more than the load does.
        load.pause = 20;
        await until('the worker is replaced', () => pids.get(number) !== pid);
        load.pause = 0;
      }
      load.stop();
      await Promise.all(running);
      console.log(`the longest request took ${Math.round(load.longest)} ms; ${load.lost} had no known outcome`);
      expect(load.longest).toBeLessThan(ANSWERED_WITHIN);
      await load.expectAllIn(store);
      expect((await store.verify()).ok).toBe(true);
    },
    4 * PATIENCE,
  );
}
