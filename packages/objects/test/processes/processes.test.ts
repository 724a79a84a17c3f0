import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Place } from '../support/places.ts';
import { PLACES } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';
import type { WorkerProcess } from './worker-process.ts';
import { startProcess } from './worker-process.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
const PROCESSES = sized({ short: 2, full: 5, torture: 8 });

function start(place: Place, job: string, name: string, count = 0): WorkerProcess {
  return startProcess(WORKER, [place.url, job, name, String(count)]);
}

const onDisk = PLACES.filter(([name]) => name === 'sqlite' || (LONG && name === 'file'));

describe.each(onDisk)('processes over %s', (_name, make) => {
  it('increment one counter exactly', { timeout: 600_000 }, async () => {
    const each = sized({ short: 8, full: 25, torture: 1000 });
    const place = usePlace(make);
    const store = await createAt(place);
    await store.store('counter', '0');
    const workers = Array.from({ length: PROCESSES }, (_, index) => start(place, 'increment', `p${index}`, each));
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(workers.map(() => 0));
    expect((await store.retrieve('counter')).json()).toBe(PROCESSES * each);
    expect(await store.history('counter')).toHaveLength(PROCESSES * each + 1);
  });

  it('write one key without ever meeting a CONFLICT', { timeout: 600_000 }, async () => {
    const each = sized({ short: 5, full: 10, torture: 300 });
    const place = usePlace(make);
    const store = await createAt(place);
    const workers = Array.from({ length: PROCESSES }, (_, index) => start(place, 'overwrite', `p${index}`, each));
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(workers.map(() => 0));
    const acknowledged = workers.flatMap(({ lines }) => lines.filter((line) => line !== 'open' && line !== 'done'));
    const history = await store.history('shared');
    expect(history.map(({ version }) => version).toSorted()).toEqual(acknowledged.toSorted());
  });

  it('killed at any moment leave every acknowledged write, and nothing torn', { timeout: 1_800_000 }, async () => {
    const kills = sized({ short: 1, full: 3, torture: 200 });
    const place = usePlace(make);
    await createAt(place).then((store) => store.close());
    for (let kill = 0; kill < kills; kill++) {
      const workers = [start(place, 'write', `${kill}/a`), start(place, 'write', `${kill}/b`)];
      await Promise.all(workers.map(({ opened }) => opened));
      await sleep(randomInt(5, 150));
      for (const { child } of workers) child.kill('SIGKILL');
      expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(['SIGKILL', 'SIGKILL']);
      await checkAfter(place, kill, workers);
    }
  });
});

/** Every value is whole, no older than its last acknowledgement and at most one write newer. */
async function checkAfter(place: Place, kill: number, workers: readonly WorkerProcess[]): Promise<void> {
  const store = await openAt(place);
  const acknowledged = new Map<string, number>();
  for (const { lines } of workers) {
    for (const line of lines.slice(1)) {
      const [key = '', round] = line.split(' ');
      acknowledged.set(key, Number(round));
    }
  }
  for (const [key, round] of acknowledged) {
    const { data, metadata } = await store.retrieve<{ round: number }>(key);
    expect([round, round + 1], key).toContain(metadata.round);
    expectWhole(data, metadata.round);
    const history = await store.history(key);
    expect(history.filter(({ deleted }) => !deleted).length).toBeGreaterThanOrEqual(metadata.round);
    for (const { version } of history.slice(0, 3)) {
      const old = await store.retrieve<{ round: number }>(key, { version });
      expectWhole(old.data, old.metadata.round);
    }
  }
  for await (const info of store.entries(`${kill}/`)) expect(info.version).toBeTypeOf('string');
  await store.close();
}

function expectWhole(data: Uint8Array, round: number): void {
  const size = round % 5 === 0 ? 100_000 : 20;
  expect(Buffer.from(data).toString()).toBe(`${round}:`.padEnd(size, `${round % 10}`));
}
