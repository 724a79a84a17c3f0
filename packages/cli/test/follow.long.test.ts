import { rename } from 'node:fs/promises';
import { BACKUP_KEYS_NAME } from '@securestore/core-format';
import { describe, it, type TestContext } from 'vitest';
import { FsBackend } from '../../backend-fs/src/fs-backend.ts';
import { backupScene, type BackupScene } from './support/backups.ts';
import { finished, jsonLines, type Result } from './support/cli.ts';

interface Following extends BackupScene {
  /** Interrupts it. */
  readonly interrupt: () => void;
  /** What it has said on stdout so far. */
  readonly said: () => string;
  readonly ending: Promise<Result>;
}

/** A store that is backed up continuously by a command, which has made its first snapshot. */
async function followed({ onTestFinished }: TestContext, ...options: string[]): Promise<Following> {
  const scene = await backupScene(onTestFinished);
  const { run, destination } = scene;
  const controller = new AbortController();
  const shipping = Promise.withResolvers<void>();
  let said = '';
  const onOutput = (text: string): void => {
    said += text;
    if (text.includes('recoverable')) shipping.resolve();
  };
  const ending = run(['backup', destination, '--continuous', ...options], { signal: controller.signal, onOutput });
  onTestFinished(async () => {
    controller.abort();
    await ending;
  });
  await Promise.race([shipping.promise, ending]);
  return { ...scene, interrupt: () => controller.abort(), said: () => said, ending };
}

