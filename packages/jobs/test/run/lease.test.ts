import { describe, expect, it } from 'vitest';
import { counting, kindOf } from '../support/kinds.ts';
import { outcomeOf } from '../support/outcome.ts';
import type { World } from '../support/world.ts';
import { createWorld } from '../support/world.ts';

const TEN = { to: 10, every: 1000 };
const HUNDRED = { to: 100, every: 1000 };

/** A job that does nothing for so long. */
function idling(milliseconds: number): ReturnType<typeof kindOf<string>> {
  return kindOf(async ({ clock, signal }) => {
    await clock.sleep(milliseconds, signal);
    return 'slept';
  });
}

/** Starts a job in a process that is then dead: it never reaches the storage again. */
async function startAndDie({ clock, process }: World, after: number): Promise<void> {
  const { jobs, connection } = process();
  const job = jobs.start(counting(), TEN);
  void outcomeOf(job);
  await clock.pass(after);
  connection.cut();
}

describe.each([
  ['tells its time', true],
  ['does not tell its time', false],
])('over a backend that %s', (_what, tellsTime) => {
  it('a job whose process died is taken over within 16 s, from its cursor', async () => {
    const world = createWorld(tellsTime);
    const { clock, process } = world;
    await startAndDie(world, 3500);
    const next = process().jobs.start(counting(), TEN);
    await clock.pass(13_000);
    expect(await process().jobs.list()).toMatchObject([{ state: 'running', progress: { done: 3 } }]);
    await clock.pass(3000 + 7000);
    expect(await next).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });

  it('a living job is never taken over, whatever it does', async () => {
    const { clock, process } = createWorld(tellsTime);
    const job = process().jobs.start(idling(120_000), null);
    const others: string[] = [];
    for (let seconds = 0; seconds < 120; seconds += 10) {
      const other = outcomeOf(process().jobs.resume([idling(1)], 'test'));
      await clock.pass(10_000);
      others.push(await other);
    }
    expect(new Set(others)).toEqual(new Set(['LOCKED']));
    await clock.pass(1000);
    expect(await job).toBe('slept');
  });

  it('a list tells the dead from the living once it can', async () => {
    const world = createWorld(tellsTime);
    const { clock, process } = world;
    await startAndDie(world, 1500);
    const living = process().jobs.start(idling(60_000), null);
    void outcomeOf(living);
    const { jobs } = process();
    const states = async (): Promise<unknown> => (await jobs.list()).map(({ kind, state }) => [kind, state]);
    expect(await states()).toEqual([
      ['count', 'running'],
      ['test', 'running'],
    ]);
    await clock.pass(16_000);
    expect(await states()).toEqual([
      ['count', 'interrupted'],
      ['test', 'running'],
    ]);
  });

  it('a job that died while it was being cancelled can be taken over too', async () => {
    const world = createWorld(tellsTime);
    const { clock, process } = world;
    await startAndDie(world, 1500);
    const { jobs } = process();
    await jobs.cancel('count');
    expect(await jobs.list()).toMatchObject([{ state: 'cancelling' }]);
    const next = jobs.resume([counting()], 'count');
    await clock.pass(30_000);
    expect(await next).toHaveLength(9);
  });
});

it('the state is rewritten at least every 5 s, and hardly more often without anything to save', async () => {
  const { clock, storage, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(idling(60_000), null);
  let last = storage.entries.get('test');
  for (let seconds = 0; seconds < 55; seconds += 5) {
    await clock.pass(5000);
    expect(storage.entries.get('test')?.etag).not.toBe(last?.etag);
    last = storage.entries.get('test');
  }
  await clock.pass(6000);
  expect(await job).toBe('slept');
  expect(connection.calls.filter((call) => call === 'write').length).toBeLessThanOrEqual(16);
});

it('a cursor is written about once a second however often it is saved, and at once where that is asked for', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(counting(), { to: 1000, every: 10 });
  await clock.pass(11_000, 10);
  expect(await job).toHaveLength(1000);
  const writes = connection.calls.filter((call) => call === 'write').length;
  expect(writes).toBeGreaterThanOrEqual(9);
  expect(writes).toBeLessThanOrEqual(12);
  const before = connection.calls.length;
  await jobs.start(
    kindOf(async ({ save }) => {
      for (let cursor = 0; cursor < 5; cursor++) await save(cursor, { now: true });
    }),
    null,
  );
  expect(connection.calls.slice(before)).toEqual(['write', 'write', 'write', 'write', 'write', 'write', 'remove']);
});

it('many saves at once are one write after the one under way', async () => {
  const { process } = createWorld();
  const { jobs, connection } = process();
  await jobs.start(
    kindOf(async ({ save }) => {
      await Promise.all(Array.from({ length: 50 }, (_, cursor) => save(cursor, { now: true })));
    }),
    null,
  );
  expect(connection.calls.filter((call) => call === 'write').length).toBeLessThanOrEqual(3);
});

it('a backend that is away for a minute stops no job', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(counting(), HUNDRED);
  await clock.pass(10_000);
  connection.fault = () => 'unavailable';
  await clock.pass(60_000);
  connection.mend();
  await clock.pass(35_000);
  expect(await job).toHaveLength(100);
});

