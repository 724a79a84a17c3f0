import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { RunReport, ScheduledRun } from '../../src/schedule/index.ts';
import { readScheduleStatus, runSchedules } from '../../src/schedule/index.ts';
import { HOUR, HOURLY, MINUTE, Scene, SECOND, START, whilePassing } from '../support/scene.ts';

const DAY = 24 * HOUR;

describe('one process', () => {
  it('runs what is due when it is due, and records how it ended', async () => {
    const scene = new Scene();
    const process = scene.start('a');
    await scene.pass(3.5 * HOUR);
    expect(scene.occurrences).toEqual([1, 2, 3]);
    for (const { at, occurrence } of scene.begun) expect(at - occurrence).toBeLessThan(SECOND);
    const { state } = await whilePassing(scene, SECOND, readScheduleStatus(process.storage, process.clock, 'hourly'));
    expect(state).toEqual({
      done: START + 3 * HOUR,
      failures: 0,
      lastSuccess: expect.any(Number),
      last: {
        run: expect.any(String),
        by: 'a',
        occurrence: START + 3 * HOUR,
        attempt: 1,
        started: expect.any(Number),
        duration: 10 * MINUTE,
      },
    });
  });

  it('makes up once for all that was missed', async () => {
    const scene = new Scene();
    const first = scene.start('a');
    await scene.pass(1.5 * HOUR);
    first.kill();
    await scene.pass(10 * HOUR);
    scene.start('b');
    await scene.pass(2 * HOUR);
    expect(scene.occurrences).toEqual([1, 11, 12, 13]);
  });

  it('makes up once after it was asleep, also within a run', async () => {
    const scene = new Scene();
    const process = scene.start('a');
    await scene.pass(90 * MINUTE);
    process.pause();
    await scene.pass(5 * HOUR);
    process.resume();
    await scene.pass(70 * MINUTE);
    expect(scene.occurrences).toEqual([1, 6, 7]);
    await scene.pass(25 * MINUTE);
    expect(scene.begun).toHaveLength(4);
    process.pause();
    await scene.pass(5 * HOUR);
    process.resume();
    await scene.pass(HOUR);
    // The run was stopped when its claim turned out to be old, and run again for what is due now.
    expect(scene.occurrences.slice(3)).toEqual([8, 13, 14]);
    expect(scene.ends).toContain('LOCKED');
  });

  it('makes up once for what a long run has kept from running', async () => {
    const scene = new Scene();
    scene.work = ({ clock }, _run, signal) => clock.sleep(scene.begun.length === 1 ? 150 * MINUTE : MINUTE, signal);
    scene.start('a');
    await scene.pass(4.5 * HOUR);
    expect(scene.occurrences).toEqual([1, 3, 4]);
    expect((scene.begun[1]?.at ?? 0) - START).toBeLessThan(210 * MINUTE + SECOND);
  });

  it('makes up for nothing from before a schedule was added', async () => {
    const scene = new Scene();
    scene.schedules = [{ ...HOURLY, since: START + 2.5 * HOUR }];
    scene.start('a');
    await scene.pass(3.5 * HOUR);
    expect(scene.occurrences).toEqual([3]);
  });

  it('runs several schedules at once, and those that are added later', async () => {
    const scene = new Scene();
    scene.schedules = [HOURLY, { ...HOURLY, id: 'other' }];
    scene.start('a');
    await scene.pass(65 * MINUTE);
    expect(scene.occurrences).toEqual([1, 1]);
    scene.schedules = [...scene.schedules, { ...HOURLY, id: 'third', cron: '30 * * * *', since: scene.world.time }];
    await scene.pass(30 * MINUTE);
    expect(scene.occurrences).toEqual([1, 1, 1.5]);
  });

  it('leaves a paused schedule alone', async () => {
    const scene = new Scene();
    scene.schedules = [{ ...HOURLY, paused: true }];
    scene.start('a');
    await scene.pass(3 * HOUR);
    expect(scene.begun).toEqual([]);
  });

  it('tells of a schedule that is none, and runs the others', async () => {
    const scene = new Scene();
    scene.schedules = [{ ...HOURLY, id: 'wrong', cron: 'x' }, HOURLY];
    scene.start('a');
    await scene.pass(1.5 * HOUR);
    expect(scene.occurrences).toEqual([1]);
    expect(scene.failures[0]).toContain('schedule wrong');
  });

  it('does not repeat a run that failed, and counts failures until one succeeds', async () => {
    const scene = new Scene();
    const error = new SecureStoreError('NO_SPACE', 'the destination is full');
    scene.work = async () => {
      if (scene.begun.length === 1) throw error;
      if (scene.begun.length === 2) throw new TypeError('a bug');
    };
    const process = scene.start('a');
    const status = async (): Promise<unknown> =>
      (await whilePassing(scene, SECOND, readScheduleStatus(process.storage, process.clock, 'hourly'))).state;
    await scene.pass(2.5 * HOUR);
    expect(scene.ends).toEqual(['NO_SPACE', 'INTERNAL']);
    expect(await status()).toMatchObject({ failures: 2, last: { error: 'INTERNAL' } });
    await scene.pass(HOUR);
    expect(await status()).toMatchObject({ failures: 0, done: START + 3 * HOUR });
  });

  it('stops when it is told, and leaves the run to others', async () => {
    const scene = new Scene();
    const stop = new AbortController();
    const process = scene.process();
    const running = runSchedules({ ...scene.options(process, 'a'), signal: stop.signal });
    await scene.pass(65 * MINUTE);
    stop.abort();
    await whilePassing(scene, SECOND, running);
    expect(scene.ends).toEqual(['ABORTED']);
    scene.start('b');
    await scene.pass(MINUTE);
    expect(scene.begun.map(({ occurrence, by }) => [(occurrence - START) / HOUR, by])).toEqual([
      [1, 'a'],
      [1, 'b'],
    ]);
  });

  it('is not stopped for ever by a clock that was wrong', async () => {
    const scene = new Scene();
    scene.storage.write('hourly', Buffer.from(JSON.stringify({ version: 1, done: START + 999 * DAY, failures: 0 })), {
      ifAbsent: true,
    });
    scene.start('a');
    await scene.pass(2.5 * HOUR);
    expect(scene.occurrences).toEqual([1, 2]);
  });

  it.each(['', '{}', 'no JSON', '{"version":1,"done":-1}', '{"version":1,"done":0,"failures":0,"claim":{}}'])(
    'takes the damaged state %j for none',
    async (text) => {
      const scene = new Scene();
      scene.storage.write('hourly', Buffer.from(text), { ifAbsent: true });
      scene.start('a');
      await scene.pass(1.5 * HOUR);
      expect(scene.occurrences).toEqual([1]);
      expect(scene.failures).toEqual([]);
    },
  );

  it('leaves the state of a newer release alone, and says so', async () => {
    const scene = new Scene();
    scene.storage.write('hourly', Buffer.from('{"version":2}'), { ifAbsent: true });
    scene.start('a');
    await scene.pass(1.5 * HOUR);
    expect(scene.begun).toEqual([]);
    expect(scene.failures[0]).toContain('newer release');
  });
});

