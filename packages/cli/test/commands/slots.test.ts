import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
// Whoever forges a share makes its digits of check right.
import { printed, readPrinted } from '../../../crypto/src/unlock/printed.ts';
import { jsonLines, type Sandbox, sandbox } from '../support/cli.ts';

/** Without the credential that the sandbox opens its store with. */
const byFile = (file: string): string[] => ['--key-file', file];

const byShares = (...indices: number[]): string[] => indices.flatMap((index) => ['--share-file', `share ${index}`]);

async function firstRecord(box: Sandbox): Promise<void> {
  await box.seed({ 'a/1': 'one' });
}

// Whatever removes a slot waits for other processes.
describe.concurrent('slots', () => {
  it('are listed, added and removed, but for the last one', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const [first] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout);
    expect(first).toMatchObject({ method: 'keyFile', current: true });
    expect((await box.run(['slot', 'remove', String(first?.['id'])])).exitCode).toBe(2);
    expect((await box.run(['slot', 'add'])).exitCode).toBe(2);
    const added = await box.run(['slot', 'add', '--new-key-file', 'second.key']);
    expect(added.stdout).toMatch(
      /^added the slot \w+: a key file that unlocks the store\ncreated the key file second.key\n$/,
    );
    expect(await box.run(['get', 'a/1', ...byFile('second.key')])).toMatchObject({ stdout: 'one' });
    const shown = await box.run(['slot', 'list']);
    expect(shown.stderr).toMatch(/^2 slots\nfingerprint of the store: [0-9a-v]{52}\n$/);
    expect(shown.stdout).toMatch(/^ID +METHOD +CREATED\n\w+ +key file .*in use by this command\n\w+ +key file .*Z\n$/);
    const inUse = await box.run(['slot', 'remove', String(first?.['id'])]);
    expect(inUse).toMatchObject({ exitCode: 2, stdout: '' });
    expect(inUse.stderr).toMatch(/the slot in use would be removed\. Nothing was changed\. .*\nhint: add --yes/);
    const removed = await box.run(['slot', 'remove', String(first?.['id']), ...byFile('second.key')]);
    expect(removed).toMatchObject({ exitCode: 0, stdout: `removed the slot ${String(first?.['id'])}\n` });
    expect(removed.stderr).toContain('securestore rotate --same-secret');
    expect((await box.run(['get', 'a/1'])).exitCode).toBe(9);
    expect((await box.run(['slot', 'remove', 'nonsense', ...byFile('second.key')])).exitCode).toBe(3);
  });
});

describe.concurrent('slot remove', () => {
  it('removes the slot in use where that is agreed to', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const [first] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout);
    await box.run(['slot', 'add', '--new-key-file', 'second.key']);
    expect((await box.run(['slot', 'remove', String(first?.['id']), '--yes'])).exitCode).toBe(0);
    expect((await box.run(['ls'])).exitCode).toBe(9);
    expect((await box.run(['ls', ...byFile('second.key')])).exitCode).toBe(0);
  });

  it('says of the slot in use that it is removed, and what another secret has yet to do at the backups', async ({
    onTestFinished,
  }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.run(['slot', 'add', '--new-key-file', 'second.key']);
    const destination = 'file:backup';
    expect((await box.run(['backup', destination])).exitCode).toBe(0);
    const [first] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout);
    const { exitCode, stdout, stderr } = await box.run(['slot', 'remove', String(first?.['id']), '--yes']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: `removed the slot ${String(first?.['id'])}\n` });
    expect(stderr).toContain(`changed in the store, but not in the backups at ${destination}`);
    expect(stderr).toContain('the unlock secret still opens their backups');
    expect(stderr).not.toMatch(/^error:/m);
    expect((await box.run(['backup', destination, ...byFile('second.key')])).exitCode).toBe(0);
    expect((await box.run(['snapshots', destination, '--key-file', 'credentials/securestore-key'])).exitCode).toBe(9);
  });
});