it('a save that takes effect is done although every answer to it is lost', async () => {
  const { process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(
    kindOf(async ({ save }) => {
      connection.fault = (call) => (call === 'write' ? 'done unknown' : undefined);
      await save('here', { now: true });
      connection.mend();
      return connection.calls.join(' ');
    }),
    null,
  );
  expect(await job).toBe('write write read');
});

it('a conflict with nobody stops no job', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(idling(30_000), null);
  await clock.pass(1000);
  connection.fault = (call) => (call === 'write' ? 'conflict' : undefined);
  await clock.pass(10_000);
  connection.mend();
  await clock.pass(20_000);
  expect(await job).toBe('slept');
});

it('a conflict with nobody is UNAVAILABLE where the state must be written now', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(
    kindOf(async ({ save }) => {
      connection.fault = (call) => (call === 'write' ? 'conflict' : undefined);
      await save('here', { now: true }).finally(() => connection.mend());
    }),
    null,
  );
  void outcomeOf(job);
  await clock.pass(6000);
  await expect(job).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('job test') as unknown,
  });
});

it('a save that must be written now says where it could not be', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const job = jobs.start(
    kindOf(async ({ save }) => {
      connection.fault = () => 'unavailable';
      await save('this', { now: true });
    }),
    null,
  );
  expect(await outcomeOf(job)).toBe('UNAVAILABLE');
  connection.mend();
  const next = jobs.resume([kindOf(async ({ cursor }) => cursor)], 'test');
  await clock.pass(17_000);
  // Nothing could be written when the job failed either.
  expect(await next).toBe(undefined);
});

it('a refusal that will not go away stops the job', async () => {
  const { clock, process } = createWorld();
  const { jobs, connection } = process();
  const end = outcomeOf(jobs.start(counting(), HUNDRED));
  await clock.pass(2000);
  connection.fault = () => 'denied';
  await clock.pass(6000);
  expect(await end).toBe('ACCESS_DENIED');
});

it('a run that was cut off long enough loses its lease to another, and stops', async () => {
  const world = createWorld();
  const { clock, process } = world;
  const first = process();
  const slept = first.jobs.start(counting(), HUNDRED);
  const end = outcomeOf(slept);
  await clock.pass(3500);
  first.connection.cut();
  const next = process().jobs.start(counting(), HUNDRED);
  await clock.pass(20_000);
  first.connection.mend();
  await clock.pass(12_000);
  expect(await end).toBe('LOCKED');
  await expect(slept).rejects.toMatchObject({
    message: 'job count was taken over by another process: its lease had expired',
    reason: 'job-lost',
    advice: [{ id: 'wait-for-job', job: 'count' }],
  });
  await clock.pass(100_000);
  expect(await next).toHaveLength(97);
});

it('a run whose state was removed stops', async () => {
  const { clock, storage, process } = createWorld();
  const job = process().jobs.start(counting(), HUNDRED);
  const end = outcomeOf(job);
  await clock.pass(3500);
  storage.entries.clear();
  await clock.pass(3000);
  expect(await end).toBe('CONFLICT');
  await expect(job).rejects.toMatchObject({
    message: 'the state of job count was removed while the job ran',
    advice: [{ id: 'start-job-again', job: 'count' }],
  });
  expect(storage.entries.size).toBe(0);
});

describe('cancelling', () => {
  it('reaches a run in another process with its next renewal', async () => {
    const { clock, process } = createWorld();
    const end = outcomeOf(process().jobs.start(idling(60_000), null));
    await clock.pass(1500);
    const { jobs } = process();
    await jobs.cancel('test');
    expect(await jobs.list()).toMatchObject([{ state: 'cancelling' }]);
    await jobs.cancel('test');
    await clock.pass(5000);
    expect(await end).toBe('ABORTED');
    expect(await jobs.list()).toMatchObject([{ state: 'interrupted', error: 'ABORTED' }]);
    await jobs.cancel('test');
  });

  it('reaches a run in this process at once', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const end = outcomeOf(jobs.start(idling(60_000), null));
    await clock.pass(100);
    await jobs.cancel('test');
    expect(await end).toBe('ABORTED');
  });

  it('keeps the lease until the work has stopped', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const job = jobs.start(
      kindOf(async ({ clock: time, signal }) => {
        await time.sleep(30_000);
        signal.throwIfAborted();
      }),
      null,
    );
    const end = outcomeOf(job);
    await clock.pass(1000);
    job.cancel();
    await clock.pass(20_000);
    const other = outcomeOf(process().jobs.resume([idling(1)], 'test'));
    await clock.pass(6000);
    expect(await other).toBe('LOCKED');
    await clock.pass(5000);
    expect(await end).toBe('ABORTED');
  });

  it('is NOT_FOUND where there is nothing', async () => {
    const { process } = createWorld();
    await expect(process().jobs.cancel('count')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('forgetting', () => {
  it('removes a job that nobody runs', async () => {
    const world = createWorld();
    const { clock, storage, process } = world;
    await startAndDie(world, 2500);
    const forgotten = process().jobs.forget('count');
    await clock.pass(17_000);
    await forgotten;
    expect(storage.entries.size).toBe(0);
    await expect(process().jobs.forget('count')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is LOCKED where somebody runs it, here or elsewhere', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const job = jobs.start(counting(), TEN);
    await clock.pass(100);
    await expect(jobs.forget('count')).rejects.toMatchObject({ code: 'LOCKED' });
    const refused = expect(process().jobs.forget('count')).rejects.toMatchObject({ code: 'LOCKED' });
    await clock.pass(6000);
    await refused;
    await clock.pass(5000);
    expect(await job).toHaveLength(10);
  });
});
