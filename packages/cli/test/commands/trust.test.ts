import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { besideUs } from '../../src/store/discovery.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';
import { finished, jsonLines, type Result, type Sandbox, sandbox } from '../support/cli.ts';

const METHODS = ['read', 'write', 'delete', 'list', 'close'].map((name) => `async ${name}() {}`).join(', ');

/** Code that leaves a file when it runs. */
const LEAVES = `require('node:fs').appendFileSync(require('node:path').join(process.env.HOME, 'ran'), 'x');`;

/** A plugin that says that it ran, and holds nothing. */
function pluginCode(scheme: string): string {
  const init = `async init() { throw new Error('the plugin ran'); }`;
  const create = `() => ({ name: 'shelf', capabilities: {}, ${init}, ${METHODS} })`;
  return `${LEAVES} exports.default = { name: 'shelf', schemes: ['${scheme}'], contract: 1, create: ${create} };`;
}

async function install(box: Sandbox, name: string, scheme: string, version = '1.2.3'): Promise<void> {
  const folder = box.path('node_modules', name);
  await mkdir(folder, { recursive: true });
  const manifest = { name, version, securestore: { backend: { schemes: [scheme], contract: 1 } } };
  await writeFile(`${folder}/package.json`, JSON.stringify(manifest));
  await writeFile(`${folder}/index.js`, pluginCode(scheme));
}

/** A folder with a plugin for `shelf:`, and a key file. */
async function withPlugin(): Promise<Sandbox> {
  const box = await sandbox('none');
  await install(box, 'their-backend', 'shelf');
  await writeFile(box.path('package.json'), '{ "dependencies": { "their-backend": "*" } }');
  await writeFile(box.path('key'), Buffer.alloc(32, 7), { mode: 0o600 });
  return box;
}

const LIST_SHELF = ['ls', '--key-file', 'key', '--store', 'shelf:x'];

/** Whether any code of the folder has run. */
async function hasRun(box: Sandbox): Promise<boolean> {
  const found = (await readdir(box.path())).includes('ran');
  await rm(box.path('ran'), { force: true });
  return found;
}

