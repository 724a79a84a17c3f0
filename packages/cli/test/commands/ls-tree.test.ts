import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';

const OBJECTS = {
  'db/prod/password': 's3cr3t',
  'db/prod/user': 'ops',
  'db/test/user': 'x'.repeat(2048),
  db: '',
  top: '1',
} as const;

it('ls takes its prefix as an option, too, as export does, and refuses two', async () => {
  const box = await sandbox();
  await box.seed(OBJECTS);
  const expected = { exitCode: 0, stdout: 'db/prod/password\ndb/prod/user\n', stderr: '2 keys\n' };
  expect(await box.run(['ls', 'db/prod/'])).toMatchObject(expected);
  expect(await box.run(['ls', '--prefix', 'db/prod/'])).toMatchObject(expected);
  const { exitCode, stderr } = await box.run(['ls', 'db/', '--prefix', 'db/prod/']);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('two are given') as string,
  });
});

describe('ls --tree', () => {
  it('shows folders with the number and size of their objects, indented', async () => {
    const box = await sandbox();
    await box.seed(OBJECTS);
    const { exitCode, stdout, stderr } = await box.run(['ls', '--tree']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '5 keys, 2.0 KiB\n' });
    expect(stdout.split('\n')).toEqual([
      'OBJECTS     SIZE  KEY',
      '             0 B  db',
      '      3  2.0 KiB  db/',
      '      2      9 B    prod/',
      '             6 B      password',
      '             3 B      user',
      '      1  2.0 KiB    test/',
      '         2.0 KiB      user',
      '             1 B  top',
      '',
    ]);
  });

  it('draws branches on a terminal, within its width, and escapes names', async () => {
    const box = await sandbox();
    const name = `db/${'long'.repeat(40)}`;
    await box.seed({ ...OBJECTS, [name]: 'x', 'db/\u202eevil': 'y' });
    const env = { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` };
    const { stdout } = await runHere(['ls', '--tree', '--no-anchor'], { env, terminal: true });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines).toContain('      2      9 B  ├── prod/');
    expect(lines).toContain('             6 B  │   ├── password');
    expect(lines).toContain('             3 B  │   └── user');
    expect(lines.some((line) => line.endsWith('└── \\u{202e}evil'))).toBe(true);
    expect(lines.find((line) => line.includes('longlong'))).toMatch(/…$/);
    const plain = await runHere(['ls', '--tree', '--no-anchor'], { env });
    expect(plain.stdout).not.toMatch(/[─-╿…]/);
    expect(plain.stdout).toContain('long'.repeat(40));
  });

  it('is records with --json', async () => {
    const box = await sandbox();
    await box.seed(OBJECTS);
    const { stdout, stderr } = await box.run(['ls', 'db/', '--tree', '--json']);
    expect(stderr).toBe('');
    expect(jsonLines(stdout)).toEqual([
      { folder: 'db/', objects: 3, bytes: 2057 },
      { folder: 'db/prod/', objects: 2, bytes: 9 },
      { key: 'db/prod/password', size: 6 },
      { key: 'db/prod/user', size: 3 },
      { folder: 'db/test/', objects: 1, bytes: 2048 },
      { key: 'db/test/user', size: 2048 },
    ]);
  });
});

describe('lists', () => {
  it('end with their number on stderr, and say that they are empty', async () => {
    const box = await sandbox();
    for (const more of [[], ['--long'], ['--tree']]) {
      expect(await box.run(['ls', ...more])).toMatchObject({ exitCode: 0, stdout: '', stderr: 'no keys\n' });
      const none = await box.run(['ls', 'db/', ...more]);
      expect(none).toMatchObject({ exitCode: 0, stdout: '', stderr: 'no keys under "db/"\n' });
      expect(await box.run(['ls', '--json', ...more])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    }
    await box.seed({ a: '1', b: '2' });
    expect((await box.run(['ls'])).stderr).toBe('2 keys\n');
    expect((await box.run(['ls', '--long'])).stderr).toBe('2 keys\n');
    expect((await box.run(['history', 'a'])).stderr).toBe('1 version\n');
    expect((await box.run(['slot', 'list'])).stderr).toMatch(/^1 slot\nfingerprint of the store: /);
  });
});