describe.concurrent('slot add', () => {
  it('takes no secret that opens the store already', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const [first] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout);
    const twice = await box.run(['slot', 'add', '--new-key-file', 'credentials/securestore-key']);
    expect(twice).toMatchObject({ exitCode: 6, stdout: '' });
    expect(twice.stderr).toMatch(
      new RegExp(`already unlocks the store by slot ${String(first?.['id'])}.*ALREADY_EXISTS`),
    );
    expect(jsonLines((await box.run(['slot', 'list', '--json'])).stdout)).toHaveLength(1);
  });

  it('leaves no kit of a slot that could not be made', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.fill(64);
    const full = await box.run(['slot', 'add', '--new-recovery-code', '--kit', 'kit.txt']);
    expect(full).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('[TOO_LARGE]') as string });
    expect(await readdir(box.path())).not.toContain('kit.txt');
  });

  it('prints a recovery code once, which opens the store from a file however it is typed', async ({
    onTestFinished,
  }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const added = await box.run(['slot', 'add', '--new-recovery-code']);
    expect(added).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^SSRC1(?:-[0-9A-Z]{4}){9}\n$/) as string,
      stderr: expect.stringContaining('write it down') as string,
    });
    await writeFile(box.path('code'), ` ${added.stdout.toLowerCase().replaceAll('-', ' ')}`, { mode: 0o600 });
    expect(await box.run(['get', 'a/1', '--recovery-code-file', 'code'])).toMatchObject({ exitCode: 0, stdout: 'one' });
    const slots = (await box.run(['slot', 'list', '--recovery-code-file', 'code'])).stdout;
    expect(slots).toMatch(/recovery code .*in use by this command/);
    expect(slots).not.toContain('SSRC1');
    await writeFile(box.path('code'), added.stdout.replace(/.\n$/, '\n'), { mode: 0o600 });
    const mistyped = await box.run(['get', 'a/1', '--recovery-code-file', 'code']);
    expect(mistyped.exitCode).toBe(2);
    expect(mistyped.stderr).toContain('the recovery code');
    expect(mistyped.stderr).not.toContain(added.stdout.slice(6, 20));
  });

  it('prints shares once, enough of which open the store, each from a file', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const added = await box.run(['slot', 'add', '--new-shares', '2/3', '--json']);
    const made = jsonLines(added.stdout)[0]?.['shares'] as string[];
    expect(made.length).toBe(3);
    await Promise.all(made.map((share, index) => writeFile(box.path(`share ${index}`), `${share}\n`, { mode: 0o600 })));
    const get = (...indices: number[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> =>
      box.run(['get', 'a/1', ...byShares(...indices)]);
    expect(await get(2, 0)).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect(await get(0, 1, 2)).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect(await get(1)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('2 of the 3 shares') as string });
    expect(await get(1, 7)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('"share 7"') as string });
  });

  it('names a share that was made up, and does without it where others are enough', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await firstRecord(box);
    const added = await box.run(['slot', 'add', '--new-shares', '3/5', '--json']);
    const made = jsonLines(added.stdout)[0]?.['shares'] as string[];
    const bytes = readPrinted('share', Buffer.from(made[1] ?? ''), 39);
    bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
    made[1] = printed('share', bytes).toString('latin1');
    await Promise.all(made.map((share, index) => writeFile(box.path(`share ${index}`), `${share}\n`, { mode: 0o600 })));
    const stranger = 'share 2 of those given is not one of this store';
    const refused = await box.run(['get', 'a/1', ...byShares(0, 1, 2)]);
    expect(refused.stderr).toContain(stranger);
    expect(refused.exitCode).toBe(9);
    expect(await box.run(['get', 'a/1', ...byShares(0, 1, 2, 3)])).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect((await box.run(['slot', 'list', ...byShares(4, 1, 0)])).stderr).toContain(stranger);
    expect((await box.run(['rotate', '--same-secret', ...byShares(4, 1, 0)])).stderr).toContain(stranger);
  });

  it.for(['2', '1/3', '4/3', 'a/b', '2/300', ''])('makes no shares of %j', async (scheme, { onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const before = (await box.run(['slot', 'list', '--json'])).stdout;
    expect(await box.run(['slot', 'add', '--new-shares', scheme])).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await box.run(['slot', 'list', '--json'])).stdout).toBe(before);
  });

  it('takes one kind of secret at a time, and so does every command', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    expect((await box.run(['slot', 'add', '--new-recovery-code', '--new-shares', '2/3'])).exitCode).toBe(2);
    expect((await box.run(['slot', 'list', '--new-recovery-code'])).exitCode).toBe(2);
    const both = await box.run(['ls', '--recovery-code-file', 'a', '--share-file', 'b']);
    expect(both).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--recovery-code-file cannot be used with --share-file'),
    });
  });
});
