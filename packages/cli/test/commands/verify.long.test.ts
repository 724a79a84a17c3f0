import { copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';

/** The files of a folder whose path holds `part`, with their paths. */
async function filesWith(folder: string, part: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() && path.includes(part) ? [path] : [];
  });
}

// A checkpoint, and a destruction of keys, wait for other processes.
describe.concurrent('verify', { timeout: 120_000 }, () => {
  it('says that nothing is wrong, what it looked at, and what it can not know', async ({ onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ a: 'one', b: 'two', large: Buffer.alloc(200_000, 1) });
    const result = await box.run(['verify']);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain(
      'nothing is wrong among 3 objects, 0 deletions, 0 older versions, 1 part of a payload',
    );
    expect(result.stdout).toContain('there is no checkpoint');
    expect(result.stdout).not.toContain('without an anchor');
    expect((await box.run(['verify', '--no-anchor'])).stdout).toContain('without an anchor');
  });

  it('makes the checkpoint that the next one compares with', async ({ onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ a: 'one', b: 'two' });
    const first = await box.run(['verify', '--checkpoint', '--json']);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonLines(first.stdout)).toMatchObject([
      { summary: { ok: true, objects: 2, found: 0, anchored: true } },
      { checkpoint: { objects: 2, deleted: 0, purged: 0 } },
    ]);
    const compared = (await box.run(['verify'])).stdout;
    expect(compared).toContain('compared with the checkpoint of');
    const undetected = '; rollback or loss of anything stored since then cannot be detected\n';
    expect(compared).toContain(undetected);
    expect((await box.run(['scrub'])).stdout).toContain(undetected);
    expect(compared).toContain('rollback or loss of anything stored since then cannot be detected');

    const [hidden = ''] = await filesWith(box.path('vault'), join('vault', 'o'));
    await copyFile(hidden, box.path('kept'));
    await rm(hidden);
    const second = await box.run(['verify', '--payloads', '--checkpoint']);
    expect(second).toMatchObject({ exitCode: 5, stderr: 'no checkpoint was made: it would hide what is wrong\n' });
    expect(second.stdout).toMatch(
      /^hidden: [ab] \(o\/\S+\): the object is missing, though it was not deleted; expected version \S+\n/,
    );
    expect(second.stdout).toContain('1 finding among 2 objects');
    expect(second.stdout).not.toContain('made a checkpoint');
    const json = await box.run(['verify', '--json']);
    expect(json.exitCode).toBe(5);
    expect(jsonLines(json.stdout)).toMatchObject([{ kind: 'hidden' }, { summary: { ok: false, found: 1 } }]);

    await copyFile(box.path('kept'), hidden);
    expect((await box.run(['verify'])).exitCode).toBe(0);
  });

  it('says with --json that there is no checkpoint, and counts what was destroyed on a line of its own', async ({
    onTestFinished,
  }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ a: 'one' });
    expect(jsonLines((await box.run(['verify', '--json'])).stdout)).toMatchObject([{ summary: { baseline: null } }]);
    expect((await box.run(['verify'])).stdout).not.toContain('destroyed');
    await box.run(['key', 'destroy', 'default', '--yes']);
    const destroyed = await box.run(['verify']);
    expect(destroyed.exitCode).toBe(0);
    expect(destroyed.stdout).toMatch(
      /parts of payloads\n1 record was not checked: its encryption keys are destroyed, or scheduled to be\n/,
    );
  });

  it('takes the store URL as an operand, which must not contradict --store', async ({ onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ a: 'one' });
    const url = `file:${box.path('vault')}`;
    expect((await box.run(['verify', url])).exitCode).toBe(0);
    expect(await box.run(['verify', url, '--store', 'file:elsewhere'])).toMatchObject({ exitCode: 2 });
    expect((await box.run(['verify', 'file:nowhere'])).exitCode).toBe(3);
  });

  it('names what is damaged', async ({ onTestFinished }) => {
    const box = await sandbox('file', onTestFinished);
    await box.seed({ a: 'one' });
    const [file = ''] = await filesWith(box.path('vault'), join('vault', 'o'));
    await writeFile(file, 'rubbish');
    const result = await box.run(['verify']);
    expect(result.exitCode).toBe(5);
    expect(result.stdout).toMatch(/^damaged: a \(o\/\S+\): the record is damaged/);
  });
});
