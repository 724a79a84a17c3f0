import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SecureStoreError } from '@securestore/core-format';
import { systemClock } from '@securestore/jobs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import { createAt, usePlace } from '../../../objects/test/support/stores.ts';
import type { HookedRun, RunHook } from '../../src/index.ts';
import { Backups, execRunHook, Schedules } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';
import { memoryAt } from '../support/worlds.ts';

const PLACE = 'memory:there';
const DAY = 86_400_000;

interface HookScene {
  readonly clock: EagerClock;
  readonly backups: Backups;
  readonly schedules: Schedules;
  /** What was done, in its order. */
  readonly log: string[];
  /** A hook that takes note, and then does something. */
  readonly noting: (name: string, more?: RunHook) => RunHook;
}

/** A store with a snapshot, and a schedule of which a run is due. */
async function newScene(): Promise<HookScene> {
  const clock = new EagerClock();
  const store = await createAt(
    usePlace(() => memoryAt(clock)),
    { clock },
  );
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(store, shelf.connect);
  const schedules = new Schedules(store, backups, shelf.connect);
  await store.store('a', 'one');
  await backups.backup(PLACE);
  await schedules.add({ id: 'nightly', task: 'backup', cron: '@daily', destination: PLACE });
  clock.advance(DAY);
  const log: string[] = [];
  const noting =
    (name: string, more?: RunHook): RunHook =>
    async (run, signal) => {
      const made = (await backups.list(PLACE)).length;
      log.push(
        `${name} ${run.schedule.id} ${made} ${run.end ?? ''}${run.error === undefined ? '' : ` ${run.error}`}`.trim(),
      );
      await more?.(run, signal);
    };
  return { clock, backups, schedules, log, noting };
}

