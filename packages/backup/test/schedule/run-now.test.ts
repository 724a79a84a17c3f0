import { describe, expect, it } from 'vitest';
import { readScheduleStatus, runScheduleNow } from '../../src/schedule/index.ts';
import { HOUR, HOURLY, MINUTE, Scene, SECOND, whilePassing } from '../support/scene.ts';

describe('a schedule that is run now', () => {
  it('runs at once, stands for what was missed, and leaves the next run as it is', async () => {
    const scene = new Scene();
    const process = scene.process();
    await scene.pass(2.5 * HOUR);
    const due = scene.options(process, 'a');
    // Missed: 1 and 2 o'clock. The run stands for both.
    expect(await whilePassing(scene, 11 * MINUTE, runScheduleNow(due, 'hourly'))).toMatchObject({ end: 'success' });
    expect(scene.occurrences).toEqual([2]);
    // Nothing is due now.
    const now = scene.world.time;
    expect(await whilePassing(scene, 11 * MINUTE, runScheduleNow(due, 'hourly'))).toMatchObject({ end: 'success' });
    expect(scene.begun.at(-1)).toMatchObject({ attempt: 1, by: 'a' });
    const { occurrence = 0 } = scene.begun.at(-1) ?? {};
    expect(occurrence - now).toBeGreaterThanOrEqual(0);
    expect(occurrence - now).toBeLessThan(SECOND);
    const { state } = await whilePassing(scene, 1000, readScheduleStatus(process.storage, process.clock, 'hourly'));
    expect(state).toMatchObject({ done: occurrence, failures: 0, last: { occurrence } });
    scene.start('b');
    await scene.pass(HOUR);
    expect(scene.occurrences.slice(2)).toEqual([3]);
  });

  it('runs also if it is paused, and records a failure', async () => {
    const scene = new Scene();
    scene.schedules = [{ ...HOURLY, paused: true }];
    scene.work = () => Promise.reject(new Error('no disk'));
    const process = scene.process();
    const run = runScheduleNow(scene.options(process, 'a'), 'hourly');
    expect(await whilePassing(scene, MINUTE, run)).toMatchObject({
      end: 'failure',
      error: 'INTERNAL',
      attempt: 1,
    });
    const { state } = await whilePassing(scene, 1000, readScheduleStatus(process.storage, process.clock, 'hourly'));
    expect(state).toMatchObject({ failures: 1 });
  });

  it('is refused while another process runs it, or if there is none', async () => {
    const scene = new Scene();
    scene.start('b');
    await scene.pass(HOUR + MINUTE);
    const options = scene.options(scene.process(), 'a');
    await expect(whilePassing(scene, MINUTE, runScheduleNow(options, 'hourly'))).rejects.toMatchObject({
      code: 'LOCKED',
      reason: 'job-running',
    });
    await expect(runScheduleNow(options, 'daily')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(scene.begun).toHaveLength(1);
  });
});
