import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from './support/cli.ts';

const MALFORMED = '# kept\nKEY=-----BEGIN KEY-----\nc2VjcmV0cGFydA==\nsecretpart\n';

describe('a .env file', () => {
  it('is imported as many objects and exported as it was, by its name alone', async () => {
    const box = await sandbox();
    await writeFile(box.path('.env'), `# comment\nexport USER=ops\nPASSWORD="it's a secret"\nPEM='a\nb'\n`);
    const imported = await box.run(['import', '.env', '--prefix', 'app/prod']);
    expect(imported).toMatchObject({ exitCode: 0, stdout: 'imported: 3 stored\n', stderr: '' });
    expect((await box.run(['ls'])).stdout).toBe('app/prod/PASSWORD\napp/prod/PEM\napp/prod/USER\n');
    expect((await box.run(['get', 'app/prod/PEM'])).stdout).toBe('a\nb');
    expect((await box.run(['import', '.env', '--prefix', 'app/prod/'])).stdout).toBe('imported: 3 unchanged\n');

    const exported = await box.run(['export', 'out.env', '--prefix', 'app/prod']);
    expect(exported).toMatchObject({ exitCode: 0, stdout: 'exported: 3 written\n', stderr: '' });
    expect((await stat(box.path('out.env'))).mode & 0o777).toBe(0o600);
    const values = { USER: 'ops', PASSWORD: "it's a secret", PEM: 'a\nb' };
    expect(parseEnv(await readFile(box.path('out.env'), 'utf8'))).toEqual(values);
    const again = await box.run(['export', 'out.env', '--prefix', 'app/prod']);
    expect(again.stdout).toBe('exported: 3 unchanged\n');
    expect((await box.run(['import', 'out.env', '--prefix', 'app/prod'])).stdout).toBe('imported: 3 unchanged\n');
  });

  it('leaves out what can be in none, with exit code 8 and each listed', async () => {
    const box = await sandbox();
    await box.seed({ OK: '1', 'not/flat': '2', CR: 'secret\rpart', BIN: Uint8Array.of(0xff) });
    const { exitCode, stdout, stderr } = await box.run(['export', '.env']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: 'exported: 1 written, 3 failed\n' });
    expect(stderr).toContain('failed: not/flat: the name is not valid for a variable of a .env file');
    expect(stderr).toContain('failed: CR: the value has a carriage return');
    expect(stderr).toContain('hint: a .env file holds the objects of one folder: give it by --prefix\n');
    expect(stderr).toContain('failed: BIN: the data are not UTF-8');
    expect(stderr).not.toContain('secret');
    expect(await readFile(box.path('.env'), 'utf8')).toBe('OK=1\n');
  });

  it('says which longer --prefix or format has the objects of folders in that of --prefix', async () => {
    const box = await sandbox();
    await box.seed({ 'shared/db/USER': 'ops', 'shared/db/PASSWORD': 'x', 'shared/mail/KEY': 'y' });
    const { exitCode, stderr } = await box.run(['export', 'new.env', '--prefix', 'shared']);
    expect(exitCode).toBe(8);
    expect(stderr).not.toContain('give it by --prefix');
    const [folder = '', json = ''] = stderr.split('\n').filter((line) => line.startsWith('hint: '));
    expect(folder).toMatch(
      /^hint: a \.env file holds the objects of one folder, without those of folders in it; for one of these: securestore export FILE\.env --prefix shared\/db( --no-anchor)?$/,
    );
    expect(json).toMatch(/^hint: for all in one file: securestore export FILE\.json --prefix shared( --no-anchor)?$/);
    for (const line of [folder, json]) {
      const [, args = ''] = / securestore (.*)$/.exec(line) ?? [];
      expect(await box.run(args.split(' '))).toMatchObject({ exitCode: 0 });
    }
    expect(parseEnv(await readFile(box.path('FILE.env'), 'utf8'))).toEqual({ USER: 'ops', PASSWORD: 'x' });
  });

  it('has no value cut: what a # would end is listed once, by its name and line', async () => {
    const box = await sandbox();
    await writeFile(box.path('.env'), 'A=1\nPASSWORD=abc#secretpart\na b=secretpart\n');
    const said = await box.run(['import', '.env', '--json']);
    expect(said).toMatchObject({ exitCode: 8, stderr: '' });
    const lines = jsonLines(said.stdout);
    expect(lines.filter((line) => line['status'] !== 'stored')).toMatchObject([
      {
        name: 'PASSWORD',
        status: 'failed',
        error: { message: expect.stringMatching(/^the value on line 2 has a # /) },
      },
      { name: 'line 3', status: 'failed', error: { code: 'INVALID_ARGUMENT' } },
      { summary: { stored: 1, failed: 2 } },
    ]);
    expect(said.stdout).not.toContain('secret');
    expect((await box.run(['ls'])).stdout).toBe('A\n');
  });

  it('that is not one is refused as a whole, and nothing of it shown', async () => {
    const box = await sandbox();
    await writeFile(box.path('.env'), MALFORMED);
    for (const more of [[], ['--json']]) {
      const { exitCode, stdout, stderr } = await box.run(['import', '.env', ...more]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('line 4 is neither NAME=value nor a comment');
      expect(stderr).not.toMatch(/secret|c2Vj|BEGIN/);
    }
    expect((await box.run(['ls'])).stdout).toBe('');
  });
});

describe('a file of another kind', () => {
  it('is no name for a folder with the objects as they are, until it ends with a slash', async () => {
    const box = await sandbox();
    await box.seed({ a: '1' });
    const refused = await box.run(['export', 'out.txt']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain(
      'error: "out.txt" is the name of a file, and not of one that can hold objects. Nothing was written. [INVALID_ARGUMENT]\n' +
        'hint: for a file choose a name that ends in .json or .env, or give --format\n' +
        'hint: for a folder: securestore export out.txt/\n',
    );
    await expect(stat(box.path('out.txt'))).rejects.toThrow('ENOENT');
    expect(await box.run(['export', 'out.txt/'])).toMatchObject({ exitCode: 0 });
    expect(await readFile(box.path('out.txt/a'), 'utf8')).toBe('1');
    expect(await box.run(['export', 'out.txt'])).toMatchObject({ exitCode: 0 });
  });
});

describe('a JSON file', () => {
  it('is imported as an object for each value, and what can be none is listed', async () => {
    const box = await sandbox();
    const text =
      '{"db": {"password": "s3cr3t", "port": 5432, "hosts": ["a", "b"]}, "a//b": "x", "two": "y", "two": "z", "": 1}';
    await writeFile(box.path('config.json'), text);
    const { exitCode, stdout, stderr } = await box.run(['import', 'config.json', '--prefix', 'app', '--json']);
    expect(exitCode).toBe(8);
    const lines = jsonLines(stdout);
    expect(lines.at(-1)).toEqual({ summary: { stored: 3, unchanged: 0, skipped: 0, failed: 3 } });
    expect(lines).toContainEqual({
      name: 'db/password',
      status: 'stored',
      key: 'app/db/password',
      version: expect.any(String),
    });
    expect(lines.filter((line) => line['status'] === 'failed')).toMatchObject([
      { name: 'a//b', error: { code: 'INVALID_KEY' } },
      { name: 'two', error: { code: 'INVALID_ARGUMENT' } },
      { name: '', error: { code: 'INVALID_KEY' } },
    ]);
    expect(stderr).toBe('');
    const said = (await box.run(['import', 'config.json', '--prefix', 'app'])).stderr;
    expect(said).toContain('failed: "": ');
    expect((await box.run(['get', 'app/db/port'])).stdout).toBe('5432');
    expect((await box.run(['get', 'app/db/hosts'])).stdout).toBe('["a", "b"]');

    expect((await box.run(['export', 'out.json', '--prefix', 'app'])).stdout).toBe('exported: 3 written\n');
    expect(JSON.parse(await readFile(box.path('out.json'), 'utf8'))).toEqual({
      db: { password: 's3cr3t', port: '5432', hosts: '["a", "b"]' },
    });
    expect((await box.run(['import', 'out.json', '--prefix', 'app'])).stdout).toBe('imported: 3 unchanged\n');
  });

  it('has no object that is also the folder of others', async () => {
    const box = await sandbox();
    await box.seed({ foo: '1', 'foo/bar': '2' });
    const { exitCode, stdout, stderr } = await box.run(['export', 'out.json']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: 'exported: 1 written, 1 failed\n' });
    expect(stderr).toMatch(/^failed: foo: "foo" would be a text and an object in JSON/);
  });
});

describe('the format', () => {
  it('is what is there, else what the name says, else what was given', async () => {
    const box = await sandbox();
    await box.seed({ a: '1' });
    await mkdir(box.path('folder.json'));
    expect((await box.run(['export', 'folder.json'])).stdout).toBe('exported: 1 written\n');
    expect((await box.run(['export', 'new.env/'])).exitCode).toBe(0);
    expect((await box.run(['export', 'new.json', '--format', 'folder'])).exitCode).toBe(0);
    expect((await box.run(['export', 'plain'])).exitCode).toBe(0);
    for (const name of ['folder.json', 'new.env', 'new.json', 'plain']) {
      expect(await readdir(box.path(name))).toEqual(['a']);
      expect((await box.run(['import', name, '--prefix', name])).stdout).toBe('imported: 1 stored\n');
    }
    expect((await box.run(['export', 'values', '--format', 'json', '--prefix', 'plain'])).exitCode).toBe(0);
    const guessed = await box.run(['import', 'values']);
    expect(guessed.exitCode).toBe(2);
    expect(guessed.stderr).toContain('give --format env or --format json');
    expect((await box.run(['import', 'values', '--format', 'json'])).stdout).toBe('imported: 1 unchanged\n');
    await symlink('values', box.path('link.json'));
    expect((await box.run(['import', 'link.json'])).stdout).toBe('imported: 1 unchanged\n');
  });

  it('that is given and is not there is an error before anybody is asked for a secret', async () => {
    const box = await sandbox('none');
    await writeFile(box.path('.env'), 'A=1');
    const missing = await box.run(['import', 'no.env']);
    expect(missing).toMatchObject({ exitCode: 2 });
    expect(missing.stderr).toContain('cannot read the file "no.env": no such file or directory');
    expect((await box.run(['import', '.env', '--format', 'folder'])).stderr).toContain('cannot read the folder ".env"');
    expect((await box.run(['import', '.env', '--format', 'yaml'])).stderr).toContain(
      '--format must be one of folder, env, json',
    );
    expect((await box.run(['export', '.env', '--metadata'])).stderr).toContain('--metadata needs a folder');
  });

  it('of a file never takes the store itself for it', async () => {
    const box = await sandbox();
    await box.seed({ a: '1' });
    for (const format of ['env', 'json']) {
      const { exitCode, stderr } = await box.run(['export', 'vault', '--format', format]);
      expect(exitCode).toBe(6);
      expect(stderr).toContain('is a file of the store itself');
    }
    expect((await box.run(['get', 'a'])).stdout).toBe('1');
  });
});
