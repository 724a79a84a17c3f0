import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { finished, jsonLines, type Result, type Sandbox, sandbox } from '../support/cli.ts';
import { runIn } from '../support/in-process.ts';
import { LONG, TORTURE } from '../../../../tools/campaigns/src/size.ts';

/** Prints the environment as JSON, its own arguments included. */
const PRINT = ['node', '-e', 'console.log(JSON.stringify({ env: process.env, args: process.argv.slice(1) }))'] as const;

const KEY = 'credentials/securestore-key';

const SIGNALS = LONG ? (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) : (['SIGTERM'] as const);

/** Every object of the sandboxes below, under the name that it has here. */
const SECRET = ['--env', 'SECRET=secret'] as const;

function script(code: string, scope: readonly string[] = SECRET): string[] {
  return ['exec', ...scope, '--', 'sh', '-c', code];
}

/** What `exec` says that starts no command. Such a command would write to the terminal of this process, so it has its own only in the longest runs. */
function runUnstarted(
  box: Sandbox,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  return TORTURE ? box.run(args, { env }) : runIn(box.path(), args, { env: { ...box.env, ...env }, input: '' });
}

/** What `exec` says of a command that must not be started: it would leave a file. */
async function refusal(
  box: Sandbox,
  scope?: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Result> {
  const result = await runUnstarted(box, script('echo started | tee started', scope), env);
  expect(existsSync(box.path('started'))).toBe(false);
  return result;
}

async function withSecrets(secrets: Readonly<Record<string, string | Uint8Array>>): Promise<Sandbox> {
  const box = await sandbox();
  await box.seed(secrets);
  return box;
}

describe('exec', () => {
  it('gives the objects below the prefix as variables, and nothing of its own', async () => {
    const box = await withSecrets({ 'db/prod/password': 'pä ss\n', 'db/prod/user-name': 'root', other: 'x' });
    const own = { SECURESTORE_PASSPHRASE_FILE: '/canary', SECURESTORE_OTHER: 'canary', KEPT: 'kept' };
    const { exitCode, stdout } = await box.run(
      [
        '--key-file',
        KEY,
        'exec',
        '--prefix',
        'db/prod',
        '--variables',
        'PASSWORD,USER_*',
        '--',
        ...PRINT,
        '--',
        '--json',
      ],
      {
        env: own,
      },
    );
    expect(exitCode).toBe(0);
    const [{ env, args } = {}] = jsonLines(stdout);
    expect(env).toMatchObject({ PASSWORD: 'pä ss\n', USER_NAME: 'root', KEPT: 'kept' });
    expect(Object.keys(env as object).filter((name) => /^(?:SECURESTORE|OTHER|CREDENTIALS)/.test(name))).toEqual([]);
    expect(args).toEqual(['--json']);
    const every = ['exec', '--all', '--variables', 'DB_*', '--variables', 'OTHER', ...PRINT];
    const all = jsonLines((await box.run(every)).stdout);
    expect(all[0]?.['env']).toMatchObject({ DB_PROD_PASSWORD: 'pä ss\n', DB_PROD_USER_NAME: 'root', OTHER: 'x' });
    const exact = ['exec', '--prefix', 'db/prod/password', '--variables', 'PASSWORD', ...PRINT];
    const one = jsonLines((await box.run(exact)).stdout);
    expect(one[0]?.['env']).toMatchObject({ PASSWORD: 'pä ss\n' });
  });

  it('gives the objects that --env names under those names, also in place of a variable that is set', async () => {
    const box = await withSecrets({ 'prod/db': 'url', 'prod/api-key': 'key', 'dev/api-key': 'dev' });
    const named = ['--env', 'databaseUrl=prod/db', '--env', 'API_KEY=dev/api-key', '--env', 'TWICE=prod/db'];
    const run = async (...scope: string[]): Promise<unknown> =>
      jsonLines((await box.run(['exec', ...scope, ...PRINT], { env: { API_KEY: 'set' } })).stdout)[0]?.['env'];
    const wanted = { databaseUrl: 'url', API_KEY: 'dev', TWICE: 'url' };
    expect(await run(...named)).toMatchObject(wanted);
    // What is named is not given a second time, and the name goes to what was named.
    const both = await run('--prefix', 'prod', ...named);
    expect(both).toMatchObject(wanted);
    expect(both).not.toHaveProperty('DB');
  });

  // T-CLI-05
  it('lets no writer of an object choose the name of a variable, and names all whose names nobody gave', async () => {
    const names = ['tar-options', 'git/dir', 'https_proxy', 'aws/endpoint/url', 'password', 'new'];
    const box = await withSecrets(Object.fromEntries(names.map((name) => [`app/${name}`, 'canary'])));
    const refused = async (...scope: string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await refusal(box, ['--prefix', 'app', ...scope]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).not.toContain('canary');
      return stderr;
    };
    const some = await refused('--variables', 'PASSWORD,GIT_*,HTTPS_PROXY');
    expect(some).toContain(
      '$AWS_ENDPOINT_URL ("app/aws/endpoint/url"), $NEW ("app/new"), $TAR_OPTIONS ("app/tar-options")',
    );
    // A beginning does not include what is known to lead programs to code.
    expect(some).toContain('$GIT_DIR ("app/git/dir")');
    expect(some).not.toMatch(/\$(?:PASSWORD|HTTPS_PROXY)\b/);
    const all = await refused();
    expect(all).toContain('$PASSWORD ("app/password")');
    // What is known to choose code is not in the line to copy.
    expect(all).toMatch(/--variables NEW,PASSWORD, or choose/);
  });

  // T-CLI-05
  it('replaces no variable that is set, unless --env names it', async () => {
    const box = await withSecrets({ 'app/kept': 'canary', 'app/home': 'canary', 'app/other': 'x' });
    const scope = ['--prefix', 'app', '--variables', 'KEPT,HOME,OTHER'];
    const { exitCode, stdout, stderr } = await refusal(box, scope, { KEPT: '' });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/already set: \$HOME \("app\/home"\), \$KEPT \("app\/kept"\) .*\nhint: .*--env NAME=KEY/);
    expect(stderr).not.toMatch(/OTHER|canary/);
  });

  it.each([
    [[], /exec needs --prefix, --all or --env .*\nhint: give --env NAME=KEY .*--variables NAME,…/],
    [['--prefix', 'a', '--all'], /--prefix .*cannot be used with .*--all/],
    [['--variables', 'A', '--env', 'B=b'], /--variables .*--prefix or --all/],
    [['--env', 'B'], /--env must be NAME=KEY/],
    [['--env', 'B='], /--env B: the key is empty/],
    [['--env', '1B=b'], /--env must name a variable of letters, .* got "(?:1B|B-C)"/],
    [['--env', 'B-C=b'], /--env must name a variable of letters, .* got "(?:1B|B-C)"/],
    [['--env', 'B=b', '--env', 'B=c'], /--env names \$B twice/],
    [['--all', '--variables', '*'], /--variables must be .*got "\*"/],
    [['--all', '--variables', 'A*'], /--variables must be .*got "A\*"/],
    [['--all', '--variables', 'A,,B'], /--variables must be .*got ""/],
    [['--all', '--variables', 'password'], /--variables must be names such as DATABASE_URL.*got "password"/],
  ])('checks what is to be given before anything is opened: %j', async (scope, message) => {
    const box = await sandbox('none');
    const env = { SECURESTORE_URL: 'sqlite:./none', SECURESTORE_PASSPHRASE: 'x' };
    const { exitCode, stdout, stderr } = await refusal(box, scope, env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('does not start the command where objects that --env names are not there, and names all of them', async () => {
    const box = await withSecrets({ secret: 'x' });
    const scope = [...SECRET, '--env', 'A=no/a', '--env', 'B=no/b'];
    const { exitCode, stdout, stderr } = await refusal(box, scope);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toContain('"no/a" for $A, "no/b" for $B');
  });

  it('ends as the command ends', async () => {
    const box = await withSecrets({ secret: 'x' });
    expect((await box.run(script('exit 7'))).exitCode).toBe(7);
    expect((await box.run(script('kill -KILL $$'))).exitCode).toBe(137);
    expect(await box.run(script('cat; echo err >&2'), { input: 'through' })).toMatchObject({
      exitCode: 0,
      stdout: 'through',
      stderr: 'err\n',
    });
    expect((await runUnstarted(box, ['--json', 'exec', ...SECRET, '--', 'no-such-command'])).exitCode).toBe(127);
    expect(await runUnstarted(box, ['exec', ...SECRET, '--', '/etc/passwd'])).toMatchObject({
      exitCode: 126,
      stderr: expect.stringMatching(/^error: cannot run "\/etc\/passwd": .*\[ACCESS_DENIED\]\n$/),
    });
  });

  it('says that a command is not there, though a folder of the search path may not be looked into', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may look into every folder');
    const box = await withSecrets({ secret: 'x' });
    const closed = mkdtempSync(join(tmpdir(), 'securestore-closed-'));
    onTestFinished(() => rmdirSync(closed));
    chmodSync(closed, 0);
    const env = { PATH: `${closed}:${process.env['PATH'] ?? ''}` };
    expect((await runUnstarted(box, ['exec', ...SECRET, '--', 'no-such-command'], env)).exitCode).toBe(127);
  });

  it.each(SIGNALS)('passes %s on', async (signal) => {
    const box = await withSecrets({ secret: 'x' });
    const code = `process.on('${signal}', () => { console.log('got it'); process.exit(9); }); setInterval(() => {}, 1000); console.log('ready')`;
    const child = box.start(['exec', ...SECRET, '--', 'node', '-e', code]);
    const ending = finished(child);
    if (child.stdout === null) throw new Error('stdout is a pipe');
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await ending).toMatchObject({ exitCode: 9, stdout: 'ready\ngot it\n' });
  });

  const REFUSED = [
    ['two would be one variable', { 'a/b': '1', 'a-b': '2' }, 2, '$A_B ("a-b", "a/b")'],
    ['one holds NUL', { nul: 'can\0ary' }, 2, 'cannot make "nul" an environment variable: its value holds a NUL byte'],
    [
      'one is no text',
      { bytes: Buffer.from([0x63, 0x61, 0xff]) },
      2,
      'cannot make "bytes" an environment variable: its value is not UTF-8',
    ],
    ['one is too long', { huge: 'x'.repeat(200_000) }, 2, '"huge" has 200000 bytes'],
    ['one has a name that nobody gave', { other: 'x' }, 2, '$OTHER'],
    ['there are none', {}, 3, 'the store is empty'],
  ] as const;
  it.each(REFUSED.filter((_row, at) => LONG || at === 0))(
    'does not start the command where %s',
    async (_case, secrets, exitCode, text) => {
      const box = await withSecrets(secrets);
      const scope = ['--all', '--variables', 'A_B,NUL,BYTES,HUGE'];
      const result = await refusal(box, scope);
      expect(result).toMatchObject({ exitCode, stdout: '' });
      expect(result.stderr).toContain(text);
      expect(result.stderr).not.toContain('ary');
    },
  );

  it.each(LONG ? ['', '/'] : [''])(
    'refuses the prefix %j, which a variable that is not set leaves, and reads nothing',
    async (prefix) => {
      const box = await withSecrets({ secret: 'canary' });
      const result = await refusal(box, ['--prefix', prefix], { SECURESTORE_PASSPHRASE: 'wrong' });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toMatch(/--prefix .*\[INVALID_ARGUMENT\]/);
    },
  );

  it('does not start the command where all secrets have expired', async () => {
    const box = await sandbox();
    await box.seedExpired({ secret: 'x' });
    for (const scope of [SECRET, ['--all', '--variables', 'SECRET']]) {
      expect(await refusal(box, scope)).toMatchObject({ exitCode: 3, stdout: '' });
    }
  });

  it('points out an option of ours behind the command, unless -- says that it is meant', async () => {
    const box = await withSecrets({ 'db/password': 'x' });
    const misplaced = await box.run(['exec', '--env', 'A=db/password', 'true', '--prefix=canary']);
    expect(misplaced).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^note: --prefix is after/) });
    expect(misplaced.stderr).not.toContain('canary');
    for (const args of [
      ['--env', 'A=db/password', '--', 'true', '--prefix', 'db'],
      ['--prefix', 'db', '--variables', 'PASSWORD', 'true', '--verbose', '-s'],
    ]) {
      expect(await box.run(['exec', ...args])).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });

  it('says that an object of the store sets the search path', async () => {
    const box = await withSecrets({ secret: '/nowhere' });
    const run = async (...env: string[]): Promise<string> =>
      (await runUnstarted(box, ['exec', ...env, '--', 'sh'])).stderr;
    expect(await run('--env', 'PATH=secret')).toBe(
      'error: the command "sh" is in no folder of $PATH [NOT_FOUND]\n' +
        'hint: an object of the store sets $PATH for it: leave that out, or give the path of the command\n',
    );
    expect((await runUnstarted(box, ['exec', ...SECRET, '--', 'no-such-command'])).stderr).toBe(
      'error: the command "no-such-command" is in no folder of $PATH [NOT_FOUND]\n',
    );
  });

  it('leaves a --json that belongs to the command alone', async () => {
    const box = await withSecrets({ secret: 'x' });
    const { exitCode, stderr } = await runUnstarted(box, ['exec', ...SECRET, 'no-such-command', '--json']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 127, stderr: expect.stringMatching(/^error: /) });
  });
});
