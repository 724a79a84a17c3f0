import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';

describe('the programs of schedule run', () => {
  it.for(['--exec', '--before', '--after'])('%s must be one that can be run, before anything runs', async (option) => {
    const { run, path, env } = await sandbox();
    const plain = path('plain');
    await writeFile(plain, '#!/bin/sh\n', { mode: 0o600 });
    await mkdir(path('folder'));
    const once = (program: string) =>
      run(['schedule', 'run', '--once', option, program], { env: { PATH: env['PATH'] ?? '' } });
    for (const missing of [path('missing'), 'no-such-program-anywhere', `${plain} --loud`]) {
      const refused = await once(missing);
      expect(refused).toMatchObject({ exitCode: 3, stdout: '' });
      expect(refused.stderr).toContain(`the program ${JSON.stringify(missing)} of ${option} does not exist`);
      expect(refused.stderr).toContain(`hint: ${option} takes the path of one program, without arguments`);
    }
    for (const denied of [plain, path('folder')]) {
      const refused = await once(denied);
      expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
      expect(refused.stderr).toContain(`of ${option} is not executable`);
    }
    expect((await once('')).exitCode).toBe(2);
    expect((await once('true')).exitCode).toBe(0);
  });
});

describe('schedule run --test-alert', () => {
  it('sends an alert that begins and ends, without a store', async () => {
    const { run, path } = await sandbox('none');
    const program = path('notify');
    await writeFile(program, `#!/bin/sh\ncat >> '${path('alerts')}'\n`, { mode: 0o700 });
    const sent = await run(['schedule', 'run', '--test-alert', '--exec', program]);
    expect(sent).toMatchObject({ exitCode: 0, stdout: 'exec: sent a test alert, and its end\n', stderr: '' });
    const alerts = jsonLines(await readFile(path('alerts'), 'utf8'));
    expect(alerts.map(({ id, event }) => [id, event])).toEqual([
      ['test', 'begin'],
      ['test', 'end'],
    ]);
    expect(alerts[0]).toMatchObject({ severity: 'warning', message: expect.stringContaining('test alert') });
  });

  it('says which sink it could not be sent to, and sends it to the others', async () => {
    const { run, path } = await sandbox('none');
    const [good, bad] = [path('good'), path('bad')];
    await writeFile(good, '#!/bin/sh\n', { mode: 0o700 });
    await writeFile(bad, '#!/bin/sh\nexit 3\n', { mode: 0o700 });
    const failed = await run(['schedule', 'run', '--test-alert', '--exec', bad]);
    expect(failed).toMatchObject({ exitCode: 8, stdout: '' });
    expect(failed.stderr).toMatch(/^failed: exec: .*ended with exit code 3 \[UNAVAILABLE\]/);
    // Nothing listens at port 9.
    const mixed = ['schedule', 'run', '--test-alert', '--exec', good, '--webhook', 'https://127.0.0.1:9/', '--json'];
    const both = await run(mixed);
    expect(both.exitCode).toBe(8);
    expect(jsonLines(both.stdout)).toContainEqual({ sink: 'exec', sent: true });
    expect(jsonLines(both.stdout)).toContainEqual({ sink: 'webhook', sent: false, error: 'UNAVAILABLE' });
  });

  it('refuses an address that is not encrypted, and says what it takes', async () => {
    const { run } = await sandbox();
    const refused = await run(['schedule', 'run', '--test-alert', '--webhook', 'http://127.0.0.1:9/']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(/ must begin with https:, since http: is not encrypted \[INVALID_ARGUMENT\]\n/);
    expect(refused.stderr).toContain(
      '\nhint: give --webhook a URL that begins with https:, or give --exec PROGRAM, which gets each alert as JSON on stdin\n',
    );
    const ping = await run(['schedule', 'run', '--once', '--ping', 'http://127.0.0.1:9/']);
    expect(ping.exitCode).toBe(2);
    expect(ping.stderr).toContain(
      '\nhint: give --ping a URL that begins with https:, or give --after PROGRAM, which is started after each run\n',
    );
  });

  it('needs a sink, and runs no schedule', async () => {
    const { run } = await sandbox('none');
    const refused = await run(['schedule', 'run', '--test-alert']);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--test-alert needs --webhook') });
    expect((await run(['schedule', 'run', 'nightly', '--test-alert', '--exec', 'true'])).exitCode).toBe(2);
  });
});