// Each waits six seconds for other processes.
describe.concurrent('backup --continuous', { timeout: 120_000 }, () => {
  it('that is interrupted says what was reached, with exit code 130', async (context) => {
    const { expect } = context;
    const { run, using, destination, interrupt, ending } = await followed(context);
    const before = new Date();
    const shipped = async (key: string, text: string): Promise<void> => {
      await using((store) => store.store(key, text).then(() => undefined));
      await expect
        .poll(async () => (await run(['restore', destination, '--stdout', '--key', key])).stdout, {
          timeout: 60_000,
          interval: 300,
        })
        .toBe(text);
    };
    await shipped('db/a', 'second');
    // What lies there already is counted as reached an instant later; for certain once there is more.
    await shipped('db/more', 'more');
    interrupt();
    const { exitCode, stdout } = await ending;
    expect(exitCode).toBe(130);
    const [, moment = ''] =
      /^stopped; everything up to (\S+Z) is at (?:\S+); the same command resumes\n$/m.exec(stdout) ?? [];
    expect(stdout).toContain(` is at ${destination};`);
    expect(Date.parse(moment)).toBeGreaterThanOrEqual(before.getTime());
    const back = await run(['restore', destination, '--stdout', '--key', 'db/a', '--at', moment]);
    expect(back.stdout).toBe('second');

    const [window, last] = jsonLines((await run(['snapshots', destination, '--windows', '--json'])).stdout);
    expect(window).toMatchObject({
      from: expect.any(String),
      to: expect.any(String),
      recoveryPoints: expect.any(Number),
    });
    expect(Number(window?.['recoveryPoints'])).toBeGreaterThan(1);
    expect(last).toEqual({ summary: { windows: 1, recoverableTo: window?.['to'], lag: expect.any(Number) } });
    const told = await run(['snapshots', destination, '--windows']);
    expect(told).toMatchObject({ exitCode: 0, stderr: '' });
    expect(told.stdout).toMatch(
      /^FROM +TO +POINTS +GAP BEFORE\n\S+Z +\S+Z +\d+\n1 window\nrecoverable to \S+Z, lag \d+ s\n$/,
    );

    // What lies between snapshots is counted apart, by snapshots and by retention.
    const counted = await run(['snapshots', destination]);
    const rows = counted.stdout.trimEnd().split('\n').length - 1;
    expect(counted.stderr).toMatch(
      new RegExp(`^${rows} snapshots? and \\d+ recovery points? between them; --windows shows`),
    );
    const kept = await run(['retention', destination, '--keep-last', '100', '--dry-run']);
    expect(kept.stdout).toContain(`would remove 0 snapshots; ${rows} stay\n`);
  });

  it('has the last line in JSON, too', async (context) => {
    const { expect } = context;
    const { destination, interrupt, ending } = await followed(context, '--json');
    interrupt();
    const { exitCode, stdout, stderr } = await ending;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      stopped: true,
      destination,
      status: { recoverableTo: expect.any(String), lag: expect.any(Number) },
    });
  });

  it('keeps other backups to the destination out, and those say why', async (context) => {
    const { expect } = context;
    const { run, destination } = await followed(context);
    for (const more of [[], ['--continuous']]) {
      const locked = await run(['backup', destination, ...more]);
      expect(locked).toMatchObject({ exitCode: 7, stdout: '' });
      expect(locked.stderr).toContain(
        'error: another process backs up continuously to this destination. Nothing was changed. [LOCKED]\n' +
          'hint: it copies the same data; for a snapshot with a label, stop that process first\n',
      );
    }
  });

  it('of a process ends with a signal in the same way', async ({ expect, onTestFinished }) => {
    const { box, path, url, destination } = await backupScene(onTestFinished);
    const given = ['--store', url, '--key-file', path('vault.key'), '--no-anchor'];
    const child = box.start(['backup', destination, '--continuous', ...given]);
    const ending = finished(child);
    let said = '';
    const shipping = new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('recoverable to')) resolve();
      });
    });
    await Promise.race([shipping, ending]);
    child.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await ending;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 130,
      stderr: 'backing up continuously; press Ctrl-C to stop\n',
    });
    expect(stdout).toMatch(/\nstopped; everything up to \S+Z is at \S+; the same command resumes\n$/);
  });

  it('of a process that was killed is listed, and keeps nobody from a backup', async ({ expect, onTestFinished }) => {
    const { box, path, url, destination, run } = await backupScene(onTestFinished);
    const given = ['--store', url, '--key-file', path('vault.key'), '--no-anchor'];
    const child = box.start(['backup', destination, '--continuous', ...given]);
    const ending = finished(child);
    const shipping = new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('recoverable to')) resolve();
      });
    });
    await Promise.race([shipping, ending]);
    child.kill('SIGKILL');
    await ending;
    expect((await run(['job'])).stdout).toMatch(/ continuous-backup +(?:running|interrupted) /);
    const made = await run(['backup', destination, '--label', 'after it']);
    expect(made, made.stderr).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await run(['job'])).stderr).toBe('there is no unfinished job\n');
  });

  it('goes on when its secret was replaced, once the new one is where it reads it', async (context) => {
    const { expect } = context;
    const { run, path, destination, interrupt, said, ending } = await followed(context);
    const [own, next] = [path('vault.key'), path('next.key')];
    const rotated = await run(['rotate', '--depth', 'unlock', '--new-key-file', next, '--key-file', own]);
    expect(rotated, rotated.stderr).toMatchObject({ exitCode: 0 });
    // Meanwhile it can't know what there is.
    await expect.poll(said, { timeout: 60_000, interval: 200 }).toContain('it is tried again and again');
    await rename(next, own);
    const put = await run(['put', 'db/a'], { input: 'after it' });
    expect(put, put.stderr).toMatchObject({ exitCode: 0 });
    await expect
      .poll(async () => (await run(['restore', destination, '--stdout', '--key', 'db/a'])).stdout, {
        timeout: 60_000,
        interval: 500,
      })
      .toBe('after it');
    interrupt();
    const { exitCode, stdout, stderr } = await ending;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('warning: writes and sessions are LOCKED: the slot that opened the store is gone');
    expect(stderr).toContain('its unlock secret was read again, and opens another slot');
    expect(stdout).toMatch(/it is tried again and again\n(?:.*\n)*recoverable to .* behind\n/);
  });

  it('that can not go on ends with the reason, and is not silent', async (context) => {
    const { expect } = context;
    const { run, destination, using, ending } = await followed(context);
    // Somebody has put something in the place of the keys at the destination, which the next head is to be brought to.
    const backend = new FsBackend();
    await backend.init({ url: destination, options: {} });
    await backend.write(BACKUP_KEYS_NAME, Buffer.from('no keys'), {});
    await backend.close();
    expect((await run(['role', 'add', 'looker', '--allow', 'read'])).exitCode).toBe(0);
    await using((store) => store.store('db/a', 'second').then(() => undefined));
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/\nerror: .*\[INTEGRITY\]\n(?:hint: .*\n)*see: .*\n$/);
  });
});

it.concurrent('of two backups at once the one that comes second is told so', { timeout: 120_000 }, async (context) => {
  const { expect, onTestFinished } = context;
  const { run, destination } = await backupScene(onTestFinished);
  const results = await Promise.all([run(['backup', destination]), run(['backup', destination])]);
  const [done, locked] = results.toSorted((a, b) => (a.exitCode ?? 0) - (b.exitCode ?? 0));
  expect(done).toMatchObject({ exitCode: 0, stderr: '' });
  expect(locked).toMatchObject({
    exitCode: 7,
    stdout: '',
    stderr: expect.stringMatching(
      /^error: another process is backing up to this destination\. Nothing was changed\. \[LOCKED\]\nhint: to see how far it is: securestore job list /,
    ),
  });
});