describe('a folder that is not trusted', () => {
  // T-CLI-01
  it('runs no plugin, and says what to do; one that is trusted does', async () => {
    const box = await withPlugin();
    const refused = await box.run(LIST_SHELF, { input: 'y\nyes\n' });
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^error: the backend their-backend 1\.2\.3 in .* would run with your secrets, and this folder is not trusted \[INVALID_ARGUMENT\]\nhint: if you trust both as they are now: securestore trust\n$/,
    );
    // It says nothing of the store.
    expect(await box.run(['health', ...LIST_SHELF.slice(1)])).toMatchObject({ ...refused, bytes: expect.anything() });
    expect(await hasRun(box)).toBe(false);
    const trusted = await box.run(['trust']);
    expect(trusted).toMatchObject({ exitCode: 0, stderr: '' });
    expect(trusted.stdout).toContain(`trusted: ${box.path()}\n  the backend their-backend 1.2.3 in `);
    expect(await hasRun(box)).toBe(false);
    expect((await box.run(LIST_SHELF)).stderr).not.toContain('trust');
    expect(await hasRun(box)).toBe(true);
  });

  it('runs no package that is found before the one that was trusted', async () => {
    const box = await withPlugin();
    await mkdir(box.path('work'));
    await rename(box.path('package.json'), box.path('work', 'package.json'));
    const ask = async (...args: string[]): Promise<Result> => finished(box.start(args, { cwd: box.path('work') }));
    await ask('trust');
    const list = ['ls', '--key-file', '../key', '--store', 'shelf:x'];
    expect((await ask(...list)).stderr).not.toContain('trust');
    expect(await hasRun(box)).toBe(true);
    // It has no package.json, and Node runs it all the same.
    await mkdir(box.path('work', 'node_modules', 'their-backend'), { recursive: true });
    await writeFile(box.path('work', 'node_modules', 'their-backend', 'index.js'), pluginCode('shelf'));
    expect((await ask(...list)).stderr).toContain('the package their-backend has no package.json to recognise it by');
    expect(await hasRun(box)).toBe(false);
  });

  it('with data alone is told that trust changes nothing for it', async () => {
    const box = await sandbox('none');
    await writeFile(box.path('securestore.config.json'), '{ "store": "sqlite:./vault.db" }');
    const { exitCode, stderr } = await box.run(['trust']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr:
        'note: securestore.config.json runs nothing and needs no trust. Secrets of the environment still go only to a store that you name by --store or $SECURESTORE_URL.\n',
    });
  });

  it('runs no package that its configuration names', async () => {
    const box = await withPlugin();
    await writeFile(box.path('package.json'), '{}');
    await writeFile(box.path('securestore.config.json'), '{ "backends": { "shelf": "their-backend" } }');
    expect((await box.run(LIST_SHELF)).exitCode).toBe(2);
    expect(await hasRun(box)).toBe(false);
    await box.run(['trust']);
    await box.run(LIST_SHELF);
    expect(await hasRun(box)).toBe(true);
  });

  // T-CLI-01
  it.each(LONG ? ['js', 'ts'] : ['js'])(
    'does not run its configuration in %s, whatever the command',
    async (extension) => {
      const box = await sandbox('none');
      const config = box.path(`securestore.config.${extension}`);
      const code = `${LEAVES} module.exports = { store: 'file:${box.path('vault')}' };`;
      await writeFile(config, extension === 'js' ? code : code.replace('require(', '(require as any)('));
      await writeFile(box.path('key'), Buffer.alloc(32, 7), { mode: 0o600 });
      const key = ['--key-file', 'key'];
      const store = ['--store', 'file:./vault', ...key];
      for (const args of [
        ['ls', ...key],
        ['init', 'file:./vault', ...key],
        ['ls', ...store],
        ['health', ...store],
        ['backup', 'file:./backups', ...store],
        ['snapshots', 'file:./backups', ...key],
        ['verify', 'file:./backups', ...key],
        ['verify', 'file:./backups', '--unchanged'],
        ['restore', 'file:./backups', '--to', 'file:./restored', ...key],
        ['restore', 'file:./backups', '--key', 'a', ...store, '--yes'],
        ['drill', 'file:./backups', ...key],
        ['scrub', ...store],
        ['migrate', 'file:./restored', 'file:./moved', ...key],
        ['trust', '--list'],
        ['trust', '--remove'],
      ]) {
        const { exitCode, stderr } = await box.run(args, { input: 'y\n' });
        expect(await hasRun(box), args.join(' ')).toBe(false);
        if (args.includes('--store')) {
          expect(stderr, args.join(' ')).toMatch(
            /^warning: securestore\.config\.[jt]s was not run, since this folder is not trusted\./,
          );
          expect(stderr.split('was not run')).toHaveLength(2);
        }
        if (args.join(' ') !== 'ls --key-file key') continue;
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/or give --store/) });
      }
      expect((await box.run(['trust'])).exitCode).toBe(0);
      expect(await hasRun(box)).toBe(true);
      expect(await box.run(['ls', ...key])).toMatchObject({ exitCode: 0, stderr: 'no keys\n' });
      await hasRun(box);
      // What was trusted is the file as it was.
      await writeFile(config, `${await readFile(config, 'utf8')}\n`);
      expect((await box.run(['ls', ...key])).stderr).toMatch(
        /this folder has changed since you trusted it \[INVALID_ARGUMENT\]\nhint: read it/,
      );
      expect(await hasRun(box)).toBe(false);
    },
  );

  // T-CLI-01
  it.each(['redis', 's3', 'postgres'])('runs no package in the place of an official one: %s', async (scheme) => {
    const box = await withPlugin();
    await install(box, `@securestore/backend-${scheme}`, scheme);
    const args = ['ls', '--key-file', 'key', '--store', `${scheme}:not-a-url`];
    expect((await box.run(args)).stderr).not.toMatch(/trust|ran/);
    // Those beside the program come first, though these are trusted.
    expect((await box.run(['trust'])).stdout).not.toContain(`backend-${scheme}`);
    await box.run(args);
    expect(await hasRun(box)).toBe(false);
  });
});

