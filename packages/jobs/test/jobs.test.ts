import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { JobKind } from '../src/index.ts';
import { counting, kindOf } from './support/kinds.ts';
import { outcomeOf } from './support/outcome.ts';
import { createWorld } from './support/world.ts';

const TEN = { to: 10, every: 1000 };

/** A job that fails after five items. */
function half(saves: boolean): JobKind<null, void> {
  return kindOf(async ({ progress, save }) => {
    progress({ phase: 'p', done: 3 });
    if (saves) await save('three');
    progress({ done: 2 });
    throw new SecureStoreError('NO_SPACE', 'full');
  });
}

describe('a job', () => {
  it('gives its report and leaves nothing behind', async () => {
    const { clock, storage, process } = createWorld();
    const job = process().jobs.start(counting(), TEN);
    await clock.pass(11_000);
    expect(await job).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(job.id).toBe('count');
    expect(storage.entries.size).toBe(0);
  });

  it('stops when it is cancelled, and goes on from its cursor when it is started again', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const job = jobs.start(counting(), TEN);
    await clock.pass(4500);
    job.cancel('enough for today');
    await expect(job).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'job count was cancelled (enough for today)',
      advice: [{ id: 'resume-job', job: 'count' }],
    });
    expect(await jobs.list()).toMatchObject([
      {
        id: 'count',
        kind: 'count',
        state: 'interrupted',
        error: 'ABORTED',
        progress: { done: 4, total: 10, bytes: 40 },
      },
    ]);
    const again = jobs.start(counting(), TEN);
    await clock.pass(7000);
    expect(await again).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('keeps what failed, with the code and the latest cursor, until it is resumed', async () => {
    const { clock, storage, process } = createWorld();
    const failing = counting((item) => {
      if (item === 3) throw new SecureStoreError('NO_SPACE', 'the disk is full');
    });
    const end = outcomeOf(process().jobs.start(failing, TEN));
    await clock.pass(4000);
    expect(await end).toBe('NO_SPACE');
    expect(await process().jobs.list()).toMatchObject([{ state: 'interrupted', error: 'NO_SPACE' }]);
    const resumed = process().jobs.resume([counting()], 'count');
    await clock.pass(500);
    expect(await process().jobs.list()).toMatchObject([{ state: 'running' }]);
    expect((await process().jobs.list())[0]).not.toHaveProperty('error');
    await clock.pass(9000);
    expect(await resumed).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect(storage.entries.size).toBe(0);
  });

  it('rejects with what the work threw, whatever that is, and keeps INTERNAL where it has no code', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const bug = new TypeError('x is not a function');
    await expect(
      jobs.start(
        kindOf(() => Promise.reject(bug)),
        null,
      ),
    ).rejects.toBe(bug);
    expect(await jobs.list()).toMatchObject([{ id: 'test', error: 'INTERNAL' }]);
  });

  it('ends with its real failure where one happens after it was cancelled', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const job = jobs.start(
      kindOf(async ({ signal }) => {
        job.cancel();
        throw signal.aborted ? new SecureStoreError('INTEGRITY', 'a damaged object') : new Error('not aborted');
      }),
      null,
    );
    await expect(job).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  it('that was finished when it was cancelled is done', async () => {
    const { process } = createWorld();
    const job = process().jobs.start(
      kindOf(async () => {
        job.cancel();
        return 'report';
      }),
      null,
    );
    expect(await job).toBe('report');
  });

  it('keeps the cursor that was saved when it stopped', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const job = jobs.start(
      kindOf(async ({ save, signal }) => {
        job.cancel();
        expect(signal.aborted).toBe(true);
        await save({ at: 'the end' });
      }),
      null,
    );
    expect(await outcomeOf(job)).toBe('ABORTED');
    expect(
      await jobs.start(
        kindOf(async ({ cursor }) => cursor),
        null,
      ),
    ).toEqual({ at: 'the end' });
  });

  it('counts from what the cursor stands for, and from nothing without one', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    expect(await outcomeOf(jobs.start(half(false), null))).toBe('NO_SPACE');
    expect(await jobs.list()).toMatchObject([{ progress: { phase: 'p', done: 5 } }]);
    expect(await outcomeOf(jobs.start(half(true), null))).toBe('NO_SPACE');
    const resumed = jobs.start(
      kindOf(async () => 1),
      null,
    );
    await resumed;
    expect(await Array.fromAsync(resumed.progress)).toMatchObject([{ phase: 'p', done: 3 }]);
  });

  it('saves nothing any more when it has ended', async () => {
    const { process } = createWorld();
    const save = await process().jobs.start(
      kindOf(async (context) => context.save),
      null,
    );
    await expect(save(1)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('the signal of the caller', () => {
  it('cancels', async () => {
    const { clock, process } = createWorld();
    const controller = new AbortController();
    const end = outcomeOf(process().jobs.start(counting(), TEN, { signal: controller.signal }));
    await clock.pass(1500);
    controller.abort();
    expect(await end).toBe('ABORTED');
  });

  it('is TIMEOUT where it was one', async () => {
    const { clock, process } = createWorld();
    const controller = new AbortController();
    const end = outcomeOf(process().jobs.start(counting(), TEN, { signal: controller.signal }));
    await clock.pass(1500);
    controller.abort(new DOMException('too long', 'TimeoutError'));
    expect(await end).toBe('TIMEOUT');
    expect(await process().jobs.list()).toMatchObject([{ error: 'TIMEOUT' }]);
  });

  it('that has aborted already stops the job before anything is stored', async () => {
    const { process } = createWorld();
    const { jobs, connection } = process();
    expect(await outcomeOf(jobs.start(counting(), TEN, { signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect(connection.calls).toEqual([]);
  });

  it('stops one that waits for the lease of another', async () => {
    const { clock, process } = createWorld();
    const dead = process();
    const lost = outcomeOf(dead.jobs.start(counting(), TEN));
    await clock.pass(100);
    dead.connection.cut();
    const next = process().jobs.start(counting(), TEN);
    const end = outcomeOf(next);
    await clock.pass(5000);
    next.cancel();
    expect(await end).toBe('ABORTED');
    dead.connection.mend();
    await clock.pass(20_000);
    expect(await lost).toBe('done');
  });
});

describe('one job at a time', () => {
  it('of the same id, in this process', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const first = jobs.start(counting(), TEN);
    await expect(jobs.start(counting(), TEN)).rejects.toMatchObject({
      code: 'LOCKED',
      message: 'job count is already running',
      reason: 'job-running',
      advice: [
        { id: 'wait-for-job', job: 'count' },
        { id: 'cancel-job', job: 'count' },
      ],
    });
    await clock.pass(11_000);
    expect(await first).toHaveLength(10);
  });

  it('also where two processes start at the same moment', async () => {
    const { clock, process } = createWorld();
    const ends = [process(), process(), process()].map(({ jobs }) => outcomeOf(jobs.start(counting(), TEN)));
    await clock.pass(20_000);
    expect((await Promise.all(ends)).toSorted()).toEqual(['LOCKED', 'LOCKED', 'done']);
  });

  it('but others beside it by an id of their own or a random one', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const all = [
      jobs.start(counting(), TEN),
      jobs.start(counting(), TEN, { id: 'other' }),
      jobs.start(counting(), TEN, { exclusive: false }),
      jobs.start(counting(), TEN, { exclusive: false }),
    ];
    await clock.pass(11_000);
    expect(await Promise.all(all)).toHaveLength(4);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    expect(all[2]?.id).toMatch(/^count-[a-v0-9]{16}$/);
  });

  it('and an unfinished one with other parameters stands in the way of a new one', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const left = jobs.start(counting(), TEN);
    left.cancel();
    expect(await outcomeOf(left)).toBe('ABORTED');
    await expect(jobs.start(counting(), { to: 11, every: 1000 })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'the unfinished job count has other parameters. Nothing was changed.',
      advice: [
        { id: 'resume-job', job: 'count' },
        { id: 'forget-job', job: 'count' },
      ],
    });
    // The order of members is no difference.
    const same = jobs.start(counting(), { every: 1000, to: 10 });
    await clock.pass(11_000);
    expect(await same).toHaveLength(10);
  });

  it('and an unfinished one of another kind, under the same id, too', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const left = jobs.start(counting(), TEN, { id: 'it' });
    left.cancel();
    expect(await outcomeOf(left)).toBe('ABORTED');
    await expect(
      jobs.start(
        kindOf(async () => 1),
        null,
        { id: 'it' },
      ),
    ).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'the unfinished job it is of the kind count. Nothing was changed.',
      advice: [
        { id: 'resume-job', job: 'it' },
        { id: 'forget-job', job: 'it' },
      ],
    });
  });

  it('unless the new one replaces it, once no process runs it', async () => {
    const { clock, storage, process } = createWorld();
    const [sleeper, other] = [process(), process()];
    const slept = sleeper.jobs.start(counting(), { to: 100, every: 1000 }, { id: 'it' });
    const end = outcomeOf(slept);
    await clock.pass(3000);
    const another = kindOf(async ({ clock: time, signal, cursor }) => {
      await time.sleep(30_000, signal);
      return cursor;
    });
    const refused = outcomeOf(other.jobs.start(another, null, { id: 'it', replace: true }));
    await clock.pass(7000);
    expect(await refused).toBe('LOCKED');
    sleeper.connection.cut();
    const next = other.jobs.start(another, null, { id: 'it', replace: true });
    await clock.pass(20_000);
    // The one that was taken for dead only slept: it stops, and leaves the state to the other one.
    sleeper.connection.mend();
    await clock.pass(10_000);
    expect(await end).toBe('LOCKED');
    expect(storage.entries.has('it')).toBe(true);
    await clock.pass(30_000);
    expect(await next).toBe(undefined);
    expect(storage.entries.size).toBe(0);
  });

  it('and goes on with the same one, also where a start would replace another', async () => {
    const { clock, process } = createWorld();
    const { jobs } = process();
    const left = jobs.start(counting(), TEN);
    const end = outcomeOf(left);
    await clock.pass(3500);
    left.cancel();
    expect(await end).toBe('ABORTED');
    const next = jobs.start(counting(), TEN, { replace: true });
    await clock.pass(8000);
    expect(await next).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });
});

