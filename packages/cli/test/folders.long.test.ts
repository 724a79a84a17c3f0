import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from './support/cli.ts';
import { makeTree, treeOf } from './support/tree.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const MINUTES = 60_000;

describe.each(['sqlite', 'file'] as const)('a folder on %s:', (scheme) => {
  it('of many files comes back as it was, and a second time nothing is done', { timeout: 4 * MINUTES }, async () => {
    const box = await sandbox(scheme);
    await makeTree(box.path('in'), scheme === 'sqlite' ? (LONG ? 1500 : 60) : LONG ? 600 : 20);
    await writeFile(box.path('in', 'large'), randomBytes(LONG ? 9_000_000 : 3_000_000));
    const files = await treeOf(box.path('in'));

    const imported = await box.run(['import', 'in', '--prefix', 'a/b/']);
    expect(imported).toMatchObject({ exitCode: 0, stdout: `imported: ${files.size} stored\n`, stderr: '' });
    const keys = (await box.run(['ls', 'a/b/'])).stdout.trimEnd().split('\n');
    expect(new Set(keys)).toEqual(new Set([...files.keys()].map((name) => `a/b/${name}`)));
    const again = await box.run(['import', 'in', '--prefix', 'a/b']);
    expect(again).toMatchObject({ exitCode: 0, stdout: `imported: ${files.size} unchanged\n` });

    const exported = await box.run(['export', 'out', '--prefix', 'a/b']);
    expect(exported).toMatchObject({ exitCode: 0, stdout: `exported: ${files.size} written\n`, stderr: '' });
    expect(await treeOf(box.path('out'))).toEqual(files);
    const unchanged = await box.run(['export', 'out', '--prefix', 'a/b/']);
    expect(unchanged.stdout).toBe(`exported: ${files.size} unchanged\n`);
  });
});

const DOCUMENTATION = '/usr/share/doc';
const documentation = await stat(DOCUMENTATION).then(
  () => true,
  () => false,
);

describe('the documentation of this machine', () => {
  const title = documentation ? 'comes back as it was' : `comes back as it was (skipped: there is no ${DOCUMENTATION})`;
  it.runIf(documentation && LONG)(onlyLong(title), { timeout: 4 * MINUTES }, async () => {
    const box = await sandbox();
    expect((await box.run(['import', DOCUMENTATION, '--json'])).exitCode).toBe(0);
    expect((await box.run(['export', 'out'])).exitCode).toBe(0);
    expect(await treeOf(box.path('out'))).toEqual(await treeOf(DOCUMENTATION));
  });
});

