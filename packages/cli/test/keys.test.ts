import { readFile, stat, writeFile } from 'node:fs/promises';
import { openStore, keyFile, passphrase } from 'securestore';
import { describe, expect, it } from 'vitest';
import { finished, jsonLines, type Sandbox, sandbox } from './support/cli.ts';

const CANARY = 'canary päss 4b7e';

/** Without the credential that the sandbox opens its store with. */
const byFile = (file: string): string[] => ['--key-file', file];

async function firstRecord(box: Sandbox): Promise<void> {
  await box.seed({ 'a/1': 'one', 'a/2': 'two', big: 'x'.repeat(200_000) });
}

describe('rotate', () => {
  it('replaces the secret by a key file that it makes, and every object is there by the new one alone', async () => {
    const box = await sandbox();
    await firstRecord(box);
    const rotated = await box.run(['rotate', '--new-key-file', 'new.key']);
    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(rotated.stdout).toMatch(
      /^rotated to the depth keys: the new secret opens the store, the old one no longer does\nlooked at 3 objects: 3 brought under new keys, 0 failed\nretired: [0-9a-f]{16}, [0-9a-f]{16}\n$/,
    );
    expect(rotated.stderr).toBe('made the key file new.key; keep a copy of it apart from the store\n');
    expect((await stat(box.path('new.key'))).mode & 0o777).toBe(0o600);
    expect((await box.run(['get', 'a/1'])).exitCode).toBe(9);
    expect(await box.run(['get', 'a/1', ...byFile('new.key')])).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect((await box.run(['get', 'big', ...byFile('new.key')])).bytes.length).toBe(200_000);
  });

  it.each(['unlock', 'keys', 'data'])(
    'to the depth %s says with --json what it did, and nothing secret',
    async (depth) => {
      const box = await sandbox();
      await firstRecord(box);
      await writeFile(box.path('new'), `${CANARY}\n`);
      const args = ['rotate', '--json', '--depth', depth, '--new-passphrase-file', 'new'];
      const { exitCode, stdout, stderr } = await box.run(args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const looked = depth === 'unlock' ? 0 : 3;
      expect(jsonLines(stdout)).toMatchObject([{ summary: { depth, examined: looked, rekeyed: looked, failed: 0 } }]);
      expect(stdout).not.toContain('canary');
      const env = { SECURESTORE_PASSPHRASE: CANARY };
      expect(await box.run(['get', 'a/2'], { env })).toMatchObject({ exitCode: 0, stdout: 'two' });
    },
  );

  it('keeps the secret with --same-secret, and a process that opened the store by it goes on', async () => {
    const box = await sandbox();
    await firstRecord(box);
    const location = `sqlite:${box.path('vault')}`;
    await using other = await openStore(location, { unlock: keyFile(box.path('credentials', 'securestore-key')) });
    expect(await box.run(['rotate', '--same-secret'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('the secret stays'),
    });
    expect(await box.run(['get', 'a/1'])).toMatchObject({ exitCode: 0, stdout: 'one' });
    await other.store('a/3', 'three');
    expect((await box.run(['get', 'a/3'])).stdout).toBe('three');
  });

  it('without a terminal and a new secret says what to give, and changes nothing', async () => {
    const box = await sandbox();
    await firstRecord(box);
    const refused = await box.run(['rotate']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /no new secret: give --new-key-file FILE or --new-passphrase-file FILE.*--same-secret/,
    );
    expect((await box.run(['rotate', '--new-key-file', 'a', '--new-passphrase-file', 'b'])).exitCode).toBe(2);
    expect((await box.run(['rotate', '--new-passphrase-file', 'missing'])).exitCode).toBe(2);
    await writeFile(box.path('short'), 'short');
    expect((await box.run(['rotate', '--new-key-file', 'short'])).exitCode).toBe(2);
    expect(jsonLines((await box.run(['keys', '--json'])).stdout)).toMatchObject([
      { state: 'primary' },
      { state: 'primary' },
    ]);
    expect((await box.run(['rotate', '--resume'])).exitCode).toBe(3);
    expect((await box.run(['get', 'a/1'])).stdout).toBe('one');
  });

  it('refuses the secret that there is as a new one', async () => {
    const box = await sandbox();
    await writeFile(box.path('new'), `${CANARY}\n`);
    const before = (await box.run(['slots', '--json'])).stdout;
    const same = await box.run(['rotate', '--new-key-file', 'credentials/securestore-key']);
    expect(same).toMatchObject({ exitCode: 2, stdout: '' });
    expect(same.stderr).toMatch(/^error: .*the present secret.*--same-secret.* \[INVALID_ARGUMENT\]\n$/);
    expect((await box.run(['slots', '--json'])).stdout).toBe(before);
    expect((await box.run(['rotate', '--depth', 'unlock', '--new-passphrase-file', 'new'])).exitCode).toBe(0);
    const env = { SECURESTORE_PASSPHRASE: CANARY };
    expect((await box.run(['rotate', '--new-passphrase-file', 'new'], { env })).exitCode).toBe(2);
  });

  it.each([
    ['SECURESTORE_PASSPHRASE', CANARY, '$SECURESTORE_PASSPHRASE still holds the old secret\n'],
    ['SECURESTORE_PASSPHRASE_FILE', 'old', '$SECURESTORE_PASSPHRASE_FILE still names a file with the old secret\n'],
  ])('says that $%s has the old secret, where that was the one', async (name, value, note) => {
    const box = await sandbox('none');
    const env = { SECURESTORE_URL: 'sqlite:./vault', [name]: value };
    await writeFile(box.path('old'), CANARY);
    await writeFile(box.path('new'), 'another');
    expect((await box.run(['init'], { env })).exitCode).toBe(0);
    const rotate = ['rotate', '--depth', 'unlock'];
    expect(await box.run([...rotate, '--same-secret'], { env })).toMatchObject({ exitCode: 0, stderr: '' });
    const rotated = await box.run([...rotate, '--new-passphrase-file', 'new'], { env });
    expect(rotated).toMatchObject({ exitCode: 0, stderr: note });
    const back = [...rotate, '--passphrase-file', 'new', '--new-passphrase-file', 'old'];
    expect(await box.run(back, { env })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('makes no key file where the present secret is wrong', async () => {
    const box = await sandbox();
    const env = { SECURESTORE_PASSPHRASE: 'wrong' };
    expect((await box.run(['rotate', '--new-key-file', 'new.key'], { env })).exitCode).toBe(9);
    await expect(stat(box.path('new.key'))).rejects.toThrow('ENOENT');
  });

  it('ends with exit code 8 where an object can not be re-keyed, and lists it', async () => {
    const box = await sandbox('file');
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
    expect(jsonLines(failed.stderr)).toHaveLength(1);
  });

  it('with a wrong secret leaves nothing to go on with', async () => {
    const box = await sandbox();
    await box.seed({ a: 'one' });
    const wrong = Buffer.alloc(32, 99);
    await writeFile(box.path('wrong'), wrong);
    expect((await box.run(['rotate', '--new-key-file', 'new.key', ...byFile('wrong')])).exitCode).not.toBe(0);
    expect((await box.run(['rotate', '--resume'])).exitCode).toBe(3);
    expect((await box.run(['rotate', '--same-secret', '--depth', 'data'])).exitCode).toBe(0);
  });

  it('to the depth "data" of a store that was rolled back says so, with exit code 8', async () => {
    const box = await sandbox('file');
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
  });

  it('that is interrupted says how to go on, and goes on', { timeout: 60_000 }, async () => {
    const box = await sandbox();
    await firstRecord(box);
    const child = box.start(['rotate', '--new-key-file', 'new.key']);
    const ending = finished(child);
    // It waits six seconds for other processes once the new keys are there.
    await expect.poll(async () => (await box.run(['ls', ...byFile('new.key')])).exitCode, { timeout: 30_000 }).toBe(0);
    child.kill('SIGINT');
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('the new secret has taken effect');
    expect(stderr).toContain('`securestore rotate --resume` goes on');
    const deeper = await box.run(['rotate', '--same-secret', '--depth', 'data', ...byFile('new.key')]);
    expect(deeper.exitCode).toBe(6);
    expect(deeper.stderr).toContain('to another depth: go on with it by securestore rotate --resume');
    const done = await box.run(['rotate', '--resume', ...byFile('new.key')]);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toMatch(
      /^rotated to the depth keys\nlooked at 3 objects: 3 brought under new keys, 0 failed\n/,
    );
    const nothing = await box.run(['rotate', '--resume', ...byFile('new.key')]);
    expect(nothing.exitCode).toBe(3);
    expect(nothing.stderr).toContain('there is no unfinished rotation');
  });
});

async function withCategory(): Promise<{ box: Sandbox; run: Sandbox['run'] }> {
  const box = await sandbox('none');
  const env = { SECURESTORE_URL: 'sqlite:./vault', SECURESTORE_PASSPHRASE: CANARY };
  const run: Sandbox['run'] = (args, options = {}) => box.run(args, { ...options, env: { ...env, ...options.env } });
  expect((await run(['init', '--category', 'pii=users/**'])).exitCode).toBe(0);
  await using store = await openStore(`sqlite:${box.path('vault')}`, { unlock: passphrase(CANARY) });
  await store.store('users/1', 'personal');
  await store.store('users/1', 'personal, changed');
  await store.store('else', 'not');
  return { box, run };
}

describe('keys', () => {
  it('lists key versions, with --census what lies under them', async () => {
    const { run } = await withCategory();
    const listed = await run(['keys', '--census']);
    expect(listed.stdout).toMatch(/^ID +STATE +CREATED +DUE +OBJECTS +CATEGORY$/m);
    expect(listed.stdout).toMatch(/^[0-9a-f]{16} +primary .* 2 {2}pii$/m);
    expect(listed.stdout).toMatch(/^[0-9a-f]{16} +primary .*\(journal\)$/m);
    const lines = jsonLines((await run(['keys', '--census', '--json'])).stdout);
    expect(lines.find(({ category }) => category === 'pii')).toMatchObject({
      state: 'primary',
      kind: 'category',
      objects: 2,
    });
    expect(jsonLines((await run(['keys', '--json'])).stdout)[0]).not.toHaveProperty('objects');
  });

  it('destroy needs --yes without a terminal, makes a category unreadable, and undo brings it back', async () => {
    const { run } = await withCategory();
    expect((await run(['keys', 'destroy', 'pii'])).exitCode).toBe(2);
    expect((await run(['get', 'users/1'])).exitCode).toBe(0);
    expect((await run(['keys', 'destroy', 'nothing', '--yes'])).exitCode).toBe(3);
    const destroyed = await run(['keys', 'destroy', 'pii', '--yes']);
    expect(destroyed.exitCode).toBe(0);
    expect(destroyed.stdout).toMatch(/^[0-9a-f]{16} of pii: destroying, can be undone until [-0-9]+ [:0-9]+Z\n$/);
    const gone = await run(['get', 'users/1']);
    expect(gone.exitCode).toBe(5);
    expect(gone.stderr).toMatch(/ until then securestore keys undo pii brings it back \[KEY_DESTROYED\]\n$/);
    expect((await run(['get', 'else'])).exitCode).toBe(0);
    const long = await run(['ls', '--long']);
    expect(long.exitCode).toBe(8);
    expect(long.stdout).toMatch(/ else$/m);
    expect(long.stdout).not.toContain('users/1');
    expect(long.stderr).toMatch(/^failed: users\/1: the key version .* \[KEY_DESTROYED\]\n/);
    expect((await run(['keys', 'undo', 'pii'])).stdout).toMatch(/^[0-9a-f]{16} of pii: primary\n$/);
    expect((await run(['get', 'users/1'])).stdout).toBe('personal, changed');
    expect((await run(['keys', 'undo', 'pii'])).exitCode).toBe(2);
  });

  it('finishes what is due and says so; then it can not be undone', async () => {
    const { run } = await withCategory();
    const now = await run(['keys', 'destroy', 'pii', '--wait', '1s', '--yes', '--json']);
    const [key] = jsonLines(now.stdout);
    expect(key).toMatchObject({ category: 'pii', state: 'destroying', destroyAt: expect.any(String) });
    await expect.poll(() => Date.now(), { timeout: 5000 }).toBeGreaterThan(Date.parse(String(key?.['destroyAt'])));
    const listed = await run(['keys']);
    expect(listed.stderr).toBe(`destroyed now, as it was scheduled: ${String(key?.['id'])}\n`);
    expect(listed.stdout).toMatch(/destroyed .*pii$/m);
    expect((await run(['keys', 'undo', 'pii'])).exitCode).toBe(5);
    expect((await run(['get', 'users/1'])).exitCode).toBe(5);
  });

  it('destroy takes a retired key version, and none that is in use', async () => {
    const { run } = await withCategory();
    const [inUse] = jsonLines((await run(['keys', '--json'])).stdout);
    expect((await run(['keys', 'destroy', String(inUse?.['id']), '--yes'])).exitCode).toBe(2);
    expect((await run(['rotate', '--same-secret'])).exitCode).toBe(0);
    const gone = await run(['keys', 'destroy', String(inUse?.['id']), '--wait', '0d', '--yes']);
    expect(gone.stdout).toMatch(/: destroyed\n$/);
    expect((await run(['get', 'users/1'])).stdout).toBe('personal, changed');
  });
});
