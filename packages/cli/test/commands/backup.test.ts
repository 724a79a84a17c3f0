import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateIdentityFile } from 'securestore';
import { describe, it } from 'vitest';
import { windowsInWords, withGaps } from '../../src/commands/snapshots.ts';
import { backupScene, changedScene } from '../support/backups.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';

const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`;

const at = (time: string): Date => new Date(`2026-11-26T${time}Z`);

/** The largest file below a folder. */
async function largestBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const { stat } = await import('node:fs/promises');
  const sized = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
  const [largest] = sized.toSorted((a, b) => b.size - a.size);
  if (largest === undefined) throw new Error(`there is no file below ${folder}`);
  return largest.file;
}

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('backup', { timeout: 120_000 }, () => {
  it('says which snapshot it made, what is in it and what it copied', async ({ expect, onTestFinished }) => {
    const { run, destination } = await backupScene(onTestFinished);
    const first = await run(['backup', destination]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(
      new RegExp(`^made snapshot 1 of ${TIME}: 4 objects in 4 versions, 29\\d KiB\ncopied 4 versions, 29\\d KiB\n$`),
    );
    const second = await run(['backup', destination]);
    expect(second.stdout).toMatch(/^made snapshot 2 of .*\nnothing had changed\n$/);
    const third = await run(['backup', destination, '--json', '--label', 'weekly']);
    expect(jsonLines(third.stdout)).toMatchObject([
      { summary: { destination, number: 3, objects: 4, versions: 4, copied: { versions: 0, bytes: 0 }, findings: [] } },
    ]);
  });

  it('says of an empty store that it is', async ({ expect, onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    const made = await box.run(['backup', 'file:./backup']);
    expect(made.stdout).toMatch(/^made snapshot 1 of .*: 0 objects in 0 versions, 0 B\nthe store is empty\n$/);
  });

  it.for([
    [['backup'], 2, "missing required argument 'destination'"],
    [['backup', 'somewhere'], 2, 'hint: give a store URL such as sqlite:./vault.db'],
    [['backup', 'file:', '--label', 'x'.repeat(200)], 2, 'error: '],
  ] as const)('%j is refused', async ([args, exitCode, message], { expect, onTestFinished }) => {
    const { run } = await backupScene(onTestFinished);
    const refused = await run(args);
    expect(refused).toMatchObject({ exitCode, stdout: '' });
    expect(refused.stderr).toContain(message);
  });

  it('refuses the store itself, and the backups of another one, and says what to do', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, url, destination } = await changedScene(onTestFinished);
    const itself = await run(['backup', url]);
    expect(itself.exitCode).toBe(6);
    expect(itself.stderr).toMatch(
      /has a store\. Backups need a destination of their own\. \[ALREADY_EXISTS\]\nhint: choose another store URL/,
    );
    const other = await backupScene(onTestFinished);
    const refused = await other.run(['backup', destination]);
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain('has the backups of another store [ALREADY_EXISTS]');
    const restored = await other.run(['restore', destination, '--prefix', 'db/']);
    expect(restored.exitCode).toBe(5);
    expect(restored.stderr).toContain('the backup is of another store');
  });

  it('copies what is whole where something is damaged, lists that, and ends with exit code 8', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination, path } = await backupScene(onTestFinished);
    await rm(await largestBelow(path('vault', 'b')));
    const made = await run(['backup', destination]);
    expect(made.exitCode).toBe(8);
    expect(made.stdout).toMatch(
      /^failed: large: a part of the payload is missing \[INTEGRITY\]\nmade snapshot 1 of .*: 3 objects/,
    );
    expect(jsonLines((await run(['backup', destination, '--json'])).stdout).at(-1)).toMatchObject({
      summary: { objects: 3 },
    });
  });
});

describe.concurrent('snapshots', { timeout: 120_000 }, () => {
  it('lists them, the newest first, with the label last', async ({ expect, onTestFinished }) => {
    const { run, destination, lose } = await changedScene(onTestFinished);
    await run(['backup', destination]);
    // The store isn't needed for it.
    await lose();
    const listed = await run(['snapshots', destination]);
    expect(listed).toMatchObject({ exitCode: 0 });
    expect(listed.stderr).toMatch(/^2 snapshots, for which 29\d KiB were copied\n$/);
    expect(listed.stdout).toMatch(
      new RegExp(
        String.raw`^SNAPSHOT +AGE {2}TIME +OBJECTS +SIZE +COPIED +LABEL
 +2 +\d+ s {2}${TIME} +4 +29\d KiB +\S+ K?i?B
 +1 +\d+ s {2}${TIME} +4 +29\d KiB +29\d KiB +first
