import { readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, type Sandbox, sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

const CANARY = 'canary of a manager';
const STORE = ['--store', 'sqlite:./vault'] as const;

/** The file of a store that a passphrase opens: to make one takes half a second of the processor. */
let vault: Buffer | undefined;

/** A store that a passphrase opens, and a file that has it with a line end. */
async function scene(): Promise<Sandbox> {
  const box = await sandbox('none');
  await writeFile(box.path('passphrase'), `${CANARY}\n`, { mode: 0o600 });
  if (vault === undefined) {
    const init = await box.run(['init', 'sqlite:./vault', '--passphrase-command', 'cat passphrase']);
    expect(init, init.stderr).toMatchObject({ exitCode: 0 });
    vault = await readFile(box.path('vault'));
  } else {
    await writeFile(box.path('vault'), vault, { mode: 0o600 });
  }
  return box;
}

describe('a passphrase command', () => {
  it('unlocks by what it writes, without one line end', async () => {
    const box = await scene();
    for (const command of ['cat passphrase', `printf '${CANARY}'`, `printf '${CANARY}\\r\\n'`]) {
      expect(await box.run([...STORE, 'ls', '--passphrase-command', command])).toMatchObject({ exitCode: 0 });
    }
    const two = await box.run([...STORE, 'ls', '--passphrase-command', 'cat passphrase; echo']);
    expect(two.exitCode).toBe(9);
    const variable = { SECURESTORE_PASSPHRASE_COMMAND: 'cat passphrase' };
    expect(await box.run([...STORE, 'ls'], { env: variable })).toMatchObject({ exitCode: 0 });
    const direct = { SECURESTORE_PASSPHRASE: CANARY };
    expect(await box.run([...STORE, 'ls'], { env: direct })).toMatchObject({ exitCode: 0 });
  });

  it('may write bytes that are no text', async () => {
    const box = await sandbox('none');
    const command = `printf '\\377\\000\\012binary, not text\\012'`;
    const made = await box.run(['init', 'sqlite:./vault', '--passphrase-command', command]);
    expect(made, made.stderr).toMatchObject({ exitCode: 0 });
    await writeFile(box.path('same'), Buffer.from('\xff\0\nbinary, not text', 'latin1'), { mode: 0o600 });
    expect(await box.run([...STORE, 'ls', '--passphrase-file', 'same'])).toMatchObject({ exitCode: 0 });
  });

  it('that fails is an error that names neither the command nor its output', async () => {
    const box = await scene();
    for (const [command, why] of [
      ['cat passphrase; exit 3', 'failed with exit code 3'],
      ['true', 'wrote nothing to stdout'],
      ['echo', 'wrote nothing to stdout'],
      ['head -c 70000 /dev/zero', 'wrote more than 65536 bytes to stdout'],
      ['kill -KILL $$', 'was ended by SIGKILL'],
      ['no-such-program-anywhere 2>&-', 'failed with exit code 127'],
      [' ', 'is empty'],
    ] as const) {
      const failed = await box.run([...STORE, 'ls', '--passphrase-command', command]);
      expect(failed, command).toMatchObject({ exitCode: 2, stdout: '' });
      expect(failed.stderr).toContain(
        `the passphrase command ${why} [INVALID_ARGUMENT]\n` +
          'hint: run that command by itself: it must print the passphrase alone, and exit with 0\n',
      );
      expect(failed.stderr, command).not.toMatch(/canary|passphrase;|no-such/);
    }
  });

  it('has none of our own variables, and reads none of our data', async () => {
    const box = await scene();
    const command =
      'test -z "$SECURESTORE_URL$SECURESTORE_PASSPHRASE_COMMAND$CREDENTIALS_DIRECTORY" && cat - passphrase';
    const env = { SECURESTORE_PASSPHRASE_COMMAND: command, SECURESTORE_URL: 'sqlite:./vault' };
    expect(await box.run(['put', 'k'], { env, input: 'data' })).toMatchObject({ exitCode: 0 });
    expect(await box.run(['get', 'k'], { env })).toMatchObject({ exitCode: 0, stdout: 'data' });
  });

  it('is named by no configuration, and the one of the environment is not run for a store that a file names', async () => {
    const box = await scene();
    const command = 'touch has-run; cat passphrase';
    for (const name of ['passphraseCommand', 'passphrase-command', 'SECURESTORE_PASSPHRASE_COMMAND']) {
      await writeFile(
        box.path('securestore.config.json'),
        JSON.stringify({ store: 'sqlite:./vault', [name]: command }),
      );
      expect((await box.run(['ls'])).exitCode).toBe(2);
    }
    await writeFile(box.path('securestore.config.json'), JSON.stringify({ store: 'sqlite:./vault' }));
    const refused = await box.run(['ls'], { env: { SECURESTORE_PASSPHRASE_COMMAND: command } });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('$SECURESTORE_PASSPHRASE_COMMAND is not used for sqlite:');
    await expect(stat(box.path('has-run'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is one way among others, and is not sent to a server', async () => {
    const box = await scene();
    const both = ['--passphrase-command', 'cat passphrase', '--key-file', 'key'];
    const refused = await box.run([...STORE, 'ls', ...both]);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('error: --key-file cannot be used with --passphrase-command [INVALID_ARGUMENT]\n');
    const served = ['--store', 'https://127.0.0.1:1', 'ls', '--passphrase-command', 'touch has-run'];
    const sent = await box.run(served);
    expect(sent.stderr).toBe(
      'error: --passphrase-command cannot unlock a remote store: its server has the unlock secret [INVALID_ARGUMENT]\n' +
        'hint: set $SECURESTORE_TOKEN, or give --tls-cert FILE and --tls-key FILE\n',
    );
    await expect(stat(box.path('has-run'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.runIf(LONG)(onlyLong('gives the new passphrase of slot add, which is warned of if it is weak'), async () => {
    const box = await scene();
    const env = { SECURESTORE_PASSPHRASE_COMMAND: 'cat passphrase' };
    const added = await box.run([...STORE, 'slots', 'add', '--new-passphrase-command', 'echo aaaaaaaaaaaaaaaa'], {
      env,
    });
    expect(added).toMatchObject({ exitCode: 0 });
    expect(added.stderr).toContain('warning: the new passphrase is weak: it repeats one character');
    const opened = await box.run([...STORE, 'ls'], { env: { SECURESTORE_PASSPHRASE: 'aaaaaaaaaaaaaaaa' } });
    expect(opened.exitCode).toBe(0);
    const twice = ['--new-passphrase-command', 'echo a', '--new-key-file', 'key'];
    expect((await box.run([...STORE, 'slots', 'add', ...twice], { env })).exitCode).toBe(2);
    const strong = await box.run([...STORE, 'slots', 'add', '--new-passphrase-command', 'cat passphrase'], { env });
    expect(strong.stderr).not.toContain('weak');
  });

  it('is a placeholder in hints, whose words a log may keep', async () => {
    const box = await scene();
    const command = `printf '${CANARY}'`;
    const failed = await box.run([...STORE, 'keys', 'destroy', 'none', '--yes', '--passphrase-command', command]);
    expect(failed.exitCode).toBe(3);
    const moved = await box.run(['init', 'sqlite:./other', '--passphrase-command', command]);
    expect(moved.stderr).toContain('--passphrase-command COMMAND');
    expect(failed.stderr + moved.stdout + moved.stderr).not.toContain('canary');
  });
});

describe('$SECURESTORE_KEY_FILE', () => {
  it('is the secret of init, slots and rotate', async () => {
    const box = await sandbox('none');
    const env = { SECURESTORE_KEY_FILE: 'key' };
    const made = await box.run(['init', 'sqlite:./vault', '--json'], { env });
    expect(jsonLines(made.stdout)).toMatchObject([{ keyFile: 'key' }]);
    const run = (...args: string[]): ReturnType<Sandbox['run']> => box.run([...STORE, ...args], { env });
    expect(await run('slots')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('key file') });
    expect(await run('slots', 'add', '--new-key-file', 'second')).toMatchObject({ exitCode: 0 });
    const rotated = await run('rotate', '--depth', 'unlock', '--new-key-file', 'third');
    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(rotated.stderr).toContain(
      '$SECURESTORE_KEY_FILE still names a file with the old secret; to use the new one: export SECURESTORE_KEY_FILE=third\n',
    );
    expect((await run('ls')).exitCode).toBe(9);
    expect((await box.run([...STORE, 'ls'], { env: { SECURESTORE_KEY_FILE: 'third' } })).exitCode).toBe(0);
  });
});