describe('import', () => {
  it('says of a folder that is not there only that, and not how to go on', async () => {
    const box = await sandbox('none');
    const result = await box.run(['import', 'nowhere']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toBe(
      'error: cannot read the folder "nowhere": no such file or directory [INVALID_ARGUMENT]\n',
    );
  });

  it('lists what cannot be a key or is no file, and stores the rest', async () => {
    const box = await sandbox();
    await mkdir(box.path('in'));
    await writeFile(box.path('in', 'good'), 'x');
    await writeFile(box.path('in', 'bad\nname'), 'x');
    await writeFile(box.path('in', 'nfd u\u0308'), 'x');
    await mkdir(box.path('in', 'nfd a\u0308'));
    await writeFile(box.path('in', 'nfd a\u0308', 'file'), 'x');
    await writeFile(Buffer.concat([Buffer.from(box.path('in', 'latin')), Buffer.from([0xfc])]), 'x');
    await symlink('good', box.path('in', 'link'));
    await symlink('/etc', box.path('in', 'folder'));
    await promisify(execFile)('mkfifo', [box.path('in', 'pipe')]);

    const result = await box.run(['import', 'in', '--json']);
    expect(result.exitCode).toBe(8);
    const lines = jsonLines(result.stdout);
    const status = new Map(lines.map((line) => [line['name'], line['status']]));
    expect(status.get('good')).toBe('stored');
    for (const name of ['link', 'folder', 'pipe']) expect(status.get(name)).toBe('skipped');
    for (const name of ['bad\nname', 'nfd u\u0308', 'nfd a\u0308', 'latin\ufffd'])
      expect(status.get(name)).toBe('failed');
    expect(lines.at(-1)).toEqual({ summary: { stored: 1, unchanged: 0, skipped: 3, failed: 4 } });
    const failed = lines.filter((line) => line['status'] === 'failed').map((line) => line['error']);
    expect(failed).toEqual(Array.from({ length: 4 }, () => expect.objectContaining({ code: 'INVALID_KEY' })));
    expect(result.stderr).toBe('');
    expect((await box.run(['ls'])).stdout).toBe('good\n');

    const human = await box.run(['import', 'in']);
    expect(human).toMatchObject({ exitCode: 8, stdout: 'imported: 1 unchanged, 3 skipped, 4 failed\n' });
    expect(human.stderr).toContain('failed: bad\\u{0a}name: the key has a control character');
    expect(human.stderr).toContain('the name of the file must be in Unicode normalisation form C: "nfd \u00fc"');
    expect(human.stderr).toContain('the name of the folder must be in Unicode normalisation form C: ');
    expect(human.stderr).toContain('skipped: link: a symbolic link, which is not followed\n');
  });

  it('stores what has changed, keeping metadata and expiry', async () => {
    const box = await sandbox();
    await mkdir(box.path('in'));
    await writeFile(box.path('in', 'same'), 'same');
    await writeFile(box.path('in', 'longer'), 'new, longer');
    await writeFile(box.path('in', 'equal'), 'new');
    const known = { metadata: { owner: 'ops' }, expires: new Date('2999-01-01') };
    await box.seed({ same: 'same', longer: 'new', equal: 'old' }, known);
    const { stdout } = await box.run(['import', 'in']);
    expect(stdout).toBe('imported: 2 stored, 1 unchanged\n');
    const [info] = jsonLines((await box.run(['get', 'equal', '--json'])).stdout);
    expect(info).toMatchObject({ data: 'new', metadata: { owner: 'ops' }, expires: '2999-01-01T00:00:00.000Z' });
  });

  it.each(['sqlite', 'file'] as const)('never takes a %s: store for a file, nor does export', async (scheme) => {
    const box = await sandbox(scheme);
    await writeFile(box.path('beside'), 'x');
    const result = await box.run(['import', '.', '--json']);
    expect(result.exitCode).toBe(0);
    const own = jsonLines(result.stdout).filter(({ reason }) => reason === 'the store itself');
    expect(own).toContainEqual({ name: 'vault', status: 'skipped', reason: 'the store itself' });
    expect((await box.run(['ls', 'vault'])).stdout).toBe('');
    await box.seed(scheme === 'file' ? { 'vault/store': 'hostile' } : { vault: 'hostile' });
    const exported = await box.run(['export', '.']);
    expect(exported.exitCode).toBe(8);
    expect(exported.stderr).toContain('is a file of the store itself');
    expect((await box.run(['get', 'beside'])).stdout).toBe('x');
    if (scheme === 'file') expect((await box.run(['import', 'vault'])).exitCode).toBe(2);
  });

  it('refuses a prefix that no key begins with, and a folder that is none', async () => {
    const box = await sandbox();
    await writeFile(box.path('file'), 'x');
    expect((await box.run(['import', '.', '--prefix', 'a/../b'])).exitCode).toBe(2);
    for (const verb of ['import', 'export']) {
      for (const prefix of ['', '/']) {
        const { exitCode, stderr } = await box.run([verb, '.', '--prefix', prefix]);
        expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('leave the option out') });
      }
    }
    expect((await box.run(['import', 'file'])).exitCode).toBe(2);
    expect((await box.run(['ls'])).stdout).toBe('');
  });
});

