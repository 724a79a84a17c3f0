import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { finished, jsonLines, type Sandbox, sandbox } from './support/cli.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

/** Prints the environment as JSON, its own arguments included. */
const PRINT = ['node', '-e', 'console.log(JSON.stringify({ env: process.env, args: process.argv.slice(1) }))'] as const;

const KEY = 'credentials/securestore-key';

const SIGNALS = LONG ? (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) : (['SIGTERM'] as const);

function script(code: string): string[] {
  return ['exec', '--', 'sh', '-c', code];
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
      ['--key-file', KEY, 'exec', '--prefix', 'db/prod', '--', ...PRINT, '--', '--json'],
      {
        env: own,
      },
    );
    expect(exitCode).toBe(0);
    const [{ env, args } = {}] = jsonLines(stdout);
    expect(env).toMatchObject({ PASSWORD: 'pä ss\n', USER_NAME: 'root', KEPT: 'kept' });
    expect(Object.keys(env as object).filter((name) => /^(?:SECURESTORE|OTHER|CREDENTIALS)/.test(name))).toEqual([]);
    expect(args).toEqual(['--json']);
    const all = jsonLines((await box.run(['exec', ...PRINT])).stdout);
    expect(all[0]?.['env']).toMatchObject({ DB_PROD_PASSWORD: 'pä ss\n', DB_PROD_USER_NAME: 'root', OTHER: 'x' });
    const one = jsonLines((await box.run(['exec', '--prefix', 'db/prod/password', ...PRINT])).stdout);
    expect(one[0]?.['env']).toMatchObject({ PASSWORD: 'pä ss\n' });
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
    expect((await box.run(['--json', 'exec', '--', 'no-such-command'])).exitCode).toBe(127);
    expect(await box.run(['exec', '--', '/etc/passwd'])).toMatchObject({
      exitCode: 126,
      stderr: expect.stringMatching(/^error: the command "\/etc\/passwd" can't be run: .*\[ACCESS_DENIED\]\n$/),
    });
  });

  it.each(SIGNALS)('passes %s on', async (signal) => {
    const box = await withSecrets({ secret: 'x' });
    const code = `process.on('${signal}', () => { console.log('got it'); process.exit(9); }); setInterval(() => {}, 1000); console.log('ready')`;
    const child = box.start(['exec', '--', 'node', '-e', code]);
    const ending = finished(child);
    if (child.stdout === null) throw new Error('stdout is a pipe');
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await ending).toMatchObject({ exitCode: 9, stdout: 'ready\ngot it\n' });
  });

  const REFUSED = [
    ['two would be one variable', { 'a/b': '1', 'a-b': '2' }, 2, '"a-b" and "a/b"'],
    ['one holds NUL', { nul: 'can\0ary' }, 2, '"nul" holds a NUL byte'],
    ['one is no text', { bytes: Buffer.from([0x63, 0x61, 0xff]) }, 2, '"bytes" is not UTF-8'],
    ['one is too long', { huge: 'x'.repeat(200_000) }, 2, '"huge" has 200000 bytes'],
    ['one would choose what code is loaded', { ld_preload: 'x' }, 2, '$LD_PRELOAD'],
    ['there are none', {}, 3, 'the store is empty'],
  ] as const;
  it.each(REFUSED.filter((_row, at) => LONG || at % 2 === 0))(
    'does not start the command where %s',
    async (_case, secrets, exitCode, text) => {
      const box = await withSecrets(secrets);
      const result = await box.run(script('echo started'));
      expect(result).toMatchObject({ exitCode, stdout: '' });
      expect(result.stderr).toContain(text);
      expect(result.stderr).not.toContain('ary');
    },
  );

  it.each(LONG ? ['', '/'] : [''])(
    'refuses the prefix %j, which a variable that is not set leaves, and reads nothing',
    async (prefix) => {
      const box = await withSecrets({ secret: 'canary' });
      const args = ['exec', '--prefix', prefix, '--', 'sh', '-c', 'echo started'];
      const result = await box.run(args, { env: { SECURESTORE_PASSPHRASE: 'wrong' } });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toMatch(/--prefix .*leave the option out.*\[INVALID_ARGUMENT\]/);
    },
  );

  it('does not start the command where all secrets have expired', async () => {
    const box = await sandbox();
    await box.seedExpired({ secret: 'x' });
    expect(await box.run(script('echo started'))).toMatchObject({ exitCode: 3, stdout: '' });
  });

  it('points out an option of ours behind the command, unless -- says that it is meant', async () => {
    const box = await withSecrets({ 'db/password': 'x' });
    const misplaced = await box.run(['exec', 'true', '--prefix=canary']);
    expect(misplaced).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^note: --prefix stands after/) });
    expect(misplaced.stderr).not.toContain('canary');
    for (const args of [
      ['--', 'true', '--prefix', 'db'],
      ['--prefix', 'db', 'true', '--verbose', '-s'],
    ]) {
      expect(await box.run(['exec', ...args])).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });

  it('leaves a --json that belongs to the command alone', async () => {
    const box = await withSecrets({ secret: 'x' });
    const { exitCode, stderr } = await box.run(['exec', 'no-such-command', '--json']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 127, stderr: expect.stringMatching(/^error: /) });
  });
});