describe('hooks of scheduled runs', () => {
  it('are called before and after each run', async () => {
    const { schedules, log, noting } = await newScene();
    const runs: HookedRun[] = [];
    const keep: RunHook = (run) => void runs.push(run);
    const hooks = { before: noting('before', keep), after: noting('after', keep) };
    const reports = await schedules.run({ once: true, ...hooks });
    expect(reports).toMatchObject([{ end: 'success' }]);
    expect(log).toEqual(['before nightly 1', 'after nightly 2 success']);
    expect(runs[0]).toMatchObject({
      schedule: { id: 'nightly', task: { task: 'backup', destination: PLACE } },
      attempt: 1,
    });
    expect(runs[0]).not.toHaveProperty('end');
    expect(runs[1]).toMatchObject({ end: 'success', occurrence: runs[0]?.occurrence, duration: expect.any(Number) });
    expect(await schedules.run({ once: true, ...hooks })).toEqual([]);
    expect(log).toHaveLength(2);
  });

  it('of which the first fails keep the run from being made, which has failed', async () => {
    const { schedules, log, noting } = await newScene();
    const problems: unknown[] = [];
    const failing = noting('before', () => {
      throw new SecureStoreError('UNAVAILABLE', 'the database could not be frozen');
    });
    const [report] = await schedules.run({
      once: true,
      before: failing,
      after: noting('after'),
      onFailure: (problem) => problems.push(problem),
    });
    expect(report).toMatchObject({ end: 'failure', error: 'UNAVAILABLE' });
    expect(log).toEqual(['before nightly 1', 'after nightly 1 failure UNAVAILABLE']);
    expect(problems).toMatchObject([{ message: 'the database could not be frozen' }]);
    const [found] = await schedules.conditions({ thresholds: { maxAge: Infinity } });
    expect(found?.conditions).toMatchObject([{ id: 'failed:nightly', severity: 'critical' }]);
  });

  it.each([
    [
      'hears of it',
      (_run: HookedRun, signal: AbortSignal) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('told')));
        }),
    ],
    ['does not', () => new Promise<void>(() => undefined)],
    [
      'ends as if all were well',
      (_run: HookedRun, signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        }),
    ],
  ])('have a bounded time: one that takes too long, and %s', async (what, hook) => {
    const { schedules, clock, log, noting } = await newScene();
    const begun = clock.now();
    const [report] = await schedules.run({
      once: true,
      before: hook,
      after: noting('after', hook),
      hookTimeout: 60_000,
    });
    const code = what === 'hears of it' ? 'INTERNAL' : 'TIMEOUT';
    expect(report).toMatchObject({ end: 'failure', error: code });
    expect(log).toEqual([`after nightly 1 failure ${code}`]);
    expect(clock.now() - begun).toBeGreaterThanOrEqual(120_000);
    expect(clock.now() - begun).toBeLessThan(180_000);
  });

  it('of which the second fails change nothing about the run', async () => {
    const { schedules, log, noting } = await newScene();
    const problems: unknown[] = [];
    const failing = noting('after', () => {
      throw new Error('unmounting failed');
    });
    const reports = await schedules.run({ once: true, after: failing, onFailure: (problem) => problems.push(problem) });
    expect(reports).toMatchObject([{ end: 'success' }]);
    expect(log).toEqual(['after nightly 2 success']);
    expect(problems).toMatchObject([{ message: 'unmounting failed' }]);
    const [found] = await schedules.conditions();
    expect(found?.conditions).toEqual([]);
  });

  it('end what they began where the process is told to end in the middle', async () => {
    const { schedules, log, noting } = await newScene();
    const ended = new AbortController();
    const stopping = noting('before', () => ended.abort(new Error('stop')));
    const [report] = await schedules.run({
      once: true,
      before: stopping,
      after: noting('after'),
      signal: ended.signal,
    });
    expect(report).toMatchObject({ end: 'released' });
    expect(log).toEqual(['before nightly 1', 'after nightly 1 released ABORTED']);
  });

  it.each([0, -1, 1.5, 2 * DAY])('refuse %s milliseconds as their time', async (hookTimeout) => {
    const { schedules } = await newScene();
    await expect(schedules.run({ once: true, hookTimeout })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-hooks-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('a program as a hook', () => {
  const RUN: HookedRun = {
    schedule: {
      id: 'nightly',
      cron: '@daily',
      since: 0,
      task: { task: 'backup', destination: 'file:/$(touch owned)' },
    },
    occurrence: Date.UTC(2026, 0, 1),
    attempt: 2,
  };
  const clock = systemClock();
  const never = new AbortController().signal;

  it('is told of the run, and of its end', async () => {
    const folder = await newFolder();
    const script = `
      const own = Object.entries(process.env).filter(([name]) => /^SECURESTORE_(?:RUN_|PASSPHRASE)/.test(name));
      require('node:fs').writeFileSync(process.argv[1], JSON.stringify(Object.fromEntries(own)));`;
    process.env['SECURESTORE_PASSPHRASE'] = 'secret';
    onTestFinished(() => void delete process.env['SECURESTORE_PASSPHRASE']);
    const hook = execRunHook({ clock, command: [process.execPath, '-e', script, join(folder, 'told')] });
    const told = async (run: HookedRun): Promise<unknown> => {
      await hook(run, never);
      return JSON.parse(await readFile(join(folder, 'told'), 'utf8'));
    };
    const common = {
      SECURESTORE_RUN_SCHEDULE: 'nightly',
      SECURESTORE_RUN_TASK: 'backup',
      SECURESTORE_RUN_DESTINATION: 'file:/$(touch owned)',
      SECURESTORE_RUN_OCCURRENCE: '2026-01-01T00:00:00.000Z',
      SECURESTORE_RUN_ATTEMPT: '2',
    };
    expect(await told(RUN)).toEqual({ ...common, SECURESTORE_RUN_PHASE: 'before' });
    expect(await told({ ...RUN, end: 'failure', error: 'INTEGRITY', duration: 1500 })).toEqual({
      ...common,
      SECURESTORE_RUN_PHASE: 'after',
      SECURESTORE_RUN_END: 'failure',
      SECURESTORE_RUN_ERROR: 'INTEGRITY',
      SECURESTORE_RUN_DURATION_MS: '1500',
    });
  });

  it('fails with its exit code, and where it is no program', async () => {
    const failing = execRunHook({ clock, command: [process.execPath, '-e', 'process.exit(7)'] });
    await expect(failing(RUN, never)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the program of the hook before a run ended with exit code 7',
    });
    const folder = await newFolder();
    await expect(execRunHook({ clock, command: [join(folder, 'none')] })(RUN, never)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(() => execRunHook({ clock, command: [] })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('is ended where its time is over', async () => {
    const folder = await newFolder();
    const script = `
      process.on('SIGTERM', () => { require('node:fs').writeFileSync(process.argv[1], 'asked'); process.exit(0); });
      require('node:fs').writeFileSync(process.argv[1], 'begun');
      setInterval(() => 0, 1000);`;
    await writeFile(join(folder, 'end'), '');
    const end = new AbortController();
    // It is killed if it takes long to end, which it may on a busy machine.
    const patient = {
      ...clock,
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.max(ms, 60_000), signal),
    };
    const hook = execRunHook({ clock: patient, command: [process.execPath, '-e', script, join(folder, 'end')] });
    const running = hook(RUN, end.signal);
    while ((await readFile(join(folder, 'end'), 'utf8')) !== 'begun') await clock.sleep(20);
    end.abort(new SecureStoreError('TIMEOUT', 'too long'));
    await expect(running).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await readFile(join(folder, 'end'), 'utf8')).toBe('asked');
  });
});