describe('trust', () => {
  // T-CLI-02
  it.each([
    ['another version of a plugin', async (box: Sandbox) => install(box, 'their-backend', 'shelf', '1.2.4')],
    [
      'a plugin that another one stands in for',
      async (box: Sandbox) => {
        await install(box, 'another', 'shelf');
        await rm(box.path('node_modules', 'their-backend'), { recursive: true });
        await symlink(box.path('node_modules', 'another'), box.path('node_modules', 'their-backend'));
      },
    ],
    ['a configuration that came later', async (box: Sandbox) => writeFile(box.path('securestore.config.json'), '{}')],
  ])('ends with %s', async (_case, change) => {
    const box = await withPlugin();
    await box.run(['trust']);
    await change(box);
    const { exitCode, stderr } = await box.run(LIST_SHELF);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/: securestore trust$/m);
    expect(await hasRun(box)).toBe(false);
    await box.run(['trust']);
    await box.run(LIST_SHELF);
    expect(await hasRun(box)).toBe(true);
  });

  it('is for one folder, is listed, and is taken back', async () => {
    const box = await withPlugin();
    await mkdir(box.path('below'));
    expect((await box.run(['trust', '--list'])).stderr).toBe('no folder is trusted\n');
    // The packages of the folder above are found from here, too.
    await writeFile(box.path('below', 'package.json'), '{ "dependencies": { "their-backend": "*" } }');
    await box.run(['trust', 'below']);
    expect((await box.run(LIST_SHELF)).exitCode).toBe(2);
    await box.run(['trust']);
    const listed = jsonLines((await box.run(['trust', '--list', '--json'])).stdout);
    expect(listed).toMatchObject([
      { folder: box.path(), changed: false, packages: [{ name: 'their-backend', version: '1.2.3' }] },
      { folder: box.path('below'), changed: false },
    ]);
    await rm(box.path('below'), { recursive: true });
    expect((await box.run(['trust', '--remove', 'below'])).stdout).toBe(`no longer trusted: ${box.path('below')}\n`);
    expect((await box.run(['trust', '--remove'])).stdout).toBe(`no longer trusted: ${box.path()}\n`);
    expect((await box.run(['trust', '--remove'])).stdout).toBe(`was not trusted: ${box.path()}\n`);
    expect((await box.run(LIST_SHELF)).exitCode).toBe(2);
    expect(await hasRun(box)).toBe(false);
  });

  // T-CLI-02
  it('is kept where the user alone can read and change it, and counts for nothing elsewhere', async () => {
    const box = await withPlugin();
    await box.run(['trust'], { env: { XDG_CONFIG_HOME: box.path('config') } });
    expect((await box.run(LIST_SHELF)).exitCode).toBe(2);
    await box.run(['trust'], { env: { XDG_CONFIG_HOME: 'relative' } });
    const folder = box.path('.config', 'securestore', 'trust');
    const [name = ''] = await readdir(folder);
    const file = `${folder}/${name}`;
    expect([(await stat(folder)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
    await chmod(file, 0o666);
    const shared = await box.run(LIST_SHELF);
    expect(shared.exitCode).toBe(2);
    expect(shared.stderr).toMatch(/other users can change .*\nhint: to make it yours alone: chmod go-w/);
    await chmod(file, 0o600);
    for (const text of ['', '[]', '{ "securestore": "trust 2" }', `${await readFile(file, 'utf8')}x`]) {
      const before = await readFile(file);
      await writeFile(file, text);
      expect((await box.run(LIST_SHELF)).exitCode).toBe(2);
      await writeFile(file, before);
    }
    expect(await hasRun(box)).toBe(false);
  });

  it.each([
    [['trust'], 3, /has no securestore\.config file and no backend/],
    [['trust', 'nowhere'], 3, /the folder .* does not exist/],
    [['trust', '--list', '.'], 2, /--list takes no folder/],
    [['trust', '--list', '--remove'], 2, /cannot be used with/],
  ])('of nothing is refused: %j', async (args, exitCode, message) => {
    const box = await sandbox('none');
    const result: Result = await box.run(args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  it('is not needed for packages beside the program, also if npx has started it from those of a project', () => {
    expect(besideUs({ script: '/project/node_modules/.bin/securestore' })).toContain('/project/node_modules/.bin');
    expect(besideUs({})).toHaveLength(1);
  });
});