describe('export', () => {
  it('writes files and folders that their owner alone may read, also over what others could', async () => {
    const box = await sandbox();
    await box.seed({ 'a/b': 'secret' });
    await box.seed({ c: 'secret' });
    await mkdir(box.path('out'), { mode: 0o755 });
    await writeFile(box.path('out', 'c'), 'secret');
    await chmod(box.path('out', 'c'), 0o644);
    expect((await box.run(['export', 'out'])).stdout).toBe('exported: 1 written, 1 unchanged\n');
    const mode = async (name: string): Promise<number> => (await lstat(box.path('out', name))).mode & 0o777;
    expect([await mode('a'), await mode('a/b'), await mode('c')]).toEqual([0o700, 0o600, 0o600]);
  });

  it('never leaves its folder through a link, and replaces none', async () => {
    const box = await sandbox();
    for (const key of ['dir/file', 'file', 'ok']) await box.seed({ [key]: 'secret' });
    await mkdir(box.path('outside'));
    await writeFile(box.path('outside', 'target'), 'untouched');
    await mkdir(box.path('out'));
    await symlink('../outside', box.path('out', 'dir'));
    await symlink('../outside/target', box.path('out', 'file'));
    const { exitCode, stdout, stderr } = await box.run(['export', 'out']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: 'exported: 1 written, 2 failed\n' });
    expect(stderr).toMatch(/failed: dir\/file: a symbolic link already exists at "dir"/);
    expect(await readdir(box.path('outside'))).toEqual(['target']);
    expect(await readFile(box.path('outside', 'target'), 'utf8')).toBe('untouched');
    expect((await lstat(box.path('out', 'file'))).isSymbolicLink()).toBe(true);
  });

  it('reports what is in the way, such as an object that is also the folder of others', async () => {
    const box = await sandbox();
    for (const key of ['foo', 'foo/bar', 'x', 'y/z']) await box.seed({ [key]: key });
    await mkdir(box.path('out', 'x'), { recursive: true });
    await writeFile(box.path('out', 'y'), 'a file');
    const { exitCode, stdout, stderr } = await box.run(['export', 'out', '--json']);
    expect(exitCode).toBe(8);
    expect(jsonLines(stdout).at(-1)).toEqual({
      summary: { written: 1, unchanged: 0, skipped: 0, denied: 0, failed: 3 },
    });
    expect(jsonLines(stdout)).toContainEqual(expect.objectContaining({ name: 'foo', status: 'failed' }));
    expect(stderr).toBe('');
    expect(await readFile(box.path('out', 'foo', 'bar'), 'utf8')).toBe('foo/bar');
    expect(await readFile(box.path('out', 'y'), 'utf8')).toBe('a file');
  });

  it('keeps metadata and expiry beside the files, and import reads them back', async () => {
    const box = await sandbox();
    await box.run(['put', 'a', '--meta', 'owner=ops', '--expires', '30d'], { input: 'data' });
    await box.seed({ 'b/c': 'data' });
    expect((await box.run(['export', 'out', '--metadata'])).exitCode).toBe(0);
    expect(new Set((await treeOf(box.path('out'))).keys())).toEqual(
      new Set(['a', 'a.securestore.json', 'b/c', 'b/c.securestore.json']),
    );
    expect((await box.run(['export', 'out', '--metadata'])).stdout).toBe('exported: 2 unchanged\n');
    expect((await box.run(['import', 'out'])).stdout).toBe('imported: 2 unchanged\n');

    expect((await box.run(['import', 'out', '--prefix', 'copy'])).stdout).toBe('imported: 2 stored\n');
    const [original] = jsonLines((await box.run(['info', 'a', '--json'])).stdout);
    const [copy] = jsonLines((await box.run(['info', 'copy/a', '--json'])).stdout);
    expect(copy).toMatchObject({ metadata: { owner: 'ops' }, expires: original?.['expires'] });
    expect((await box.run(['ls', 'copy'])).stdout).toBe('copy/a\ncopy/b/c\n');

    await writeFile(box.path('out', 'a.securestore.json'), '{"securestore":"metadata/1","metadata":{"owner":"dev"}}');
    expect((await box.run(['import', 'out', '--prefix', 'copy'])).stdout).toBe('imported: 1 stored, 1 unchanged\n');
    const [changed] = jsonLines((await box.run(['info', 'copy/a', '--json'])).stdout);
    expect(changed?.['metadata']).toEqual({ owner: 'dev' });
    expect(changed).not.toHaveProperty('expires');

    await writeFile(box.path('out', 'a.securestore.json'), '{"securestore":"metadata/9"}');
    const wrong = await box.run(['import', 'out', '--prefix', 'copy']);
    expect(wrong).toMatchObject({ exitCode: 8, stdout: 'imported: 1 unchanged, 1 failed\n' });
    await writeFile(box.path('out', 'a.securestore.json'), '{"just":"a file"}');
    await rm(box.path('out', 'a'));
    expect((await box.run(['import', 'out', '--prefix', 'copy'])).stdout).toBe('imported: 1 stored, 1 unchanged\n');
    expect((await box.run(['get', 'copy/a.securestore.json'])).stdout).toBe('{"just":"a file"}');
  });

  it('names objects relative to the prefix, and the object of that name by its last part', async () => {
    const box = await sandbox();
    for (const key of ['p/q', 'p/q/r', 'p/qx', 'other']) await box.seed({ [key]: key });
    expect((await box.run(['export', 'out', '--prefix', 'p/q'])).stdout).toBe('exported: 2 written\n');
    expect(new Set((await treeOf(box.path('out'))).keys())).toEqual(new Set(['q', 'r']));
    for (const path of ['none', 'none.env']) {
      const none = await box.run(['export', path, '--prefix', 'nothing']);
      expect(none).toMatchObject({ exitCode: 3, stdout: '' });
      expect(none.stderr).toBe('error: no object exists below "nothing". Nothing was written. [NOT_FOUND]\n');
    }
    expect((await box.run(['export', 'none', '--prefix', '../..'])).exitCode).toBe(2);
    expect((await box.run(['export', 'new/folders/below', '--prefix', 'p/q'])).exitCode).toBe(0);
    expect((await box.run(['export', '/proc/no/folder'])).exitCode).not.toBe(0);
    expect((await box.run(['export', 'out/q/below-a-file'])).exitCode).toBe(2);
  });
});
