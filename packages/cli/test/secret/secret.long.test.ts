import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, type Sandbox, sandbox } from '../support/cli.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const PASSPHRASE = 'correct horse canary-5e1d';

/** A store that a passphrase unlocks, and every way to give it. */
async function passphraseStore(): Promise<Sandbox> {
  const box = await sandbox('none');
  const env = { SECURESTORE_PASSPHRASE: PASSPHRASE };
  const made = await box.run(['init', 'sqlite:./vault'], { env });
  expect(made.exitCode).toBe(0);
  await writeFile(box.path('plain'), PASSPHRASE, { mode: 0o600 });
  await writeFile(box.path('unix'), `${PASSPHRASE}\n`, { mode: 0o600 });
  await writeFile(box.path('windows'), `${PASSPHRASE}\r\n`, { mode: 0o600 });
  await writeFile(box.path('twice'), `${PASSPHRASE}\n\n`, { mode: 0o600 });
  await writeFile(box.path('wrong'), 'wrong', { mode: 0o600 });
  await mkdir(box.path('credentials'));
  await writeFile(box.path('credentials', 'securestore-passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  return box;
}

describe('a key file', () => {
  it('is named by an option, or by a variable before all other variables', async () => {
    const box = await sandbox('none');
    const SECURESTORE_KEY_FILE = box.path('key');
    const SECURESTORE_URL = 'sqlite:./vault';
    const made = await box.run(['init', '--key-file', 'key'], { env: { SECURESTORE_URL } });
    expect(made.exitCode).toBe(0);
    const table = [
      [['ls'], { SECURESTORE_KEY_FILE }, 0],
      [['ls'], { SECURESTORE_KEY_FILE, SECURESTORE_PASSPHRASE: 'wrong' }, 0],
      [['ls', '--key-file', 'key'], { SECURESTORE_KEY_FILE: box.path('none') }, 0],
      [['ls'], { SECURESTORE_KEY_FILE: '' }, 2],
      [['ls'], { SECURESTORE_KEY_FILE: box.path('none') }, 2],
    ] as const;
    for (const [args, env, exitCode] of table) {
      const result = await box.run([...args], { env: { SECURESTORE_URL, ...env } });
      expect({ args, env, exitCode: result.exitCode }).toEqual({ args, env, exitCode });
    }
  });
});

describe('a passphrase', () => {
  it('comes from a file, a variable, or the credentials of a service', async () => {
    const box = await passphraseStore();
    const ls = ['ls', '--store', 'sqlite:./vault'];
    const CREDENTIALS_DIRECTORY = box.path('credentials');
    // Whatever tries a passphrase costs as much as it shall cost whoever guesses.
    const more = [
      [[...ls, '--passphrase-file', 'plain'], {}, 0],
      [[...ls, '--passphrase-file', 'unix'], {}, 0],
      [ls, { SECURESTORE_PASSPHRASE_FILE: box.path('wrong'), CREDENTIALS_DIRECTORY }, 9],
    ] as const;
    const table = [
      [[...ls, '--passphrase-file', 'windows'], {}, 0],
      [[...ls, '--passphrase-file', 'twice'], {}, 9],
      [ls, { SECURESTORE_PASSPHRASE_FILE: box.path('unix') }, 0],
      [ls, { CREDENTIALS_DIRECTORY }, 0],
      [ls, { SECURESTORE_PASSPHRASE: 'wrong', CREDENTIALS_DIRECTORY }, 9],
      [[...ls, '--passphrase-file', 'plain'], { SECURESTORE_PASSPHRASE: 'wrong' }, 0],
      [ls, {}, 2],
      [ls, { SECURESTORE_PASSPHRASE: '', CREDENTIALS_DIRECTORY }, 2],
      ...(LONG ? more : []),
    ] as const;
    for (const [args, env, exitCode] of table) {
      const result = await box.run(args, { env });
      expect({ args, env, exitCode: result.exitCode }).toEqual({ args, env, exitCode });
      expect(result.stdout + result.stderr).not.toContain('canary');
    }
  });

  it('that cannot be read is said to be so, with the file', async () => {
    const box = await sandbox();
    await writeFile(box.path('empty'), '\n', { mode: 0o600 });
    await writeFile(box.path('huge'), 'x'.repeat(100_000), { mode: 0o600 });
    for (const file of ['missing', 'empty', 'huge', 'credentials']) {
      const args = ['--json', '--store', 'sqlite:./vault', 'ls', '--passphrase-file', file];
      const { exitCode, stderr } = await box.run(args);
      expect(exitCode).toBe(2);
      expect(jsonLines(stderr)[0]?.['message']).toContain(`"${file}"`);
    }
  });

  it('that is missing is missed only after a store that is', async () => {
    const box = await sandbox('none');
    expect((await box.run(['ls', '--store', 'sqlite:./none'])).exitCode).toBe(3);
  });
});

describe('init', () => {
  it('gives the fingerprint, by which a store is told from another', async () => {
    const box = await sandbox();
    const { stdout, stderr } = await box.run(['init', 'sqlite:./other', '--json']);
    expect(stderr).toBe('');
    const [made] = jsonLines(stdout);
    expect(made).toEqual({ url: `sqlite:${box.path('other')}`, fingerprint: expect.stringMatching(/^\S{20,}$/) });
    const fingerprint = String(made?.['fingerprint']);
    const ls = ['ls', '--store', 'sqlite:./other', '--fingerprint'];
    expect((await box.run([...ls, fingerprint])).exitCode).toBe(0);
    const another = `${fingerprint.startsWith('0') ? '1' : '0'}${fingerprint.slice(1)}`;
    expect((await box.run([...ls, another])).exitCode).toBe(5);
    expect((await box.run([...ls, `${fingerprint}x`])).exitCode).toBe(2);
  });

  it('says what to do about an empty key file, as a cut of power leaves it, and changes nothing', async () => {
    const box = await sandbox('none');
    await writeFile(box.path('key'), '', { mode: 0o600 });
    const init = ['init', 'sqlite:./vault', '--key-file', 'key'];
    const refused = await box.run(init);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(
      /the key file "key" is empty\. Nothing was changed\. .*\nhint: .* to remove it: rm key\nhint: then try again: securestore init /,
    );
    expect((await stat(box.path('key'))).size).toBe(0);
    await rm(box.path('key'));
    expect((await box.run(init)).exitCode).toBe(0);
  });

  it('makes a key file that is missing, readable by its owner alone, and uses one that is there', async () => {
    const box = await sandbox('none');
    const first = await box.run(['init', 'sqlite:./one', '--key-file', 'key', '--json']);
    expect(jsonLines(first.stdout)).toMatchObject([{ url: `sqlite:${box.path('one')}`, keyFile: 'key' }]);
    expect((await stat(box.path('key'))).mode & 0o777).toBe(0o600);
    const second = await box.run(['--store', 'sqlite:./two', 'init', '--key-file', 'key', '--json']);
    expect(jsonLines(second.stdout)[0]).not.toHaveProperty('keyFile');
    for (const store of ['sqlite:./one', 'sqlite:./two']) {
      expect((await box.run(['ls', '--store', store, '--key-file', 'key'])).exitCode).toBe(0);
    }
    expect((await box.run(['init', 'sqlite:./three', '--key-file', 'no/such/key'])).exitCode).not.toBe(0);
  });

  it('leaves a store that is there as it is', async () => {
    const box = await sandbox();
    await box.seed({ k: 'kept' });
    const refused = await box.run(['init', 'sqlite:./vault', '--key-file', 'other.key']);
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain('the new key file other.key is kept; it opens no store yet\n');
    expect((await box.run(['get', 'k'])).stdout).toBe('kept');
  });

  it('keeps categories and plain names in the store', async () => {
    const box = await sandbox('none');
    const options = ['--define-category', 'prod=prod/**', '--define-category', 'prod=live/**', '--names', 'plain'];
    const history = ['--history-versions', '1', '--history-days', '0'];
    const made = await box.run(['init', 'sqlite:./vault', '--key-file', 'key', ...options, ...history]);
    expect(made).toMatchObject({ exitCode: 0 });
    const rest = ['--store', 'sqlite:./vault', '--key-file', 'key', '--json'];
    for (const [key, category] of [
      ['prod/a', 'prod'],
      ['live/b/c', 'prod'],
      ['other', 'default'],
    ] as const) {
      const { stdout } = await box.run(['put', key, ...rest], { input: 'x' });
      expect(jsonLines(stdout)).toMatchObject([{ key, category }]);
    }
  });
});

describe('the anchor', () => {
  it('notices that an older state was put back, until it is accepted', async () => {
    const box = await sandbox();
    expect((await box.run(['ls'])).exitCode).toBe(0);
    // Another store at the same place is the plainest of states that don't follow from the one seen before.
    await rm(box.path('vault'));
    await box.run(['--no-anchor', 'init', 'sqlite:./elsewhere', '--key-file', 'credentials/securestore-key']);
    await rename(box.path('elsewhere'), box.path('vault'));
    const noticed = await box.run(['ls']);
    expect(noticed.exitCode).toBe(5);
    expect(noticed.stderr).toMatch(
      /^error: sqlite:\S+: the store at this URL is another one than before\. Remembered: .*\. Found: .*\. \[ROLLBACK\]\nhint: if you restored it yourself: securestore --accept-rollback ls\nsee: \S+#rollback\n$/,
    );
    expect((await box.run(['ls', '--no-anchor'])).exitCode).toBe(0);
    expect((await box.run(['ls'])).exitCode).toBe(5);
    expect((await box.run(['ls', '--accept-rollback'])).exitCode).toBe(0);
    expect((await box.run(['ls'])).exitCode).toBe(0);
  });
});