it('work that is never resumed leaves no state, however it ends', async () => {
  const { storage, process } = createWorld();
  const { jobs } = process();
  const kind = kindOf<never>(async ({ signal }) => {
    signal.throwIfAborted();
    throw new SecureStoreError('ACCESS_DENIED', 'the work is refused');
  });
  expect(await outcomeOf(jobs.start({ ...kind, resumable: false }, null))).toBe('ACCESS_DENIED');
  expect(storage.entries.size).toBe(0);
  const final = { ...kind, isFinal: ({ code }: SecureStoreError) => code === 'ACCESS_DENIED' };
  expect(await outcomeOf(jobs.start(final, null))).toBe('ACCESS_DENIED');
  expect(storage.entries.size).toBe(0);
  expect(await outcomeOf(jobs.start({ ...kind, isFinal: () => false }, null))).toBe('ACCESS_DENIED');
  expect(storage.entries.size).toBe(1);
  expect(await outcomeOf(jobs.start(kind, null))).toBe('ACCESS_DENIED');
  expect(storage.entries.size).toBe(1);
});

describe('resuming', () => {
  it('is NOT_FOUND where there is nothing', async () => {
    const { process } = createWorld();
    await expect(process().jobs.resume([counting()], 'count')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'unfinished job count does not exist: it ended, was forgotten or never began',
      advice: [{ id: 'list-jobs' }],
    });
  });

  it('is UNSUPPORTED for a kind that is not given', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const left = jobs.start(counting(), TEN);
    left.cancel();
    expect(await outcomeOf(left)).toBe('ABORTED');
    await expect(jobs.resume([kindOf(async () => 1)], 'count')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'cannot resume job count of the kind count: only the call that began it does',
    });
  });

  it('takes the kind that the job is of, which checks the parameters', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const left = jobs.start({ ...counting(), name: 'test' }, TEN);
    left.cancel();
    expect(await outcomeOf(left)).toBe('ABORTED');
    const strict = kindOf(async () => 1);
    strict.parse = () => {
      throw new SecureStoreError('INTEGRITY', 'no such parameters');
    };
    expect(await outcomeOf(jobs.resume([counting(), strict] as JobKind<unknown, unknown>[], 'test'))).toBe('INTEGRITY');
    // It can be resumed at once by who understands it.
    expect(await jobs.resume([kindOf(async () => 'understood')], 'test')).toBe('understood');
  });
});
