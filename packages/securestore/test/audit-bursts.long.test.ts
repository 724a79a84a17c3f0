import { describe, expect, test } from 'vitest';
import type { SecureStore, TrailEntry } from '../src/index.ts';
import { functionSink } from '../src/index.ts';
import { audited, storeUrlOf, reopen } from './support/audits.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const COUNT = 10_000;
/** More than the queue of a slow sink holds. */
const AT_SLOW = sized({ short: 2000, full: COUNT + 5000, torture: COUNT + 5000 });

async function logOf(url: string): Promise<TrailEntry[]> {
  const store = await reopen(url);
  return store.audit.entries({ entries: 100_000 });
}

/** How many entries about an action there are, and what the log says that it has lost. */
async function told(url: string): Promise<{ listed: number; read: number; lost: string[] }> {
  const log = await logOf(url);
  const count = (action: string): number => log.filter((entry) => entry.action === action).length;
  const lost = log.filter(({ action }) => action === 'audit.lost').map(({ reason }) => reason);
  return { listed: count('list'), read: count('read'), lost };
}

/** Many calls that are begun in one turn of the event loop. */
async function burst(store: SecureStore, count = COUNT): Promise<void> {
  const calls = Array.from({ length: count }, (_, index) => store.has(`k${index}`));
  expect((await Promise.all(calls)).every((found) => !found)).toBe(true);
}

describe('of many calls that begin in one turn none is missing in the log', () => {
  test('where it is being written', async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    await store.has('k');
    await burst(store);
    if (LONG) await burst(store);
    expect(store.audit.status.sinks).toMatchObject([{ lost: 0 }]);
    await store.close();
    expect(await told(url)).toEqual({ listed: (LONG ? 2 : 1) * COUNT + 1, read: 0, lost: [] });
  });

  test('where it has not begun yet, also on a sink that takes its time and holds little', async () => {
    const url = storeUrlOf();
    await (await audited(url)).close();
    let lines = 0;
    const slow = functionSink('slow', async (written) => {
      await new Promise((resolve) => void setTimeout(resolve, 5));
      lines += written.length;
    });
    const store = await reopen(url, { audit: { sinks: [{ sink: slow, queue: 500 }] } });
    await burst(store, COUNT + 5000);
    expect(store.audit.status.sinks).toMatchObject([{ lost: 0 }, { lost: 0 }]);
    await store.close();
    expect(lines).toBeGreaterThan(COUNT + 5000);
    expect(await told(url)).toEqual({ listed: COUNT + 5000, read: 0, lost: [] });
  });

  test.runIf(LONG)(onlyLong('also those that fail'), async () => {
    const url = storeUrlOf();
    const store = await audited(url);
    const calls = Array.from({ length: COUNT }, (_, index) => store.retrieve(`k${index}`));
    const ends = await Promise.allSettled(calls);
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
    await store.close();
    expect(await told(url)).toEqual({ listed: 0, read: COUNT, lost: [] });
  });
});

test('in fail-closed many calls that begin in one turn are all answered, and all in the log', async () => {
  const url = storeUrlOf();
  const slow = functionSink('slow', () => new Promise((resolve) => void setTimeout(resolve, 5)));
  const store = await audited(url, { mode: 'fail-closed', audit: { sinks: [{ sink: slow, queue: 500 }] } });
  await store.has('k');
  await burst(store, AT_SLOW);
  expect(store.audit.status.sinks).toMatchObject([{ lost: 0 }, { lost: 0 }]);
  await store.close();
  expect(await told(url)).toEqual({ listed: AT_SLOW + 1, read: 0, lost: [] });
});

test('in fail-closed calls that wait for their turn are refused where the sink fails meanwhile', async () => {
  let isBroken = false;
  const sink = functionSink('breakable', async () => {
    await new Promise((resolve) => void setTimeout(resolve, 5));
    if (isBroken) throw new Error('no room');
  });
  const store = await audited(storeUrlOf(), { mode: 'fail-closed', audit: { sinks: [{ sink, queue: 100 }] } });
  await store.has('k');
  const calls = Array.from({ length: 1000 }, (_, index) => store.has(`k${index}`));
  isBroken = true;
  const ends = await Promise.allSettled(calls);
  expect(ends.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(900);
  for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'UNAVAILABLE' });
  isBroken = false;
});

test('what waits to be recorded is, also where the store is closed meanwhile', async () => {
  const count = sized({ short: 2000, full: COUNT, torture: COUNT });
  const url = storeUrlOf();
  const store = await audited(url);
  await expect.poll(() => store.audit.status.sinks.length).toBe(1);
  const calls = burst(store, count);
  await store.close();
  await calls;
  expect(await told(url)).toEqual({ listed: count, read: 0, lost: [] });
});

test('calls that need others to end are not held up by them', async () => {
  const url = storeUrlOf();
  const store = await audited(url, { audit: { sinks: [{ sink: functionSink('small', () => {}), queue: 4 }] } });
  async function* source(index: number): AsyncGenerator<Buffer> {
    yield Buffer.from(String(await store.has(`nothing/${index}`)));
  }
  await Promise.all(Array.from({ length: 200 }, (_, index) => store.store(`k/${index}`, source(index))));
  expect(store.audit.status.sinks).toMatchObject([{ lost: 0 }, { lost: 0 }]);
});

test('a sink that hangs holds calls up no longer than it may take for a write, and loses what it has no room for', async () => {
  const url = storeUrlOf();
  const alerts: string[] = [];
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  const store = await audited(url, {
    audit: {
      sinks: [{ sink: functionSink('hanging', () => never), queue: 50, timeout: 300 }],
      onAlert: (alert) => void alerts.push(alert.event),
    },
  });
  await expect.poll(() => store.audit.status.sinks.length).toBe(2);
  await burst(store, 1000);
  const held = { state: 'hanging', queued: 50 };
  await expect.poll(() => store.audit.status.sinks).toMatchObject([{ state: 'ok', lost: 0 }, held]);
  const [, hanging] = store.audit.status.sinks;
  expect(hanging?.lost).toBeGreaterThan(900);
  expect(alerts).toContain('hanging');
  // The quickest of some, since any may be slow on a busy machine: one that is held up takes longer each time.
  const took: number[] = [];
  for (let at = 0; at < 10; at++) {
    const begun = performance.now();
    await store.has('k');
    took.push(performance.now() - begun);
  }
  expect(Math.min(...took)).toBeLessThan(250);
  end();
});