$`,
      ),
    );
    for (const line of listed.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const lines = jsonLines((await run(['snapshots', destination, '--json'])).stdout);
    expect(lines).toMatchObject([
      { number: 2, kind: 'snapshot', label: '', objects: 4, time: expect.any(String) },
      { number: 1, label: 'first', copied: expect.any(Number), versions: 4, bytes: expect.any(Number) },
    ]);
  });

  it('say with --windows where the gaps are, and how far they are behind', ({ expect }) => {
    const windows = [
      { from: at('12:00:00.500'), to: at('12:30:00.250'), recoveryPoints: 900 },
      { from: at('11:00:00'), to: at('11:00:00'), recoveryPoints: 1 },
    ];
    expect(windowsInWords(windows, at('12:30:02'))).toEqual([
      'FROM                      TO                        POINTS  GAP BEFORE',
      '2026-11-26T12:00:00.500Z  2026-11-26T12:30:00.250Z     900   1 h 0 min',
      '2026-11-26T11:00:00.000Z  2026-11-26T11:00:00.000Z       1',
      '2 windows, 1 gap',
      'restore --at a time in the gap gives the state before it',
      'recoverable to 2026-11-26T12:30:00.250Z, lag 2 s',
    ]);
    expect(withGaps(windows).map(({ gapBefore }) => gapBefore)).toEqual([3_600_500, undefined]);
  });

  it('says that there is none, and whose secret is wanted', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    const none = await run(['snapshots', `file:${path('nowhere')}`]);
    expect(none.exitCode).toBe(3);
    expect(await run(['snapshots', `file:${path('nowhere')}`, '--windows'])).toEqual(none);
    expect(none.stderr).toContain(`error: no backup exists at file:${path('nowhere')} [NOT_FOUND]\nhint: `);
    await writeFile(path('wrong'), Buffer.alloc(32, 9), { mode: 0o600 });
    const wrong = await run(['snapshots', destination, '--key-file', path('wrong')]);
    expect(wrong.exitCode).toBe(9);
    expect(wrong.stderr).toContain(`error: ${destination}: the key file does not unlock the store [UNLOCK_FAILED]\n`);
    expect(wrong.stderr).toContain(
      'hint: backups open by the secrets that the store had when they were last reached\n',
    );
  });
});

describe.concurrent('verify of a backup', { timeout: 120_000 }, () => {
  it('reads everything, and with --payloads opens everything', async ({ expect, onTestFinished }) => {
    const { run, destination, lose } = await changedScene(onTestFinished);
    await lose();
    const complete = await run(['verify', destination]);
    expect(complete).toMatchObject({ exitCode: 0, stderr: '' });
    expect(complete.stdout).toMatch(
      /^nothing is wrong among 1 snapshot, \d+ files, 29\d KiB\nevery file is as it was written; to decrypt them too, add --payloads\n$/,
    );
    expect((await run(['verify', destination, '--unchanged'])).stdout).toMatch(
      /^nothing is wrong among \d+ files, 29\d KiB\nevery file is as it was written; to detect missing files, give/,
    );
    expect((await run(['verify', '--unchanged'])).exitCode).toBe(2);
    expect((await run(['verify', destination, '--payloads'])).stdout).toContain(
      'everything in the newest snapshot was decrypted: 4 versions',
    );
    expect(jsonLines((await run(['verify', destination, '--json'])).stdout)).toMatchObject([
      { summary: { ok: true, depth: 'complete', snapshots: 1, found: 0 } },
    ]);
  });

  it('says of a place where nothing lies that neither a store nor a backup is there', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path } = await backupScene(onTestFinished);
    const url = `file:${path('nothere')}`;
    for (const more of [[], ['--payloads']]) {
      const nothing = await run(['verify', url, ...more]);
      expect(nothing).toMatchObject({ exitCode: 3, stdout: '' });
      expect(nothing.stderr).toContain(`error: ${url} has neither a store nor a backup [NOT_FOUND]\n`);
      expect(nothing.stderr).toContain('hint: to list the destinations with their ids: securestore destination list');
    }
    const store = await run(['verify', '--store', url]);
    expect(store.exitCode).toBe(3);
    expect(store.stderr).toContain('hint: to create a store: securestore init ');
  });

  // T-BACKUP-01
  it('names what is damaged and what that affects, with exit code 5', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    await rm(await largestBelow(path('backup', 'b')));
    // Without a secret, as whoever hosts the files has none.
    const hosted = await runHere(['verify', destination, '--unchanged']);
    expect(hosted).toMatchObject({ exitCode: 5, stderr: '' });
    expect(hosted.stdout).toMatch(
      /^missing: b\/\S+: the file \S+ of the backup is missing\n1 finding among \d+ files, /,
    );
    const found = await run(['verify', destination]);
    expect(found).toMatchObject({ exitCode: 5, stderr: '' });
    expect(found.stdout).toMatch(
      /^missing: b\/\S+: .*; affects snapshot 1, 1 version: large\n1 finding among 1 snapshot, .*\nthe next backup of the store to this destination copies everything again\nrestore --snapshot restores a snapshot without findings/,
    );
    expect(jsonLines((await run(['verify', destination, '--json'])).stdout)).toMatchObject([
      { kind: 'missing', snapshots: [1], versions: 1, keys: ['large'] },
      { summary: { ok: false, found: 1 } },
    ]);
  });
});

it.concurrent(
  'a member without the keys of backups is told so',
  { timeout: 120_000 },
  async ({ expect, onTestFinished }) => {
    const { run, path, destination, url } = await changedScene(onTestFinished);
    const [identity, invitation] = [path('me.identity'), path('invitation.txt')];
    const recipient = await generateIdentityFile(identity);
    const added = await run(['member', 'add', 'ann', recipient, '--category', 'default']);
    await writeFile(invitation, added.stdout);
    // What a destination knows of slots and members is what the last backup knew.
    expect((await run(['backup', destination])).exitCode).toBe(0);
    const asAnn = (...args: string[]) =>
      run([...args, '--identity-file', identity, '--invitation-file', invitation], {
        env: { SECURESTORE_URL: url },
      });
    for (const args of [
      ['backup', destination],
      ['restore', destination, '--key', 'db/b'],
      ['snapshots', destination],
      ['verify', destination],
      ['restore', destination, '--to', `file:${path('elsewhere')}`],
    ]) {
      const denied = await asAnn(...args);
      expect([args[0], denied.exitCode, denied.stdout]).toEqual([args[0], 4, '']);
      expect(denied.stderr).toMatch(/\[ACCESS_DENIED\]/);
    }
  },
);
