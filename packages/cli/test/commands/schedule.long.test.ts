import { describe, it } from 'vitest';
import { changedScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('schedule', { timeout: 120_000 }, () => {
  it('run --once says of nothing to do when there is something again', async ({ expect, onTestFinished }) => {
    const { run, destination } = await changedScene(onTestFinished);
    const once = ['schedule', 'run', '--once'];
    expect(await run(once)).toMatchObject({
      exitCode: 0,
      stdout: 'nothing is scheduled yet; securestore schedule add does it\n',
    });
    expect((await run(['schedule', 'add', 'idle', destination, '--cron', '@hourly', '--paused'])).exitCode).toBe(0);
    expect((await run(once)).stdout).toBe('nothing is due; all schedules are paused\n');
    expect((await run(['schedule', 'add', 'later', destination, '--cron', '0 0 1 1 *'])).exitCode).toBe(0);
    const year = new Date().getUTCFullYear() + 1;
    expect(await run(once)).toMatchObject({
      exitCode: 0,
      stdout: `nothing is due; next is later, at ${year}-01-01 00:00:00Z\n`,
      stderr: '',
    });
    expect(jsonLines((await run([...once, '--json'])).stdout)).toEqual([
      { summary: { runs: 0, failed: 0, next: { id: 'later', at: `${year}-01-01T00:00:00.000Z` } } },
    ]);
  });

  it('run that is interrupted says what it did, with exit code 130', async ({ expect, onTestFinished }) => {
    const { run } = await changedScene(onTestFinished);
    const controller = new AbortController();
    const { exitCode, stdout, stderr } = await run(['schedule', 'run'], {
      signal: controller.signal,
      onOutput: (text) => (text.includes('press Ctrl-C') ? undefined : controller.abort()),
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain('alerts are sent nowhere; to have them sent, give --webhook URL or --exec PROGRAM\n');
    expect(stdout).toBe(
      'stopped; 0 runs were made, 0 of them without success; securestore schedule run resumes, and makes up for what is missed until then\n',
    );
  });

  it('run --json that is interrupted says what it did, with exit code 130', async ({ expect, onTestFinished }) => {
    const { run } = await changedScene(onTestFinished);
    // It prints nothing until it is interrupted. If the store is not open by then, it prints nothing at all.
    let said = '';
    for (let wait = 1000; said === ''; wait *= 2) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), wait);
      const { exitCode, stdout } = await run(['schedule', 'run', '--json'], { signal: controller.signal });
      expect(exitCode).toBe(130);
      said = stdout;
    }
    expect(jsonLines(said)).toEqual([{ summary: { stopped: true, runs: 0, failed: 0 } }]);
  });

  it('run ends if the store moves, and says where it is', async ({ expect, onTestFinished }) => {
    const { run, path, url } = await changedScene(onTestFinished);
    const controller = new AbortController();
    const running = Promise.withResolvers<void>();
    const ending = run(['schedule', 'run'], { signal: controller.signal, onOutput: () => running.resolve() });
    onTestFinished(async () => {
      controller.abort();
      await ending;
    });
    await running.promise;
    const to = `sqlite:${path('new.db')}`;
    const moved = await run(['migrate', url, to]);
    expect(moved, moved.stderr).toMatchObject({ exitCode: 0 });
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/error: the store has moved to sqlite:\S+.* \[LOCKED\]\n(?:hint: .*\n)*see: .*#locked\n$/);
    expect(stderr).not.toContain('option');
  });

  it('add puts none in the place of another one, unless it is told so', async ({ expect, onTestFinished }) => {
    const { run, destination } = await changedScene(onTestFinished);
    const add = (...more: string[]): ReturnType<typeof run> =>
      run(['schedule', 'add', 'nightly', destination, ...more]);
    expect((await add('--cron', '@daily')).exitCode).toBe(0);
    const wrong = await run(['schedule', 'add', 'other', destination, '--cron', 'nope']);
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toMatch(
      /^error: --cron of schedule other must be .*, got "nope": 1 field instead of 5: minute/,
    );
    expect(wrong.stderr).toContain('hint: to see how to use it: securestore help schedule add\n');
    const refused = await add('--cron', '@hourly', '--task', 'verify');
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toBe(
      `error: the schedule "nightly" already exists: backup to ${destination}, @daily [ALREADY_EXISTS]\n` +
        'hint: choose another name, or add --replace\n',
    );
    expect((await add('--cron', '@hourly', '--task', 'verify', '--replace')).exitCode).toBe(0);
    expect(jsonLines((await run(['schedule', '--json'])).stdout)).toMatchObject([
      { id: 'nightly', cron: '@hourly', task: 'verify' },
    ]);
  });

  it('add warns of a retention without rules, and its run says how to set some', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    const add = ['schedule', 'add', 'tidy', destination, '--cron', '@daily', '--task', 'retention'];
    const key = `--key-file ${path('vault.key')} --no-anchor`;
    const added = await run(add);
    expect(added.exitCode).toBe(0);
    const rules = `securestore retention ${destination} --set --keep-daily 14`;
    expect(added.stderr).toContain(`warning: no rules are set for ${destination}, and runs fail without`);
    expect(added.stderr).toContain(`to set some: ${rules} ${key}\n`);
    const ran = await run(['schedule', 'run', 'tidy']);
    expect(ran.exitCode).toBe(8);
    expect(ran.stdout).toContain(`tidy: retention to ${destination}: failure: ${destination} has no retention`);
    expect(ran.stderr).toContain(`hint: to set what it keeps: securestore retention ${destination} --set`);
    expect((await run(['retention', destination, '--set', '--keep-daily', '14'])).exitCode).toBe(0);
    expect((await run([...add, '--replace'])).stderr).not.toContain('no rules');
    expect(await run(['schedule', 'run', 'tidy'])).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('of a destination that is removed are named, or removed with it', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    for (const id of ['nightly', 'tidy'])
      expect((await run(['schedule', 'add', id, destination, '--cron', '@daily'])).exitCode).toBe(0);
    const gone = `${destination} is no longer a destination; its backups stay, and need the encryption keys that are there now\n`;
    const removed = await run(['destinations', 'remove', destination]);
    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(removed.stdout).toBe(
      `${gone}its schedules are still there and will fail: nightly, tidy; to remove each: securestore schedule remove NAME --key-file ${path('vault.key')} --no-anchor\n`,
    );
    expect((await run(['destinations', 'add', destination])).exitCode).toBe(0);
    expect((await run(['destinations', '--schedules'])).exitCode).toBe(2);
    const both = await run(['destinations', 'remove', destination, '--schedules']);
    expect(both.stdout).toBe(`${gone}its schedules were removed: nightly, tidy\n`);
    expect(jsonLines((await run(['schedule', '--json'])).stdout)).toEqual([]);
  });
});

// By itself, so that it takes no time from those that wait side by side.
describe('schedule run NAME', { timeout: 120_000 }, () => {
  it('runs one schedule now, though it is paused and not due', async ({ expect, onTestFinished }) => {
    const { run, destination } = await changedScene(onTestFinished);
    expect((await run(['schedule', 'add', 'idle', destination, '--cron', '0 0 1 1 *', '--paused'])).exitCode).toBe(0);
    const ran = await run(['schedule', 'run', 'idle']);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toMatch(/^idle: backup to .*: success\n$/);
    expect(ran.stderr).toBe('');
    const [first, second] = jsonLines((await run(['schedule', 'run', 'idle', '--json'])).stdout);
    expect(first).toMatchObject({ id: 'idle', task: 'backup', end: 'success' });
    expect(second).toEqual({ summary: { runs: 1, failed: 0 } });
    expect(await run(['schedule', 'run', 'other'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('schedule "other" does not exist') as string,
    });
    expect((await run(['schedule', 'run', 'idle', '--once'])).exitCode).toBe(2);
  });
});
