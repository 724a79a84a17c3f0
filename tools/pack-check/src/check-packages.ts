import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { inspectTarball } from './inspect.ts';
import { cacheFolder } from '../../services/src/service/cache.ts';
import { checkInstalled } from './install-check.ts';
import type { Application } from './install-check.ts';
import { applicationInstaller } from './application-installer.ts';
import type { ApplicationInstaller } from './application-installer.ts';
import { packAll, packFolders } from './pack.ts';
import { packInto } from './pack-into.ts';
import type { Tarball } from './pack.ts';
import { checkPlugin } from './plugin-check.ts';

const run = promisify(execFile);

type Outcome = 'passed' | 'failed' | 'skipped';

/**
 * Packs every publishable package, checks the tarballs and uses them; prints what is wrong and counts checks.
 *
 * @param write - whether the conformance report of the example plugin is written anew
 */
export async function checkPackages(
  root: string,
  { write = false }: { readonly write?: boolean } = {},
): Promise<{ passed: number; failed: number; skipped: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-pack-'));
  const count = { passed: 0, failed: 0, skipped: 0 };
  const source = applicationInstaller({ fresh: join(folder, 'npm-cache'), kept: cacheFolder('npm-of-applications') });
  try {
    const tarballs = await packAll(root, folder);
    for (const tarball of tarballs) count[await inspect(tarball)] += 1;
    let application: Application | undefined;
    count[
      await attempt('The packages do not work as installed from their tarballs', async () => {
        application = await checkInstalled(folder, tarballs, source);
      })
    ] += 1;
    count[await attempt('`npm run pack` makes no application that works', () => checkPackInto(root, folder, source))] +=
      1;
    if (application !== undefined) count[await plugIn(root, application, source, write)] += 1;
    if (source.offline) {
      console.log(
        'skipped: installing with an empty cache (no registry answers; used the downloads of an earlier run)',
      );
      count.skipped += 1;
    } else if (count.failed === 0) await source.keep();
    return count;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function plugIn(
  root: string,
  application: Application,
  source: ApplicationInstaller,
  write: boolean,
): Promise<Outcome> {
  return attempt('A backend of somebody else does not work on the tarballs', async () =>
    checkPlugin(root, application, source, write),
  );
}

/**
 * The library, the command line and a backend in an application that was not there, as docs/start/install.md has it; then another
 * build of the same version of the library.
 */
async function checkPackInto(root: string, folder: string, source: ApplicationInstaller): Promise<void> {
  const application = join(folder, 'packed-into');
  const installed = join(application, 'node_modules/securestore/dist/index.js');
  const pack = (): Promise<unknown> =>
    packInto(root, application, ['securestore', 'cli', 'backend-redis'], (...names) => source.install(...names));
  await pack();
  const program =
    "import { openStore } from 'securestore'; import '@securestore/backend-redis'; console.log(typeof openStore);";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: application });
  if (stdout !== 'function\n') throw new Error(`the application printed ${stdout}`);
  await run(process.execPath, [join(application, 'node_modules/.bin/securestore'), 'version'], { cwd: application });
  const built = await readFile(installed, 'utf8');
  // As if the checkout had been of an older commit when it was packed.
  const old = join(folder, 'older');
  await cp(join(root, 'packages/securestore'), old, {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  await appendFile(join(old, 'dist/index.js'), '// older\n');
  const [tarball] = await packFolders([old], join(application, 'vendor'));
  await source.install(application, [`./vendor/${basename(tarball?.file ?? '')}`]);
  if (!(await readFile(installed, 'utf8')).endsWith('// older\n')) throw new Error('the older build was not installed');
  await pack();
  if ((await readFile(installed, 'utf8')) !== built)
    throw new Error('`npm run pack` left an older build in the application');
}

async function inspect(tarball: Tarball): Promise<Outcome> {
  const findings = await inspectTarball(tarball);
  for (const line of findings) console.log(line);
  return findings.length === 0 ? 'passed' : 'failed';
}

async function attempt(failure: string, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return 'passed';
  } catch (error) {
    // What a failed program printed says more than that it failed.
    const { stderr, message } = error as { stderr?: string; message: string };
    console.log(`${failure}:\n${stderr || message}`);
    return 'failed';
  }
}
