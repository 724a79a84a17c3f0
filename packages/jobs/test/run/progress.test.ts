import { describe, expect, it } from 'vitest';
import type { Job, JobContext, JobProgress } from '../../src/index.ts';
import type { FakeClock } from '../support/clock.ts';
import { kindOf } from '../support/kinds.ts';
import { outcomeOf } from '../support/outcome.ts';
import { createWorld } from '../support/world.ts';

interface Opened {
  readonly clock: FakeClock;
  readonly job: Job<string>;
  readonly context: JobContext<null>;
  /** Ends the work. */
  readonly finish: () => void;
}

/** A job whose work the test does itself. */
async function open(): Promise<Opened> {
  const { clock, process } = createWorld();
  const started = Promise.withResolvers<JobContext<null>>();
  const work = Promise.withResolvers<string>();
  const kind = kindOf((context) => {
    started.resolve(context);
    return work.promise;
  });
  const job = process().jobs.start(kind, null);
  return { clock, job, context: await started.promise, finish: () => work.resolve('report') };
}

/** Reads on in the background; `seen` grows. */
function follow(job: Job<unknown>, each: () => Promise<void> = async () => undefined): JobProgress[] {
  const seen: JobProgress[] = [];
  const read = async (): Promise<void> => {
    for await (const progress of job.progress) {
      seen.push(progress);
      await each();
    }
  };
  void read();
  return seen;
}

async function latest({ progress }: Job<unknown>): Promise<JobProgress | undefined> {
  for await (const value of progress) return value;
  return undefined;
}

function counts(seen: JobProgress[]): number[] {
  return seen.map(({ done }) => done);
}

describe('the progress of a job', () => {
  it('is there before the job runs', async () => {
    const { process } = createWorld();
    const job = process().jobs.start(
      kindOf(async () => 1),
      null,
    );
    expect(await latest(job)).toEqual({ phase: 'waiting', done: 0, bytes: 0, rate: 0 });
    await job;
  });

  it('adds up, and begins again with each phase', async () => {
    const { job, context, finish } = await open();
    expect(await latest(job)).toEqual({ phase: 'starting', done: 0, bytes: 0, rate: 0 });
    context.progress({ phase: 'copy', total: 5, done: 1, bytes: 100 });
    context.progress({ done: 2, bytes: 50 });
    context.progress({ phase: 'copy', total: 6 });
    expect(await latest(job)).toEqual({ phase: 'copy', total: 6, done: 3, bytes: 150, rate: 0 });
    context.progress({ phase: 'check', done: 1 });
    expect(await latest(job)).toEqual({ phase: 'check', done: 1, bytes: 0, rate: 0 });
    finish();
    await job;
  });

  it('has a rate over the last ten seconds, and an end where the total is known', async () => {
    const { clock, job, context, finish } = await open();
    context.progress({ phase: 'copy' });
    for (let second = 0; second < 20; second++) {
      context.progress({ done: 10 });
      await clock.pass(1000);
    }
    expect((await latest(job))?.rate).toBeCloseTo(10, 0);
    expect(await latest(job)).not.toHaveProperty('eta');
    context.progress({ total: 400 });
    for (let second = 0; second < 15; second++) {
      context.progress({ done: 2 });
      await clock.pass(1000);
    }
    const progress = await latest(job);
    // Nobody watched, so that the window ends at one of the renewals, which are up to 5 s apart.
    expect(progress?.rate).toBeGreaterThanOrEqual(2);
    expect(progress?.rate).toBeLessThanOrEqual(3.5);
    expect(progress?.eta).toBeCloseTo((170 / (progress?.rate ?? 0)) * 1000, 0);
    await clock.pass(30_000);
    expect(await latest(job)).toMatchObject({ rate: 0, done: 230 });
    expect(await latest(job)).not.toHaveProperty('eta');
    finish();
    await job;
  });

  it('is never past its end: what has come meanwhile makes the total unknown', async () => {
    const { clock, job, context, finish } = await open();
    context.progress({ phase: 'copy', total: 5 });
    await clock.pass(1000);
    context.progress({ done: 5 });
    expect(await latest(job)).toMatchObject({ done: 5, total: 5, eta: 0 });
    context.progress({ done: 2 });
    expect(await latest(job)).toEqual({ phase: 'copy', done: 7, bytes: 0, rate: expect.any(Number) });
    finish();
    await job;
  });

  it('tells each reader the latest value, in its own time, and the last one of all', async () => {
    const { clock, job, context, finish } = await open();
    const quick = follow(job);
    const slow = follow(job, () => clock.sleep(1000));
    context.progress({ phase: 'copy' });
    for (let item = 0; item < 1000; item++) {
      context.progress({ done: 1 });
      if (item % 2 === 1) await clock.pass(10, 10);
    }
    finish();
    await job;
    await clock.pass(3000);
    expect(quick.length).toBeGreaterThan(490);
    expect(quick.length).toBeLessThan(510);
    expect(slow.length).toBeLessThan(9);
    for (const seen of [quick, slow]) {
      expect(counts(seen)).toEqual(counts(seen).toSorted((a, b) => a - b));
      expect(seen.at(-1)?.done).toBe(1000);
    }
  });

  it('ends with the job, also for who begins to read later, and with one that fails', async () => {
    const { job, context, finish } = await open();
    const before = Array.fromAsync(job.progress);
    context.progress({ phase: 'copy', done: 3 });
    finish();
    await job;
    expect((await before).at(-1)).toMatchObject({ done: 3 });
    expect(await Array.fromAsync(job.progress)).toMatchObject([{ done: 3 }]);

    const failed = await open();
    const end = outcomeOf(failed.job);
    const read = Array.fromAsync(failed.job.progress);
    failed.job.cancel();
    failed.finish();
    expect(await end).toBe('done');
    expect(await read).toMatchObject([{ phase: 'starting' }]);
  });

  it.each([
    { done: -1 },
    { done: 0.5 },
    { bytes: Number.NaN },
    { total: Infinity },
    { total: '7' as unknown as number },
    { phase: '' },
    { phase: 'x'.repeat(65) },
    { phase: 7 as unknown as string },
  ])('refuses %j', async (update) => {
    const { job, context, finish } = await open();
    expect(() => context.progress(update)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    finish();
    expect(await job).toBe('report');
  });

  it('tells when it is to be done by its own pace, until that time has come', async () => {
    const { clock, job, context, finish } = await open();
    context.progress({ phase: 'slow', total: 100, eta: 60_000 });
    clock.advance(10_000);
    context.progress({ done: 50 });
    expect(await latest(job)).toMatchObject({ done: 50, eta: 50_000 });
    clock.advance(55_000);
    context.progress({ done: 1 });
    expect((await latest(job))?.eta).not.toBe(0);
    context.progress({ phase: 'next', total: 10 });
    expect(await latest(job)).not.toHaveProperty('eta');
    for (const eta of [-1, Number.NaN, Infinity]) {
      expect(() => context.progress({ eta })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    finish();
    await job;
  });
});
