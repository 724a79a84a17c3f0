import { readFile, stat, writeFile } from 'node:fs/promises';
import { keyFile, openStore } from 'securestore';
import { describe, expect, it } from 'vitest';
import { finished, jsonLines, type Sandbox, sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

const CANARY = 'canary päss 4b7e';

/** Without the credential that the sandbox opens its store with. */
const byFile = (file: string): string[] => ['--key-file', file];

async function firstRecord(box: Sandbox): Promise<void> {
  await box.seed({ 'a/1': 'one', 'a/2': 'two', big: 'x'.repeat(200_000) });
}

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('rotate', { timeout: 120_000 }, () => {
  it('replaces the secret by a key file that it makes, and every object is there by the new one alone', async ({
    onTestFinished,
  }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const rotated = await box.run(['rotate', '--new-key-file', 'new.key']);
    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(rotated.stdout).toMatch(
      /^rotated to the depth keys: the new unlock secret unlocks the store, the old one no longer does\nexamined 3 versions of objects: 3 under new encryption keys, 0 failed\ndisabled: [0-9a-f]{16}, [0-9a-f]{16}\nprotected: the old unlock secret alone opens the store no more; old encryption keys alone open no object of the store any more\nnot protected: old encryption keys still show the names of objects, and with a copy of an old record they open its payload\nnot protected: copies of the store from before, .*\nnot protected: an attacker who has old encryption keys, .* can take the store over\n$/,
    );
    expect(rotated.stderr).toBe('created the key file new.key; keep a copy of it apart from the store\n');
    expect((await stat(box.path('new.key'))).mode & 0o777).toBe(0o600);
    expect((await box.run(['get', 'a/1'])).exitCode).toBe(9);
    expect(await box.run(['get', 'a/1', ...byFile('new.key')])).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect((await box.run(['get', 'big', ...byFile('new.key')])).bytes.length).toBe(200_000);
    const added = await box.run(['slot', 'add', '--new-key-file', 'laptop.key', ...byFile('new.key')]);
    expect(added.exitCode).toBe(0);
    const again = await box.run(['rotate', '--depth', 'unlock', '--new-key-file', 'third.key', ...byFile('new.key')]);
    expect(again.stderr).toMatch(
      /\n1 other slot still unlocks the store; to list all: securestore slot list --key-file third\.key( --no-anchor)?\n/,
    );
    expect((await box.run(['rotate', '--depth', 'unlock', '--same-secret', ...byFile('third.key')])).stderr).toBe('');
  });

  it.for(LONG ? ['unlock', 'keys', 'data'] : ['data'])(
    'to the depth %s says with --json what it did, and nothing secret',
    async (depth, { onTestFinished }) => {
      const box = await sandbox('sqlite', onTestFinished);
      await firstRecord(box);
      await writeFile(box.path('new'), `${CANARY}\n`, { mode: 0o600 });
      const args = ['rotate', '--json', '--depth', depth, '--new-passphrase-file', 'new'];
      const { exitCode, stdout, stderr } = await box.run(args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const looked = depth === 'unlock' ? 0 : 3;
      expect(jsonLines(stdout)).toMatchObject([{ summary: { depth, examined: looked, rotated: looked, failed: 0 } }]);
      expect(stdout).not.toContain('canary');
      const env = { SECURESTORE_PASSPHRASE: CANARY };
      expect(await box.run(['get', 'a/2'], { env })).toMatchObject({ exitCode: 0, stdout: 'two' });
    },
  );

  it.runIf(LONG)(
    onlyLong('keeps the secret with --same-secret, and a process that opened the store by it goes on'),
    async ({ onTestFinished }) => {
      const box = await sandbox('sqlite', onTestFinished);
      await firstRecord(box);
      const url = `sqlite:${box.path('vault')}`;
      await using other = await openStore(url, { unlock: keyFile(box.path('credentials', 'securestore-key')) });
      expect(await box.run(['rotate', '--same-secret'])).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('the unlock secret is unchanged'),
      });
      expect(await box.run(['get', 'a/1'])).toMatchObject({ exitCode: 0, stdout: 'one' });
      await other.store('a/3', 'three');
      expect((await box.run(['get', 'a/3'])).stdout).toBe('three');
    },
  );

  it('without a terminal and a new secret says what to give, and changes nothing', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const refused = await box.run(['rotate']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /no new unlock secret is given .*\nhint: give --new-key-file FILE, --new-passphrase-file FILE or --new-passphrase-command COMMAND, .*--same-secret/,
    );
    expect((await box.run(['rotate', '--new-key-file', 'a', '--new-passphrase-file', 'b'])).exitCode).toBe(2);
    expect((await box.run(['rotate', '--new-passphrase-file', 'missing'])).exitCode).toBe(2);
    await writeFile(box.path('short'), 'short');
    expect((await box.run(['rotate', '--new-key-file', 'short'])).exitCode).toBe(2);
    expect(jsonLines((await box.run(['key', 'list', '--json'])).stdout)).toMatchObject([
      { state: 'primary' },
      { state: 'primary' },
    ]);
    expect((await box.run(['rotate', '--resume'])).exitCode).toBe(3);
    expect((await box.run(['get', 'a/1'])).stdout).toBe('one');
  });

  it('refuses the secret that there is as a new one', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await writeFile(box.path('new'), `${CANARY}\n`, { mode: 0o600 });
    const before = (await box.run(['slot', 'list', '--json'])).stdout;
    const same = await box.run(['rotate', '--new-key-file', 'credentials/securestore-key']);
    expect(same).toMatchObject({ exitCode: 2, stdout: '' });
    expect(same.stderr).toMatch(
      /^error: the new unlock secret is the current one\. Nothing was changed\. \[INVALID_ARGUMENT\]\nhint: .*: securestore rotate --same-secret( --no-anchor)?\n$/,
    );
    expect((await box.run(['slot', 'list', '--json'])).stdout).toBe(before);
    expect((await box.run(['rotate', '--depth', 'unlock', '--new-passphrase-file', 'new'])).exitCode).toBe(0);
    const env = { SECURESTORE_PASSPHRASE: CANARY };
    expect((await box.run(['rotate', '--new-passphrase-file', 'new'], { env })).exitCode).toBe(2);
  });

  const OLD: readonly (readonly [name: string, value: string, note: string])[] = [
    ['SECURESTORE_PASSPHRASE', CANARY, '$SECURESTORE_PASSPHRASE still holds the old secret\n'],
    ['SECURESTORE_PASSPHRASE_FILE', 'old', '$SECURESTORE_PASSPHRASE_FILE still names a file with the old secret\n'],
  ];
  it.for(LONG ? OLD : OLD.slice(1))(
    'says that $%s has the old secret, where that was the one',
    async ([name, value, note], { onTestFinished }) => {
      const box = await sandbox('none', onTestFinished);
      const env = { SECURESTORE_URL: 'sqlite:./vault', [name]: value };
      await writeFile(box.path('old'), CANARY, { mode: 0o600 });
      await writeFile(box.path('new'), 'another passphrase', { mode: 0o600 });
      expect((await box.run(['init'], { env })).exitCode).toBe(0);
      const rotate = ['rotate', '--depth', 'unlock'];
      expect(await box.run([...rotate, '--same-secret'], { env })).toMatchObject({ exitCode: 0, stderr: '' });
      const rotated = await box.run([...rotate, '--new-passphrase-file', 'new'], { env });
      expect(rotated).toMatchObject({ exitCode: 0, stderr: note });
      const back = [...rotate, '--passphrase-file', 'new', '--new-passphrase-file', 'old'];
      expect(await box.run(back, { env })).toMatchObject({ exitCode: 0, stderr: '' });
    },
  );

  it('makes no key file where the present secret is wrong', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const env = { SECURESTORE_PASSPHRASE: 'wrong' };
    expect((await box.run(['rotate', '--new-key-file', 'new.key'], { env })).exitCode).toBe(9);
    await expect(stat(box.path('new.key'))).rejects.toThrow('ENOENT');
  });

  it('ends with exit code 8 where an object can not be re-keyed, and lists it', async ({ onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ 'a/1': 'one' });
    const { spawnSync } = await import('node:child_process');
    const [record = ''] = spawnSync('find', [box.path('vault', 'o'), '-type', 'f'])
      .stdout.toString()
      .split('\n');
    const bytes = await readFile(record);
    await writeFile(record, bytes.subarray(0, bytes.length - 40).fill(0, 0, 3));
    const failed = await box.run(['rotate', '--same-secret', '--json']);
    expect(failed.exitCode).toBe(8);
    expect(jsonLines(failed.stdout)).toMatchObject([
      { name: expect.stringMatching(/^o\//), status: 'failed', error: { code: expect.any(String) } },
      { summary: { failed: 1 } },
    ]);
    expect(failed.stderr).toBe('');
  });

  it.runIf(LONG)(onlyLong('with a wrong secret leaves nothing to go on with'), async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.seed({ a: 'one' });
    const wrong = Buffer.alloc(32, 99);
    await writeFile(box.path('wrong'), wrong, { mode: 0o600 });
    expect((await box.run(['rotate', '--new-key-file', 'new.key', ...byFile('wrong')])).exitCode).not.toBe(0);
    expect((await box.run(['rotate', '--resume'])).exitCode).toBe(3);
    expect((await box.run(['rotate', '--same-secret', '--depth', 'data'])).exitCode).toBe(0);
  });

  it.runIf(LONG)(
    onlyLong('to the depth "data" of a store that was rolled back says so, with exit code 8'),
    async ({ onTestFinished }) => {
      const box = await sandbox('file', onTestFinished);
      await box.seed({ a: 'one' });
      const { spawnSync } = await import('node:child_process');
      const files = (): string[] =>
        spawnSync('find', [box.path('vault', 'o'), '-type', 'f'])
          .stdout.toString()
          .trim()
          .split('\n');
      const [record = ''] = files();
      const old = await readFile(record);
      await box.seed({ a: 'two' });
      expect((await box.run(['verify', '--checkpoint'])).exitCode).toBe(0);
      await writeFile(record, old);
      const rotated = await box.run(['rotate', '--same-secret', '--depth', 'data']);
      expect(rotated.exitCode).toBe(8);
      expect(rotated.stdout).toContain('1 name had less or other than the last checkpoint says');
      expect((await box.run(['verify'])).exitCode).not.toBe(0);
    },
  );

  it('that is interrupted says how to go on, and goes on', async (context) => {
    const box = await sandbox('sqlite', context.onTestFinished);
    await firstRecord(box);
    const child = box.start(['rotate', '--new-key-file', 'new.key']);
    const ending = finished(child);
    // It waits six seconds for other processes once the new keys are there.
    const opens = async (): Promise<void> => {
      const store = await openStore(`sqlite:${box.path('vault')}`, { unlock: keyFile(box.path('new.key')) });
      await store.close();
    };
    await context.expect.poll(opens, { timeout: 30_000 }).toBeUndefined();
    child.kill('SIGINT');
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('the new unlock secret is in effect');
    expect(stderr).toContain(': securestore rotate --resume --key-file new.key\n');
    const old = await box.run(['rotate', '--resume']);
    expect(old).toMatchObject({ exitCode: 9, stdout: '' });
    expect(old.stderr).toMatch(
      /the key file does not unlock the store\. A rotation that has not ended may have replaced it\. \[UNLOCK_FAILED\]\n/,
    );
    expect(old.stderr).toContain('\nhint: if a rotation to a new unlock secret was interrupted, give the new one\n');
    const deeper = await box.run(['rotate', '--same-secret', '--depth', 'data', ...byFile('new.key')]);
    expect(deeper.exitCode).toBe(6);
    expect(deeper.stderr).toMatch(/ \[CONFLICT\]\nhint: .*: securestore /);
    const done = await box.run(['rotate', '--resume', ...byFile('new.key')]);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toMatch(
      /^rotated to the depth keys\nexamined 3 versions of objects: 3 under new encryption keys, 0 failed\n/,
    );
    const nothing = await box.run(['rotate', '--resume', ...byFile('new.key')]);
    expect(nothing.exitCode).toBe(3);
    expect(nothing.stderr).toMatch(/unfinished .*rotation/);
  });
});
