import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { counting } from './support/kinds.ts';
import { createWorld } from './support/world.ts';

const TEN = { to: 10, every: 1000 };

describe('a job', () => {
  it('gives its report and leaves nothing behind', async () => {
    const { clock, storage, process } = createWorld();
    const job = process().start(counting(), TEN);
    await clock.pass(11_000);
    expect(await job).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(job.id).toBe('count');
    expect(storage.entries.size).toBe(0);
  });

  it('stops when it is cancelled, and goes on from its cursor when it is started again', async () => {
    const { clock, process } = createWorld();
    const jobs = process();
    const job = jobs.start(counting(), TEN);
    await clock.pass(4500);
    job.cancel('enough for today');
    await expect(job).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'job count was cancelled (enough for today): it can be resumed',
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
    const job = process().start(failing, TEN);
    const failed = expect(job).rejects.toMatchObject({ code: 'NO_SPACE' });
    await clock.pass(4000);
    await failed;
    expect(await process().list()).toMatchObject([{ state: 'interrupted', error: 'NO_SPACE' }]);
    const resumed = process().resume([counting()], 'count');
    await clock.pass(9000);
    expect(await resumed).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect(storage.entries.size).toBe(0);
  });

  it('is taken over 15 s after its process died, and not before', async () => {
    const { clock, storage, process } = createWorld();
    const dead = process().start(counting(), TEN);
    await clock.pass(3500);
    // From here on nothing of the first process reaches the storage.
    const { entries } = storage;
    const left = entries.get('count');
    dead.cancel();
    await dead.catch(() => undefined);
    if (left !== undefined) entries.set('count', left);
    const next = process().start(counting(), TEN);
    await clock.pass(11_000);
    expect(await process().list()).toMatchObject([{ state: 'running', progress: { done: 3 } }]);
    await clock.pass(13_000);
    expect(await next).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });

  it('is LOCKED while another process runs it', async () => {
    const { clock, process } = createWorld();
    const job = process().start(counting(), TEN);
    await clock.pass(1500);
    const other = expect(process().start(counting(), TEN)).rejects.toMatchObject({ code: 'LOCKED' });
    await clock.pass(5000);
    await other;
    await clock.pass(5000);
    expect(await job).toHaveLength(10);
  });
});
