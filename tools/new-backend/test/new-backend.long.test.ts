import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LONG } from '../../campaigns/src/size.ts';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let home = '';
beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'securestore-new-backend-')));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** The command, as npm runs it for somebody who stands in `home`. */
async function newBackend(...args: string[]): Promise<Outcome> {
  const command = ['--conditions=@securestore/source', join(root, 'tools/new-backend/src/main.ts'), ...args];
  const env = { ...process.env, INIT_CWD: home };
  return run(process.execPath, command, { cwd: root, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

describe('npm run new:backend', () => {
  it('writes a package that compiles and passes the conformance suite as it is', async () => {
    const made = await newBackend('my-shelf+2');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const folder = join(home, 'securestore-backend-my-shelf-2');
    const [, install = ''] =
      /^ {2}cd securestore-backend-my-shelf-2\n {2}(.*)\n {2}npm test\n$/m.exec(made.stdout) ?? [];

    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      name: 'securestore-backend-my-shelf-2',
      securestore: { backend: { schemes: ['my-shelf+2'], contract: 1 } },
    });
    const { dependencies, devDependencies, scripts } = manifest as Record<string, Record<string, string>>;
    expect(scripts).toMatchObject({ build: 'tsc', prepack: 'tsc', test: 'tsc -p test && vitest run' });
    const installed = install.split(' ').slice(2);
    expect(installed.shift()).toBe('--no-save');
    const vendor = await readdir(join(folder, 'vendor'));
    expect(installed.toSorted()).toEqual(vendor.map((file) => `./vendor/${file}`).toSorted());
    // No path of a file, which others don't have, and the very versions that are installed.
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(range).toMatch(/^\^\d+\.\d+\.\d+$/);
      const file = `${name.slice(1).replace('/', '-')}-${range.slice(1)}.tgz`;
      if (name.startsWith('@securestore/')) expect(vendor).toContain(file);
    }

    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
    const flags = ['--noEmit', '--customConditions', '@securestore/source', '--allowImportingTsExtensions'];
    for (const project of LONG ? [folder, join(folder, 'test')] : [join(folder, 'test')]) {
      await run(process.execPath, [compiler, '-p', project, ...flags]);
    }
    const config = join(import.meta.dirname, 'support/vitest.config.ts');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const results = join(home, 'results.json');
    const args = ['run', '--root', folder, '--config', config, '--reporter=json', '--outputFile', results];
    await run(process.execPath, [vitest, ...args], { cwd: folder });
    const report = JSON.parse(await readFile(results, 'utf8')) as { numPassedTests: number; numFailedTests: number };
    expect(report.numFailedTests).toBe(0);
    expect(report.numPassedTests).toBeGreaterThan(60);
  });

  it('writes nothing into a folder that has something in it', async () => {
    await mkdir(join(home, 'mine'));
    await writeFile(join(home, 'mine/notes'), 'keep');
    const refused = await newBackend('level', './mine');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('is not empty; nothing was written');
    expect(await readdir(join(home, 'mine'))).toEqual(['notes']);
  });

  const REFUSED: readonly (readonly [string, readonly string[], string])[] = [
    ['no scheme', [], 'say the scheme'],
    ['no possible scheme', ['Level'], '"Level" is no scheme: say the scheme of its URLs (a to z first'],
    ['one that the project serves', ['s3'], '@securestore/backend-s3'],
    ['too much', ['a', 'b', 'c'], 'say a scheme and a folder'],
    ['an unknown option', ['--list'], '--list'],
  ];
  it.each(LONG ? REFUSED : REFUSED.slice(0, 1))('refuses %s', async (_what, args, message) => {
    const refused = await newBackend(...args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^new:backend: [^\n]*\n$/);
    expect(refused.stderr).toContain(message);
    expect(await readdir(home)).not.toContain('securestore-backend-level');
  });
});
