import { describe, expect, it } from 'vitest';
import type { Process } from '../support/processes.ts';
import { overdue, readScheduleStatus, runDueSchedules } from '../../src/schedule/index.ts';
import { HOUR, HOURLY, MINUTE, Scene, SECOND, START, whilePassing } from '../support/scene.ts';

describe.each([
  ['tells its time', true],
  ['does not tell its time', false],
])('several processes over a storage that %s', (_what, tellsTime) => {
  it('run each occurrence once, with clocks that are minutes apart', async () => {
    const scene = new Scene(tellsTime);
    scene.start('a', { skew: 3 * MINUTE });
    scene.start('b', { skew: -3 * MINUTE });
    scene.start('c');
    await scene.pass(24.5 * HOUR);
    expect(scene.occurrences).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  });

  it('take over from one that died, within a few minutes', async () => {
    const scene = new Scene(tellsTime);
    const first = scene.start('a');
    await scene.pass(HOUR + 5 * MINUTE);
    scene.start('b', { skew: 3 * MINUTE });
    scene.start('c', { skew: -3 * MINUTE });
    await scene.pass(MINUTE);
    first.kill();
    await scene.pass(3 * MINUTE);
    expect(scene.begun.map(({ occurrence, attempt }) => [(occurrence - START) / HOUR, attempt])).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  it('leave a run alone that lives, however long it takes', async () => {
    const scene = new Scene(tellsTime);
    scene.work = ({ clock }, _run, signal) => clock.sleep(20 * HOUR, signal);
    scene.start('a');
    scene.start('b', { skew: 2 * MINUTE });
    await scene.pass(20 * HOUR);
    expect(scene.begun).toHaveLength(1);
  });

  it('stop a run before another one begins, where its claim can not be renewed', async () => {
    const scene = new Scene(tellsTime);
    const first = scene.start('a');
    await scene.pass(HOUR + MINUTE);
    const second = scene.start('b');
    first.fault = () => 'unavailable';
    await scene.pass(50 * SECOND);
    expect(scene.ends).toEqual(['LOCKED']);
    expect(scene.begun).toHaveLength(1);
    await scene.pass(2 * MINUTE);
    expect(scene.begun).toHaveLength(2);
    expect(second.alive).toBe(true);
  });
});

describe('a storage that gives no certain answers', () => {
  it('costs no run and doubles none', async () => {
    const scene = new Scene();
    let calls = 0;
    const unsure = (process: Process): void => {
      process.fault = (call) => (++calls % 3 === 0 && call === 'write' ? 'unknown' : undefined);
    };
    unsure(scene.start('a'));
    unsure(scene.start('b'));
    await scene.pass(10.5 * HOUR);
    expect(scene.occurrences).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(new Set(scene.ends)).toEqual(new Set(['success']));
  });
});

describe('running once', () => {
  it('runs what is due, and returns', async () => {
    const scene = new Scene();
    scene.schedules = [HOURLY, { ...HOURLY, id: 'other', cron: '0 0 * * *' }];
    await scene.pass(2.5 * HOUR);
    const process = scene.process();
    const reports = await whilePassing(scene, 11 * MINUTE, runDueSchedules(scene.options(process, 'a')));
    expect(reports).toMatchObject([{ schedule: { id: 'hourly' }, occurrence: START + 2 * HOUR, end: 'success' }]);
    expect(await whilePassing(scene, SECOND, runDueSchedules(scene.options(process, 'a')))).toEqual([]);
  });

  it('leaves to others what they run', async () => {
    const scene = new Scene();
    scene.start('a');
    await scene.pass(65 * MINUTE);
    expect(await whilePassing(scene, SECOND, runDueSchedules(scene.options(scene.process(), 'b')))).toEqual([]);
  });

  it.each([
    [true, 2 * MINUTE],
    [false, 62 * MINUTE],
  ])('takes over from one that died, where the storage tells its time: %s', async (tellsTime, after) => {
    const scene = new Scene(tellsTime);
    const first = scene.process();
    await scene.pass(HOUR);
    void runDueSchedules(scene.options(first, 'a'));
    await scene.pass(MINUTE);
    first.kill();
    await scene.pass(after);
    const reports = await whilePassing(scene, 11 * MINUTE, runDueSchedules(scene.options(scene.process(), 'b')));
    expect(reports).toMatchObject([{ end: 'success' }]);
  });

  it('ends what was begun before a run also where its outcome can not be recorded', async () => {
    const scene = new Scene();
    await scene.pass(HOUR);
    const process = scene.process();
    scene.work = ({ clock }, _run, signal) => {
      process.fault = () => 'unavailable';
      return clock.sleep(SECOND, signal);
    };
    const once = whilePassing(scene, 20 * MINUTE, runDueSchedules(scene.options(process, 'a')));
    await expect(once).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(scene.reports).toMatchObject([{ end: 'lost', error: 'UNAVAILABLE' }]);
  });

  it('fails where the state can not be read', async () => {
    const scene = new Scene();
    await scene.pass(HOUR);
    const process = scene.process();
    process.fault = () => 'unavailable';
    const once = whilePassing(scene, MINUTE, runDueSchedules(scene.options(process, 'a')));
    await expect(once).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(scene.failures).toHaveLength(1);
  });
});

async function due(scene: Scene): Promise<number | undefined> {
  const { storage, clock } = scene.process();
  const status = await whilePassing(scene, SECOND, readScheduleStatus(storage, clock, 'hourly'));
  const found = overdue(HOURLY, status, scene.world.time);
  return found && (found.time - START) / HOUR;
}

describe('whoever looks', () => {
  it('sees that no scheduler has ever run', async () => {
    const scene = new Scene();
    await scene.pass(HOUR + 9 * MINUTE);
    expect(await due(scene)).toBeUndefined();
    await scene.pass(2 * MINUTE);
    expect(await due(scene)).toBe(1);
    const status = { state: undefined, stored: undefined };
    expect(overdue({ ...HOURLY, paused: true }, status, scene.world.time)).toBeUndefined();
    expect(overdue(HOURLY, status, scene.world.time, 30 * MINUTE)).toBeUndefined();
  });

  it('sees that the scheduler is dead, also where it died in the middle of a run', async () => {
    const scene = new Scene();
    const process = scene.start('a');
    await scene.pass(2.5 * HOUR);
    expect(await due(scene)).toBeUndefined();
    await scene.pass(35 * MINUTE);
    process.kill();
    await scene.pass(5 * MINUTE);
    expect(await due(scene)).toBeUndefined();
    await scene.pass(10 * MINUTE);
    expect(await due(scene)).toBe(3);
  });

  it('sees that a long run is under way, and that a failed one has been', async () => {
    const scene = new Scene();
    scene.work = async ({ clock }, _run, signal) => {
      await clock.sleep(scene.begun.length === 1 ? 5 * HOUR : SECOND, signal);
      throw new Error('it failed');
    };
    scene.start('a');
    await scene.pass(5.9 * HOUR);
    expect(await due(scene)).toBeUndefined();
    await scene.pass(HOUR);
    expect(await due(scene)).toBeUndefined();
  });
});
