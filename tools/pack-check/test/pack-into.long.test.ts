import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { applicationInstaller } from '../src/application-installer.ts';
import { packFolders } from '../src/pack.ts';
import { packInto } from '../src/pack-into.ts';
import { cacheFolder } from '../../services/src/service/cache.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

// The library, the command line and a backend in an application that was not there, as docs/start/install.md has it.
it(
  '`npm run pack` makes an application that works, and replaces an older build in it',
  { timeout: 600_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'securestore-pack-into-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const source = applicationInstaller({ fresh: join(folder, 'npm-cache'), kept: cacheFolder('npm-of-applications') });
    const application = join(folder, 'application');
    const installed = join(application, 'node_modules/securestore/dist/index.js');
    const pack = (): Promise<unknown> =>
      packInto(root, application, ['securestore', 'cli', 'backend-redis'], (...names) => source.install(...names));
    await pack();
    const program =
      "import { openStore } from 'securestore'; import '@securestore/backend-redis'; console.log(typeof openStore);";
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: application });
    expect(stdout).toBe('function\n');
    await run(process.execPath, [join(application, 'node_modules/.bin/securestore'), 'version'], { cwd: application });
    const built = await readFile(installed, 'utf8');

    // As if the checkout had been of an older commit when it was packed.
    const older = join(folder, 'older');
    await cp(join(root, 'packages/securestore'), older, {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    await appendFile(join(older, 'dist/index.js'), '// older\n');
    const [tarball] = await packFolders([older], join(application, 'vendor'));
    await source.install(application, [`./vendor/${basename(tarball?.file ?? '')}`]);
    expect(await readFile(installed, 'utf8')).toMatch(/\/\/ older\n$/);
    await pack();
    expect(await readFile(installed, 'utf8')).toBe(built);
  },
);