describe('hooks', () => {
  it('come before and after a run', async () => {
    const scene = new Scene();
    const order: string[] = [];
    scene.work = async () => void order.push('run');
    const process = scene.process();
    const before = async ({ occurrence }: ScheduledRun<string>): Promise<void> =>
      void order.push(`before ${(occurrence - START) / HOUR}`);
    const after = async ({ end }: RunReport): Promise<void> => void order.push(end);
    void runSchedules(scene.options(process, 'a', { before, after }));
    await scene.pass(1.5 * HOUR);
    expect(order).toEqual(['before 1', 'run', 'success']);
  });

  it('keep a run from beginning by failing before it, and change nothing by failing after it', async () => {
    const scene = new Scene();
    const process = scene.process();
    const before = async (): Promise<void> => {
      if (scene.reports.length === 0) throw new SecureStoreError('UNAVAILABLE', 'the database could not be frozen');
    };
    const after = (): Promise<void> => Promise.reject(new Error(`the hook after run ${scene.begun.length} failed`));
    void runSchedules(scene.options(process, 'a', { before, after }));
    await scene.pass(2.5 * HOUR);
    expect(scene.ends).toEqual(['UNAVAILABLE', 'success']);
    expect(scene.occurrences).toEqual([2]);
    expect(scene.failures).toEqual(['the hook after run 0 failed', 'the hook after run 1 failed']);
  });
});
